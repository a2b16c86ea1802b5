import { useT } from '../i18n/I18nProvider';
import { formatMs } from './format';
import { type JoinMarks, splitJoinTime } from './joinTime';

/** The join time as one stacked bar, and in numbers for those who cannot see the bar. */
export function JoinBar({ marks }: { marks: JoinMarks }) {
  const t = useT();
  const { spans, totalMs, videoWasWaiting } = splitJoinTime(marks);
  const connected = marks.dtlsConnected !== undefined;
  return (
    <section className="join-time" data-testid="join-time">
      <div className="plot-head">
        <h3>{t('quality.join')}</h3>
        {spans.length > 0 && <span>{t('quality.join.total', { time: formatMs(totalMs) })}</span>}
      </div>
      {spans.length === 0 && <p className="hint">{t('quality.join.wait')}</p>}
      <div className="join-bar" aria-hidden="true">
        {spans.map(({ phase, ms }) => (
          <span key={phase} className={`phase phase-${phase}`} style={{ flexGrow: Math.max(ms, totalMs / 100) }} />
        ))}
      </div>
      <dl className="join-legend">
        {spans.map(({ phase, ms }) => (
          <div key={phase} data-phase={phase} data-ms={Math.round(ms)}>
            <dt><span className={`swatch phase-${phase}`} />{t(`quality.phase.${phase}`)}</dt>
            <dd>{formatMs(ms)}</dd>
          </div>
        ))}
      </dl>
      {connected && !videoWasWaiting && <p className="hint">{t('quality.join.noVideo')}</p>}
    </section>
  );
}
