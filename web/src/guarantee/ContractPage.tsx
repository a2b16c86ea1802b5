import { useEffect, useRef } from 'react';
import { useI18n } from '../i18n/I18nProvider';
import { Link } from '../ui/Link';
import { useTitle } from '../ui/useTitle';
import type { ContractDetail } from './api';
import { CalendarPage } from './calendar/CalendarPage';
import { IncidentList } from './incidents/IncidentList';
import { IncidentPage } from './incidents/IncidentPage';
import { day } from './logic/time';
import { Overview } from './overview/Overview';
import { StateBadge } from './parts/Badge';
import { Loading, Trouble } from './parts/Loading';
import { placePath, type Tab, TABS } from './paths';
import { SettlementList } from './settlements/SettlementList';
import { useMe } from './SessionProvider';
import { TicketList } from './tickets/TicketList';
import { TicketPage } from './tickets/TicketPage';
import { useData } from './useData';
import { VerifyPage } from './VerifyPage';

interface ContractPageProps {
  contract: string;
  tab: Tab;
  item?: number;
}

const EVERY_MS = 60_000;

export function ContractPage({ contract, tab, item }: ContractPageProps) {
  const { t } = useI18n();
  const { me, api } = useMe();
  const { value, error } = useData(`contract:${contract}:${me.role}`, () => api.contract(contract), EVERY_MS);
  useTitle(`${contract} · ${t(`g.tab.${tab}`)}`);
  if (!value) return error ? <Trouble error={error} /> : <Loading />;
  return (
    <>
      <ContractHead contract={value} />
      <Tabs contract={contract} tab={tab} />
      <Body contract={value} tab={tab} item={item} />
    </>
  );
}

/** On a phone they do not fit beside each other: the one that is open is brought into view. */
function Tabs({ contract, tab }: { contract: string; tab: Tab }) {
  const { t } = useI18n();
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    const current = nav.current?.querySelector<HTMLElement>('[aria-current]');
    if (current) nav.current?.scrollTo({ left: current.offsetLeft - 48 });
  }, [tab]);
  return (
    <nav ref={nav} className="g-tabs" aria-label={t('g.tabs')}>
      {TABS.map((each) => (
        <Link
          key={each}
          className="g-tab"
          to={placePath(contract, each)}
          aria-current={each === tab ? 'page' : undefined}
          data-testid={`g-tab-${each}`}
        >
          {t(`g.tab.${each}`)}
        </Link>
      ))}
    </nav>
  );
}

function Body({ contract, tab, item }: { contract: ContractDetail; tab: Tab; item?: number }) {
  switch (tab) {
    case 'overview':
      return <Overview contract={contract} />;
    case 'incidents':
      return item === undefined ? <IncidentList contract={contract} /> : <IncidentPage key={item} contract={contract} number={item} />;
    case 'tickets':
      return item === undefined ? <TicketList contract={contract} /> : <TicketPage key={item} contract={contract} number={item} />;
    case 'calendar':
      return <CalendarPage contract={contract} />;
    case 'settlements':
      return <SettlementList contract={contract} />;
    case 'verify':
      return <VerifyPage contract={contract} />;
  }
}

function ContractHead({ contract }: { contract: ContractDetail }) {
  const { t, language } = useI18n();
  return (
    <header className="g-head">
      <p className="g-crumbs"><Link to={placePath()}>{t('g.contracts')}</Link></p>
      <div className="g-head-line">
        <h1>{contract.id}</h1>
        <StateBadge kind="contract" state={contract.state} />
      </div>
      <p className="g-head-facts">
        <span>{t('g.parties', { provider: contract.provider, customer: contract.customer })}</span>
        <span>{t('g.version', { version: contract.version })}</span>
        {contract.term && (
          <span>{t('g.term', { start: day(contract.term.start, language, 'long'), end: day(contract.term.end, language, 'long') })}</span>
        )}
      </p>
    </header>
  );
}
