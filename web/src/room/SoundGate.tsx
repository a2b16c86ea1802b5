import { useAudioPlayback } from '@livekit/components-react';
import { useT } from '../i18n/I18nProvider';
import { Icon } from '../ui/Icon';

/** Browsers play no sound before the first click on a page; a deep link has none yet. */
export function SoundGate() {
  const t = useT();
  const { canPlayAudio, startAudio } = useAudioPlayback();
  if (canPlayAudio) return null;
  return (
    <div className="sound-gate" role="alert">
      <span>{t('room.enableSound')}</span>
      <button type="button" className="button button-primary button-small" onClick={() => void startAudio()}>
        <Icon name="speaker" size={18} />
        {t('room.enableSound.action')}
      </button>
    </div>
  );
}
