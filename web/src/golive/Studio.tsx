import { useState } from 'react';
import { roomPath, watchPath } from '../app/routes';
import type { ApiKeys } from '../auth/credentials';
import { useT } from '../i18n/I18nProvider';
import { Icon } from '../ui/Icon';
import { EncoderSetup } from './EncoderSetup';
import { HealthPanel } from './health/HealthPanel';
import { type Health, useHealth } from './health/useHealth';
import { ShareSheet } from './ShareSheet';

/** The page of one room: settings on one side, what arrives on the other. */
export function Studio({ room, keys }: { room: string; keys: ApiKeys }) {
  const health = useHealth(room, keys);
  return (
    <>
      <Head room={room} health={health} keys={keys} />
      <div className="golive-columns" data-state={health.state}>
        <EncoderSetup room={room} keys={keys} />
        <HealthPanel health={health} />
      </div>
    </>
  );
}

/** Both pages open beside this one: whoever streams keeps an eye on the numbers. */
function Head({ room, health, keys }: { room: string; health: Health; keys: ApiKeys }) {
  const t = useT();
  const [share, setShare] = useState(false);
  const onAir = health.state === 'live' || health.state === 'webrtc';
  return (
    <header className="golive-head">
      <div>
        <p className="eyebrow">{t('golive.title')}</p>
        <h1>
          {room}
          {onAir && <span className="badge badge-on-air" data-testid="on-air">{t('golive.health.live')}</span>}
        </h1>
      </div>
      <div className="button-row">
        <a className="button" href={watchPath(room)} target="_blank" rel="opener" data-testid="watch-link">
          <Icon name="play" size={18} />
          {t('golive.watchPage')}
        </a>
        <a className="button" href={roomPath('show', room, 'host')} target="_blank" rel="opener" data-testid="join-link">
          <Icon name="camera" size={18} />
          {t('golive.joinRoom')}
        </a>
        <button type="button" className="button" data-testid="share-button" onClick={() => setShare(true)}>
          <Icon name="link" size={18} />
          {t('golive.share')}
        </button>
      </div>
      {share && <ShareSheet room={room} keys={keys} onClose={() => setShare(false)} />}
    </header>
  );
}
