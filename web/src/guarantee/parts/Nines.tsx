import { useT } from '../../i18n/I18nProvider';
import { percentText, splitNines, units } from '../logic/nines';

/** A share with its leading nines in colour. */
export function BigNines({ percent }: { percent: string | null }) {
  const t = useT();
  const split = splitNines(percent);
  if (!split) return <span className="g-nines g-nines-none">{t('g.noData')}</span>;
  return (
    <span className="g-nines num">
      <b>{split.nines}</b>{split.rest}<i> %</i>
    </span>
  );
}

interface ScaleProps {
  target: string;
  period: string | null;
  term: string | null;
}

/** From one nine to five: each is as wide as the one before. */
const MOST = 5;
const TICKS = ['90', '99', '99.9', '99.99', '99.999'];

/** Where a share stands between one nine and five, beside what was promised. */
export function NinesScale({ target, period, term }: ScaleProps) {
  const t = useT();
  const at = { target: place(target), period: place(period), term: place(term) };
  const label = t('g.scale', { period: percentText(period), term: percentText(term), target: percentText(target) });
  return (
    <div className="g-scale" role="img" aria-label={label}>
      <div className="g-scale-track">
        {at.target !== undefined && <span className="g-scale-reach" style={{ left: `${at.target}%` }} />}
        {at.target !== undefined && <span className="g-scale-target" style={{ left: `${at.target}%` }} />}
        {at.term !== undefined && <span className="g-scale-dot g-scale-term" style={{ left: `${at.term}%` }} />}
        {at.period !== undefined && (
          <span
            className={`g-scale-dot ${at.target !== undefined && at.period < at.target ? 'g-scale-miss' : ''}`}
            style={{ left: `${at.period}%` }}
          />
        )}
      </div>
      <div className="g-scale-ticks" aria-hidden="true">
        {TICKS.map((tick) => <span key={tick}>{tick}</span>)}
      </div>
    </div>
  );
}

/** Percent of the way; only for drawing. */
function place(percent: string | null): number | undefined {
  const is = units(percent);
  if (is === undefined) return undefined;
  const missing = (100_000_000 - is) / 100_000_000;
  const nines = missing <= 0 ? MOST : -Math.log10(missing);
  return (Math.min(MOST, Math.max(1, nines)) - 1) * (100 / (MOST - 1));
}
