import { SignInButton } from '../auth/SignInButton';
import { useT } from '../i18n/I18nProvider';
import { Icon } from '../ui/Icon';
import { Attempts } from './Attempts';
import type { Playback, View } from './playback';

interface OverlayProps {
  room: string;
  byLink: boolean;
  view: View;
  playback: Playback;
}

/** What stands over the picture, or in its place. */
export function Overlay({ room, byLink, view, playback }: OverlayProps) {
  const t = useT();
  const { picker, reading, muted, paused } = view;
  switch (picker.phase) {
    case 'trying':
      // While it waits for somebody to go live, it asks again and again: that should not flicker.
      if (picker.quiet) return <Waiting room={room} />;
      return (
        <div className="watch-overlay" role="status">
          <span className="spinner" />
          <p>{t('watch.trying', { door: t(`watch.door.${picker.door}`) })}</p>
        </div>
      );
    case 'waiting':
      return <Waiting room={room} />;
    case 'denied':
      return <Denied room={room} byLink={byLink} view={view} />;
    case 'failed':
      return <Failed view={view} playback={playback} />;
    case 'playing':
      return (
        <>
          {reading?.width === 0 && <AudioOnly />}
          {paused && <BigPlay playback={playback} />}
          {muted && !paused && <SoundGate playback={playback} />}
        </>
      );
  }
}

function Waiting({ room }: { room: string }) {
  const t = useT();
  return (
    <div className="watch-overlay" data-testid="watch-waiting" role="status">
      <span className="pulse"><Icon name="live" size={34} /></span>
      <h2>{t('watch.waiting')}</h2>
      <p>{t('watch.waiting.text', { room })}</p>
    </div>
  );
}

function Denied({ room, byLink, view }: { room: string; byLink: boolean; view: View }) {
  const t = useT();
  const why = view.picker.attempts.at(-1)?.why;
  const detail = why?.kind === 'denied' ? why.words : '';
  return (
    <div className="watch-overlay" data-testid="watch-denied" role="alert">
      <span className="watch-sign"><Icon name="key" size={30} /></span>
      <h2>{t(byLink ? 'watch.expired' : 'watch.denied')}</h2>
      <p>{t(byLink ? 'watch.expired.text' : 'watch.denied.text', { room, detail })}</p>
      {!byLink && <SignInButton primary />}
    </div>
  );
}

function Failed({ view, playback }: { view: View; playback: Playback }) {
  const t = useT();
  const { choice, door, attempts } = view.picker;
  const chosen = choice !== 'auto';
  return (
    <div className="watch-overlay" data-testid="watch-failed" role="alert">
      <span className="watch-sign watch-sign-bad"><Icon name="warning" size={30} /></span>
      <h2>{t('watch.failed')}</h2>
      <p>{chosen ? t('watch.failed.chosen', { door: t(`watch.door.${door}`) }) : t('watch.failed.text')}</p>
      <Attempts attempts={attempts} />
      <button type="button" className="button" onClick={() => playback.handle({ type: 'retry' })}>{t('watch.retry')}</button>
    </div>
  );
}

function AudioOnly() {
  const t = useT();
  return (
    <div className="watch-overlay">
      <span className="watch-sign"><Icon name="speaker" size={30} /></span>
      <p>{t('watch.audioOnly')}</p>
    </div>
  );
}

function BigPlay({ playback }: { playback: Playback }) {
  const t = useT();
  return (
    <button type="button" className="watch-play" aria-label={t('watch.play')} onClick={() => playback.pause(false)}>
      <Icon name="play" size={44} />
    </button>
  );
}

/** Browsers play no sound before the first touch. */
function SoundGate({ playback }: { playback: Playback }) {
  const t = useT();
  return (
    <button type="button" className="button button-primary watch-unmute" data-testid="unmute" onClick={() => playback.mute(false)}>
      <Icon name="speaker" size={18} />
      {t('watch.unmute')}
    </button>
  );
}
