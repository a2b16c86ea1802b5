import { useT } from '../i18n/I18nProvider';
import type { TextKey } from '../i18n/en';
import { formatBitrate, formatMs } from '../quality/format';
import { Icon } from '../ui/Icon';
import { Attempts } from './Attempts';
import type { View } from './playback';

type Row = [TextKey, string];

export function StatsPanel({ view, onClose }: { view: View; onClose(): void }) {
  const t = useT();
  const { picker } = view;
  const rows: Row[] = [['watch.stat.door', t(`watch.door.${picker.door}`)], ...measured(view)];
  return (
    <aside className="watch-stats" data-testid="stats-panel" aria-label={t('watch.stats')}>
      <button type="button" className="icon-button" aria-label={t('control.close')} onClick={onClose}>
        <Icon name="close" size={18} />
      </button>
      <dl>
        {rows.map(([key, value]) => (
          <div key={key} data-stat={key.slice('watch.stat.'.length)}>
            <dt>{t(key)}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {picker.attempts.length > 0 && (
        <>
          <h3>{t('watch.attempts')}</h3>
          <Attempts attempts={picker.attempts} />
        </>
      )}
    </aside>
  );
}

/** Only what this way of playing tells. */
function measured({ reading, fps, kbps, firstFrameMs }: View): Row[] {
  if (!reading) return [];
  const rows: [TextKey, string | undefined][] = [
    ['watch.stat.delay', ms(reading.delayMs)],
    ['watch.stat.firstFrame', ms(firstFrameMs)],
    ['watch.stat.resolution', reading.width > 0 ? `${reading.width}×${reading.height}` : undefined],
    ['watch.stat.codec', reading.codec],
    ['watch.stat.fps', fps?.toFixed(1)],
    ['watch.stat.bitrate', kbps === null ? undefined : formatBitrate(kbps)],
    ['watch.stat.frames', String(reading.frames)],
    ['watch.stat.dropped', String(reading.dropped)],
    ['watch.stat.buffer', ms(reading.bufferMs)],
    ['watch.stat.jitter', ms(reading.jitterMs)],
    ['watch.stat.rtt', ms(reading.rttMs)],
    ['watch.stat.lost', reading.lost?.toString()],
  ];
  return rows.filter((row): row is Row => row[1] !== undefined);
}

const ms = (value: number | null | undefined) => (value == null ? undefined : formatMs(value));
