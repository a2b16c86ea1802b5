import { useT } from '../i18n/I18nProvider';
import { explainMediaError } from '../room/explain';
import { Icon } from '../ui/Icon';
import { DeviceSelect } from './DeviceSelect';
import { PreviewPane } from './PreviewPane';
import { playTestSound } from './testSound';
import type { Choices } from './useChoices';
import { type DeviceLists, useDevices } from './useDevices';

/** Preview and device choice of those who will publish. */
export function DevicePane({ choices }: { choices: Choices }) {
  const t = useT();
  const { video, audio, withCamera } = choices;
  const lists = useDevices(video.track ?? audio.track);
  return (
    <section className="prejoin-devices">
      <PreviewPane
        name={choices.name}
        withCamera={withCamera}
        video={video.track}
        audio={audio.track}
        cameraOn={choices.cameraOn}
        micOn={choices.micOn}
        onCamera={choices.setCamera}
        onMic={choices.setMic}
      />
      {video.error !== undefined && (
        <p className="field-error" role="alert">{explainMediaError(t, 'camera', video.error)}</p>
      )}
      {audio.error !== undefined && (
        <p className="field-error" role="alert">{explainMediaError(t, 'microphone', audio.error)}</p>
      )}
      <DeviceRow choices={choices} lists={lists} />
    </section>
  );
}

function DeviceRow({ choices, lists }: { choices: Choices; lists: DeviceLists }) {
  const t = useT();
  const { devices, choose } = choices;
  return (
    <div className={`device-row ${choices.withCamera ? 'device-row-three' : ''}`}>
      <DeviceSelect
        kind="microphone"
        devices={lists.microphone}
        value={devices.microphone}
        onChange={(microphone) => choose({ microphone })}
      />
      {choices.withCamera && (
        <DeviceSelect
          kind="camera"
          devices={lists.camera}
          value={devices.camera}
          onChange={(camera) => choose({ camera })}
        />
      )}
      <div className="device-with-test">
        <DeviceSelect
          kind="speaker"
          devices={lists.speaker}
          value={devices.speaker}
          onChange={(speaker) => choose({ speaker })}
        />
        <button
          type="button"
          className="button button-small"
          title={t('prejoin.testSpeaker')}
          onClick={() => void playTestSound(devices.speaker)}
        >
          <Icon name="speaker" size={16} />
          {t('prejoin.testSpeaker')}
        </button>
      </div>
    </div>
  );
}
