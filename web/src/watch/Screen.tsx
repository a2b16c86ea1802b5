import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { LanguageSwitch } from '../app/Header';
import { useT } from '../i18n/I18nProvider';
import { formatMs } from '../quality/format';
import { Icon } from '../ui/Icon';
import { Link } from '../ui/Link';
import { Controls } from './Controls';
import { Overlay } from './Overlay';
import { Playback, type View } from './playback';
import { DOORS, type State } from './picker';
import { StatsPanel } from './StatsPanel';

interface ScreenProps {
  room: string;
  token?: string;
  byLink: boolean;
}

const SILENT = { subscribe: () => () => undefined, getView: () => undefined };

export function Screen({ room, token, byLink }: ScreenProps) {
  const box = useRef<HTMLDivElement>(null);
  const [video, setVideo] = useState<HTMLVideoElement | null>(null);
  const [stats, setStats] = useState(false);
  const playback = usePlayback(video, room, token);
  const { subscribe, getView } = playback ?? SILENT;
  const view = useSyncExternalStore<View | undefined>(subscribe, getView);
  const shown = view?.picker.phase === 'playing';
  return (
    <div className="watch theatre" data-testid="watch" data-phase={view?.picker.phase} data-door={view?.picker.door}>
      <TopBar room={room} view={view} />
      <main className="watch-main" ref={box}>
        <div className="watch-stage">
          <video
            ref={setVideo}
            className="watch-video"
            data-testid="watch-video"
            playsInline
            autoPlay
            data-shown={shown}
            onClick={() => playback && view?.muted && shown && playback.mute(false)}
          />
          {playback && view && <Overlay room={room} byLink={byLink} view={view} playback={playback} />}
          {stats && view && <StatsPanel view={view} onClose={() => setStats(false)} />}
        </div>
        {playback && view && (
          <Controls
            video={video}
            box={box}
            view={view}
            playback={playback}
            stats={stats}
            onStats={() => setStats((open) => !open)}
          />
        )}
      </main>
    </div>
  );
}

declare global {
  interface Window {
    /** For debugging and browser tests: what plays, and how. */
    __surecastWatch?: { readonly view: View };
  }
}

function usePlayback(video: HTMLVideoElement | null, room: string, token: string | undefined) {
  const [playback, setPlayback] = useState<Playback>();
  useEffect(() => {
    if (!video) return;
    const made = new Playback(video, room, token, choiceOf(window.location.search));
    setPlayback(made);
    window.__surecastWatch = {
      get view() {
        return made.getView();
      },
    };
    return () => made.stop();
  }, [video, room, token]);
  return playback;
}

/** A link may choose the door: `?by=hls`. */
function choiceOf(search: string): State['choice'] {
  const by = new URLSearchParams(search).get('by');
  return DOORS.find((door) => door === by) ?? 'auto';
}

function TopBar({ room, view }: { room: string; view: View | undefined }) {
  const t = useT();
  const playing = view?.picker.phase === 'playing';
  const delay = view?.reading?.delayMs;
  return (
    <header className="room-top">
      <Link to="/" aria-label="Surecast"><img src="/favicon.svg" alt="" width="26" height="26" /></Link>
      <div className="room-title">
        <strong>{room}</strong>
        {playing && (
          <small title={t('watch.delay.hint')} data-testid="watch-delay">
            {t(`watch.door.${view.picker.door}`)}
            {delay != null && ` · ${t('watch.delay', { time: formatMs(delay) })}`}
          </small>
        )}
      </div>
      <div className="room-top-end">
        {playing && !view.paused && <span className="badge badge-on-air">{t('watch.live')}</span>}
        {playing && view.paused && <span className="badge watch-paused"><Icon name="play" size={14} />{t('watch.paused')}</span>}
        <LanguageSwitch />
      </div>
    </header>
  );
}
