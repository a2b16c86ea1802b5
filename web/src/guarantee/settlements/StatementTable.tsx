import { useI18n } from '../../i18n/I18nProvider';
import type { Statement, StatementLine } from '../api';
import { money } from '../logic/money';
import { percentText } from '../logic/nines';
import { word } from '../parts/words';

/** The lines of a statement, with what their numbers can bear. */
export function StatementTable({ statement }: { statement: Statement }) {
  const { t, language } = useI18n();
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={t('g.lines')}>
      <table className="g-table">
        <thead>
          <tr>
            <th scope="col">{t('g.line')}</th>
            <th scope="col" className="num">{t('g.target')}</th>
            <th scope="col" className="num">{t('g.attained')}</th>
            <th scope="col" className="num">{t('g.down')}</th>
            <th scope="col" className="num">{t('g.outages')}</th>
            <th scope="col" className="num">{t('g.credit')}</th>
          </tr>
        </thead>
        <tbody>
          {statement.lines.map((line) => (
            <tr key={`${line.module}/${line.region}`}>
              <th scope="row">{word(t, 'module', line.module)} <small>{line.region}</small></th>
              <td className="num">{percentText(line.target)}</td>
              <td className="num">
                <span className={line.met ? 'g-good-ink' : 'g-bad-ink'}>{percentText(line.attained)}</span>
                {line.probes && <small className="g-interval">{t('g.probes', { low: percentText(line.probes.low), high: percentText(line.probes.high) })}</small>}
              </td>
              <td className="num">
                {t('g.minutes', { n: line.down_minutes })}
                {line.excluded_minutes > 0 && <small className="g-interval">{t('g.excluded', { n: line.excluded_minutes })}</small>}
              </td>
              <td className="num"><Outages line={line} /></td>
              <td className="num">{money(line.credit, statement.currency, language)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Outages({ line }: { line: StatementLine }) {
  const { t } = useI18n();
  const { count, low_milli: low, high_milli: high } = line.outages;
  return <>{count}<small className="g-interval">{t('g.poisson', { low: milli(low), high: milli(high) })}</small></>;
}

/** 1234 thousandths → "1.2" */
const milli = (thousandths: number) => `${Math.floor(thousandths / 1000)}.${Math.floor((thousandths % 1000) / 100)}`;
