import { useI18n } from '../../i18n/I18nProvider';
import type { Line } from '../api';
import { percentText, reaches, splitNines } from '../logic/nines';
import { budget, span } from '../logic/time';
import { AlertBadge } from '../parts/Badge';
import { BigNines, NinesScale } from '../parts/Nines';
import { word } from '../parts/words';
import { HourStrip, MonthStrip } from './Strip';

/** One line of coverage: what it came to, what is left, and how it went. */
export function LineCard({ line }: { line: Line }) {
  const { t } = useI18n();
  const kept = line.met && reaches(line.period, line.target);
  const nines = splitNines(line.period);
  return (
    <article className={`g-card g-line ${kept ? '' : 'g-line-missed'}`} data-testid="g-line">
      <header className="g-card-head">
        <h3>
          {word(t, 'module', line.module)} <small>{line.region}{line.critical && ` · ${t('g.critical')}`}</small>
        </h3>
        {line.alert && <AlertBadge alert={line.alert} />}
      </header>
      <div className="g-line-figures">
        <div>
          <BigNines percent={line.period} />
          <p className="hint">
            {t('g.periodSoFar')}
            {nines && nines.count > 0 && Number.isFinite(nines.count) && ` · ${t('g.nines', { n: nines.count })}`}
          </p>
        </div>
        <dl className="g-line-side">
          <div><dt>{t('g.target')}</dt><dd className="num">{percentText(line.target)}</dd></div>
          <div><dt>{t('g.termSoFar')}</dt><dd className="num">{percentText(line.term)}</dd></div>
        </dl>
      </div>
      <NinesScale target={line.target} period={line.period} term={line.term} />
      <BudgetBar line={line} />
      <HourStrip minutes={line.minutes} />
      <MonthStrip days={line.days} target={line.target} />
    </article>
  );
}

export function BudgetBar({ line }: { line: Line }) {
  const { t, language } = useI18n();
  const { budget_total_s: total, budget_left_s: left } = line;
  const { left: share, state } = budget(total, left);
  if (state === 'none' || total === null || left === null) return null;
  const words =
    left < 0
      ? t('g.budget.over', { over: span(left, language), total: span(total, language) })
      : t('g.budget.left', { left: span(left, language), total: span(total, language) });
  return (
    <div className={`g-budget g-budget-${state}`} data-testid="g-budget">
      <div className="g-budget-bar" aria-hidden="true"><i style={{ width: `${share * 100}%` }} /></div>
      <p>{words}</p>
    </div>
  );
}
