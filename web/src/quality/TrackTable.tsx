import { useT } from '../i18n/I18nProvider';
import { formatBitrate } from './format';
import type { TrackRow } from './tracks';

export function TrackTable({ rows }: { rows: readonly TrackRow[] }) {
  const t = useT();
  return (
    <section className="track-section">
      <h3>{t('quality.tracks')}</h3>
      {rows.length === 0 ? <p className="hint">{t('quality.tracks.empty')}</p> : (
        <div className="table-scroll">
          <table className="track-table" data-testid="track-table">
            <thead>
              <tr>
                <th>{t('quality.track')}</th>
                <th>{t('quality.codec')}</th>
                <th>{t('quality.resolution')}</th>
                <th className="num">{t('quality.fps')}</th>
                <th>{t('quality.layer')}</th>
                <th className="num">{t('quality.rate')}</th>
              </tr>
            </thead>
            <tbody>{rows.map((row) => <Row key={row.key} row={row} />)}</tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Row({ row }: { row: TrackRow }) {
  const t = useT();
  return (
    <tr className={row.flowing ? '' : 'paused'}>
      <td title={row.label}>
        <span aria-hidden="true">{row.direction === 'send' ? '↑' : '↓'}</span>{' '}
        <span className="sr-only">
          {t(row.direction === 'send' ? 'quality.bitrate.send' : 'quality.bitrate.receive')}
        </span>
        {row.label} <small>{t(row.kind === 'video' ? 'quality.video' : 'quality.audio')}</small>
      </td>
      <td>{row.codec}</td>
      <td>{row.resolution}</td>
      <td className="num">{row.fps}</td>
      <td>{row.layer}</td>
      <td className="num">{row.flowing ? formatBitrate(row.kbps) : t('quality.paused')}</td>
    </tr>
  );
}
