import type { LocalAudioTrack, LocalVideoTrack } from 'livekit-client';
import { useEffect, useRef } from 'react';
import { useT } from '../i18n/I18nProvider';
import { Avatar } from '../ui/Avatar';
import { Icon } from '../ui/Icon';
import { LevelMeter } from './LevelMeter';

interface PreviewPaneProps {
  name: string;
  withCamera: boolean;
  video: LocalVideoTrack | undefined;
  audio: LocalAudioTrack | undefined;
  cameraOn: boolean;
  micOn: boolean;
  onCamera(on: boolean): void;
  onMic(on: boolean): void;
}

/** What the others will see and hear, before they do. */
export function PreviewPane(props: PreviewPaneProps) {
  const t = useT();
  const { name, withCamera, video, audio, cameraOn, micOn, onCamera, onMic } = props;
  return (
    <div className="preview theatre">
      {video ? <PreviewVideo track={video} /> : (
        <div className="preview-off">
          <Avatar name={name || '?'} seed={name} />
          <span>{withCamera ? t('prejoin.cameraOff') : t('prejoin.audioOnly')}</span>
        </div>
      )}
      <div className="preview-bar">
        {micOn && <LevelMeter track={audio} />}
        <div className="preview-buttons">
          <ToggleButton on={micOn} icon="mic" label={micOn ? t('control.mute') : t('control.unmute')} onToggle={onMic} />
          {withCamera && (
            <ToggleButton
              on={cameraOn}
              icon="camera"
              label={cameraOn ? t('control.cameraOff') : t('control.cameraOn')}
              onToggle={onCamera}
            />
          )}
        </div>
      </div>
    </div>
  );
}

interface ToggleButtonProps {
  on: boolean;
  icon: 'mic' | 'camera';
  label: string;
  onToggle(on: boolean): void;
}

function ToggleButton({ on, icon, label, onToggle }: ToggleButtonProps) {
  return (
    <button
      type="button"
      className={`round-button ${on ? '' : 'round-button-off'}`}
      data-testid={icon === 'mic' ? 'mute-button' : 'camera-button'}
      aria-pressed={on}
      aria-label={label}
      title={label}
      onClick={() => onToggle(!on)}
    >
      <Icon name={on ? icon : `${icon}Off`} size={22} />
    </button>
  );
}

function PreviewVideo({ track }: { track: LocalVideoTrack }) {
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = element.current;
    if (!video) return;
    track.attach(video);
    return () => void track.detach(video);
  }, [track]);
  return <video ref={element} className="preview-video" data-testid="local-video" muted playsInline />;
}
