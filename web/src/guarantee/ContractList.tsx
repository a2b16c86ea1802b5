import { useT } from '../i18n/I18nProvider';
import { Icon } from '../ui/Icon';
import { Link } from '../ui/Link';
import { Notice } from '../ui/Notice';
import { type ContractSummary } from './api';
import { reaches } from './logic/nines';
import { Loading, Trouble } from './parts/Loading';
import { BigNines } from './parts/Nines';
import { StateBadge } from './parts/Badge';
import { word } from './parts/words';
import { placePath } from './paths';
import { useMe } from './SessionProvider';
import { useData } from './useData';

const EVERY_MS = 15_000;

export function ContractList() {
  const t = useT();
  const { me, api } = useMe();
  const { value, error } = useData(`contracts:${me.role}:${me.name}`, api.contracts, EVERY_MS);
  return (
    <>
      <header className="g-hero">
        <h1>{t('g.hero')}</h1>
        <p className="lead">{t('g.hero.text')}</p>
      </header>
      {error && <Trouble error={error} />}
      {!value && !error && <Loading />}
      {value?.length === 0 && (
        <Notice tone="empty" icon="check" title={t('g.contracts.empty')}>{t('g.contracts.empty.text')}</Notice>
      )}
      <ul className="g-contracts">
        {value?.map((contract) => <ContractCard key={contract.id} contract={contract} />)}
      </ul>
    </>
  );
}

function ContractCard({ contract }: { contract: ContractSummary }) {
  const t = useT();
  const { api } = useMe();
  const lines = useData(`lines:${contract.id}`, () => api.lines(contract.id), EVERY_MS).value;
  const incidents = useData(`open:${contract.id}`, () => api.incidents(contract.id, true), EVERY_MS).value;
  const kept = lines?.filter((line) => line.met && reaches(line.period, line.target)).length ?? 0;
  // The line that is nearest to its target, or furthest behind it, is the one to know of.
  const worst = lines && [...lines].sort((a, b) => left(a) - left(b))[0];
  return (
    <li>
      <Link className="g-card g-contract" to={placePath(contract.id)} data-testid="g-contract">
        <span className="g-contract-head">
          <strong>{contract.id}</strong>
          <StateBadge kind="contract" state={contract.state} />
        </span>
        <small>{contract.customer}</small>
        {worst && (
          <span className={`g-contract-nines ${worst.met ? '' : 'g-line-missed'}`}>
            <BigNines percent={worst.period} />
            <small>{t('g.worst', { module: word(t, 'module', worst.module), region: worst.region, target: worst.target })}</small>
          </span>
        )}
        <span className="g-contract-foot">
          {lines && <span>{t('g.kept', { kept, all: lines.length })}</span>}
          {incidents && incidents.length > 0 && (
            <span className="g-bad-ink"><Icon name="warning" size={16} /> {t('g.openIncidents', { n: incidents.length })}</span>
          )}
        </span>
      </Link>
    </li>
  );
}

function left({ budget_left_s: is, budget_total_s: of }: { budget_left_s: number | null; budget_total_s: number | null }): number {
  return is === null || !of ? 1 : is / of;
}
