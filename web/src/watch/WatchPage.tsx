import { useMemo, useRef, useState } from 'react';
import { Header } from '../app/Header';
import { parseWatchQuery } from '../app/routes';
import { useT } from '../i18n/I18nProvider';
import type { Translate } from '../i18n/translate';
import { Icon } from '../ui/Icon';
import { Notice } from '../ui/Notice';
import { useTitle } from '../ui/useTitle';
import '../styles/watch.css';
import { type Playback, usePlayback } from './usePlayback';
import { plan, WAY_NAME, WAYS } from './ways';

/** A room's broadcast, for whoever has the address: no account, no microphone. */
export default function WatchPage({ room }: { room: string }) {
  const t = useT();
  useTitle(t('watch.title', { room }));
  const query = useMemo(() => parseWatchQuery(window.location.search, window.location.hash), []);
  const [via, setVia] = useState(query.via);
  const [attempt, setAttempt] = useState(0);
  const video = useRef<HTMLVideoElement>(null);
  const ways = useMemo(() => plan(via), [via]);
  const playback = usePlayback(video, room, query.token, ways, attempt);
  return (
    <>
      <Header />
      <main className="watch" data-testid="watch" data-state={playback.state} data-way={'way' in playback ? playback.way : ''}>
        <div className="watch-screen theatre">
          {/* Browsers start sound only after a click. */}
          <video ref={video} controls muted autoPlay playsInline data-testid="watch-video" />
          <Cover room={room} playback={playback} onRetry={() => setAttempt((n) => n + 1)} />
        </div>
        <div className="watch-bar">
          <h1>{room}</h1>
          <Facts playback={playback} />
          <WayPicker via={via} onChange={setVia} />
        </div>
      </main>
    </>
  );
}

/** What stands over the picture while there is none. */
function Cover({ room, playback, onRetry }: { room: string; playback: Playback; onRetry(): void }) {
  const t = useT();
  switch (playback.state) {
    case 'trying':
      return <div className="watch-cover"><span className="spinner" /><p>{t('watch.trying', { way: WAY_NAME[playback.way] })}</p></div>;
    case 'idle':
      return (
        <div className="watch-cover" data-testid="watch-idle">
          <Notice tone="empty" icon="live" title={t('watch.idle', { room })}>{t('watch.idle.text')}</Notice>
        </div>
      );
    case 'denied':
      return (
        <div className="watch-cover">
          <Notice tone="error" icon="key" title={t('watch.denied')}>{t('watch.denied.text', { detail: playback.detail })}</Notice>
        </div>
      );
    case 'failed':
      return (
        <div className="watch-cover">
          <Notice
            tone="error"
            title={t('watch.failed')}
            action={<button type="button" className="button button-primary" onClick={onRetry}>{t('error.retry')}</button>}
          >
            <p>{t('watch.failed.text')}</p>
            <p className="watch-tried">{playback.tried.map(({ way, detail }) => `${WAY_NAME[way]}: ${detail}`).join(' · ')}</p>
          </Notice>
        </div>
      );
    case 'playing':
      return playback.active ? null : (
        <div className="watch-away"><strong>{t('watch.away')}</strong> {t('watch.away.text')}</div>
      );
  }
}

function Facts({ playback }: { playback: Playback }) {
  const t = useT();
  if (playback.state !== 'playing') return null;
  const { way, latencyMs, viewers, active } = playback;
  return (
    <dl className="watch-facts">
      {active && <span className="badge badge-live"><Icon name="live" size={14} /> {t('watch.live')}</span>}
      <div><dt>{t('watch.way')}</dt><dd data-testid="watch-way">{WAY_NAME[way]}</dd></div>
      {latencyMs !== undefined && (
        <div title={t('watch.latency.text')}><dt>{t('watch.latency')}</dt><dd data-testid="watch-latency">{latencyText(t, latencyMs)}</dd></div>
      )}
      {viewers !== undefined && <div><dt>{t('watch.viewers')}</dt><dd data-testid="watch-viewers">{viewers}</dd></div>}
    </dl>
  );
}

function latencyText(t: Translate, ms: number): string {
  return ms < 1000 ? t('watch.milliseconds', { n: Math.round(ms) }) : t('watch.seconds', { n: (ms / 1000).toFixed(1) });
}

function WayPicker({ via, onChange }: { via: string | null; onChange(via: string | null): void }) {
  const t = useT();
  const chosen = WAYS.find((way) => way === via) ?? '';
  return (
    <label className="watch-picker">
      <span className="sr-only">{t('watch.way')}</span>
      <select value={chosen} onChange={(event) => onChange(event.target.value || null)} data-testid="watch-picker">
        <option value="">{t('watch.way.auto')}</option>
        {WAYS.map((way) => <option key={way} value={way}>{WAY_NAME[way]}</option>)}
      </select>
    </label>
  );
}
