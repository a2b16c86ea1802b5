import { useState } from 'react';
import { useI18n } from '../../i18n/I18nProvider';
import { Notice } from '../../ui/Notice';
import type { ContractDetail, Settlement } from '../api';
import { money } from '../logic/money';
import { day, lastDay } from '../logic/time';
import { StateBadge } from '../parts/Badge';
import { LeafLink } from '../parts/LeafLink';
import { Loading, Trouble } from '../parts/Loading';
import { useLogSize } from '../parts/useStatus';
import { useMe } from '../SessionProvider';
import { useData } from '../useData';
import { SettlementActions } from './SettlementActions';
import { StatementSheet } from './StatementSheet';
import { StatementTable } from './StatementTable';

const EVERY_MS = 20_000;
const FOR_GOOD_MS = 600_000;

/** One card a period, with its last entry; the newest first. */
export function SettlementList({ contract }: { contract: ContractDetail }) {
  const { t } = useI18n();
  const { api } = useMe();
  const { value, error, reload } = useData(`settlements:${contract.id}`, () => api.settlements(contract.id), EVERY_MS);
  const size = useLogSize();
  return (
    <section aria-labelledby="g-settlements-title">
      <div className="g-section-head"><h2 id="g-settlements-title">{t('g.tab.settlements')}</h2></div>
      {error && <Trouble error={error} />}
      {!value && !error && <Loading />}
      {value?.length === 0 && <Notice tone="empty" title={t('g.settlements.none')}>{t('g.settlements.none.text')}</Notice>}
      <div className="g-settlements">
        {value && newest(value).map((settlement) => (
          <SettlementCard key={settlement.period} contract={contract} settlement={settlement} size={size} after={reload} />
        ))}
      </div>
    </section>
  );
}

/** Each later entry takes the place of the one before. */
function newest(all: readonly Settlement[]): Settlement[] {
  const last = new Map<number, Settlement>();
  for (const each of all) {
    const known = last.get(each.period);
    if (!known || each.entry >= known.entry) last.set(each.period, each);
  }
  return [...last.values()].sort((a, b) => b.period - a.period);
}

interface CardProps {
  contract: ContractDetail;
  settlement: Settlement;
  size: number;
  after(): void;
}

function SettlementCard({ contract, settlement, size, after }: CardProps) {
  const { t, language } = useI18n();
  const { api } = useMe();
  const [shown, setShown] = useState(false);
  const { period, entry, status, currency } = settlement;
  // Another entry is another statement; the same one never changes.
  const key = `statement:${contract.id}:${period}:${entry}`;
  const { value: statement, error } = useData(key, () => api.statement(contract.id, period), FOR_GOOD_MS);
  const name = `${day(settlement.first, language, 'long')} – ${lastDay(settlement.end, language)}`;
  return (
    <article className="g-card g-settlement" data-testid="g-settlement" data-period={period}>
      <header className="g-card-head">
        <h3>{name}</h3>
        <StateBadge kind="settlement" state={status} />
      </header>
      <p className="g-credit">
        <b className="num">{money(settlement.credit, currency, language)}</b>
        <small>{statement ? t('g.credit.of', { fee: money(statement.fee, currency, language) }) : t('g.credit')}</small>
      </p>
      {settlement.claim_until && <p className="hint">{t('g.claim', { day: day(settlement.claim_until, language, 'long') })}</p>}
      {settlement.reason && <blockquote className="g-quote">{settlement.reason}</blockquote>}
      {error && <Trouble error={error} />}
      {statement && <StatementTable statement={statement} />}
      <footer className="g-settlement-foot">
        <span className="hint">
          {t('g.entry', { n: entry + 1 })}
          {settlement.leaf !== null && <>{' · '}<LeafLink leaf={settlement.leaf} size={size} /></>}
        </span>
        <button type="button" className="button button-small button-tonal" onClick={() => setShown(true)}>{t('g.statement.show')}</button>
        <SettlementActions contract={contract.id} settlement={settlement} after={after} />
      </footer>
      {shown && <StatementSheet contract={contract.id} period={period} name={name} onClose={() => setShown(false)} />}
    </article>
  );
}
