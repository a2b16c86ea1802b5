import { useT } from '../../i18n/I18nProvider';
import { Icon } from '../../ui/Icon';
import { Notice } from '../../ui/Notice';
import { AdviceList } from './AdviceList';
import { adviseOn } from './advice';
import { Facts } from './Facts';
import { HealthPlots } from './HealthPlots';
import type { Health } from './useHealth';

/** What the server says of the incoming stream, in numbers and in words. */
export function HealthPanel({ health }: { health: Health }) {
  const t = useT();
  const { samples } = health.history;
  return (
    <section className="panel golive-health" aria-labelledby="health-title" data-testid="health" data-state={health.state}>
      <h2 id="health-title">{t('golive.health')}</h2>
      <State health={health} />
      {health.state === 'live' && <Live health={health} />}
      {samples.length > 1 && <HealthPlots samples={samples} />}
    </section>
  );
}

function Live({ health }: { health: Health & { state: 'live' | 'gone' } }) {
  const t = useT();
  const { encoder } = health.history;
  const second = health.stream?.encoders[1];
  if (!encoder) return null;
  return (
    <>
      <Facts encoder={encoder} viewers={health.stream?.viewers ?? 0} />
      <AdviceList advice={adviseOn(health.history)} />
      {second && (
        <p className="hint">
          {t('golive.health.second', { name: second.identity, protocol: second.protocol.toUpperCase() })}
        </p>
      )}
    </>
  );
}

function State({ health }: { health: Health }) {
  const t = useT();
  switch (health.state) {
    case 'live':
      return null;
    case 'loading':
      return <div className="golive-loading"><span className="spinner" /></div>;
    case 'waiting':
      return (
        <div className="golive-waiting">
          <span className="pulse"><Icon name="antenna" size={34} /></span>
          <h3>{t('golive.health.waiting')}</h3>
          <p>{t('golive.health.waiting.text')}</p>
        </div>
      );
    case 'gone':
      return <Notice tone="empty" icon="antenna" title={t('golive.health.gone')}>{t('golive.health.gone.text')}</Notice>;
    case 'webrtc':
      return <ByWebRtc health={health} />;
    case 'failed':
      return (
        <Notice tone="error" title={t('golive.health.failed')}>
          {health.status === 0
            ? t('golive.health.unreachable', { origin: window.location.origin })
            : t('golive.health.failed.text', { detail: `HTTP ${health.status}: ${health.detail}` })}
        </Notice>
      );
  }
}

function ByWebRtc({ health }: { health: Health & { state: 'webrtc' } }) {
  const t = useT();
  const { publishing, viewers } = health;
  const tracks = publishing.tracks.map(({ kind, codec, width, height }) =>
    [codec || t(`quality.${kind}`), width > 0 ? `${width}×${height}` : ''].filter(Boolean).join(' '),
  );
  return (
    <Notice tone="info" icon="live" title={t('golive.health.webrtc')}>
      {t('golive.health.webrtc.text', { name: publishing.name, tracks: tracks.join(', '), n: viewers })}
    </Notice>
  );
}
