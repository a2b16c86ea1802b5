import { useI18n, useT } from '../../i18n/I18nProvider';
import { Icon } from '../../ui/Icon';
import { Link } from '../../ui/Link';
import type { ContractDetail, Incident, Line, Ticket } from '../api';
import { IncidentRow } from '../incidents/IncidentRow';
import { reaches } from '../logic/nines';
import { byNextClock } from '../logic/time';
import { ClockRow } from '../parts/ClockRow';
import { Loading, Trouble } from '../parts/Loading';
import { word } from '../parts/words';
import { placePath } from '../paths';
import { useMe } from '../SessionProvider';
import { useData, useNow } from '../useData';
import { LineCard } from './LineCard';
import { RegionMap } from './RegionMap';

/** Minutes are closed a quarter of a minute after their end. */
const LINES_MS = 10_000;
const DESK_MS = 5000;

export function Overview({ contract }: { contract: ContractDetail }) {
  const t = useT();
  const { api } = useMe();
  const { id } = contract;
  const lines = useData(`lines:${id}`, () => api.lines(id), LINES_MS);
  const incidents = useData(`open:${id}`, () => api.incidents(id, true), DESK_MS).value ?? [];
  const tickets = useData(`tickets:open:${id}`, () => api.tickets(id, '', true), DESK_MS).value ?? [];
  if (!lines.value) return lines.error ? <Trouble error={lines.error} /> : <Loading />;
  return (
    <div className="g-overview">
      {lines.error && <Trouble error={lines.error} />}
      <Summary lines={lines.value} incidents={incidents} />
      <div className="g-top">
        <RegionMap lines={lines.value} />
        <div className="g-top-side">
          <OpenIncidents contract={id} incidents={incidents} />
          <OpenClocks contract={id} incidents={incidents} tickets={tickets} />
        </div>
      </div>
      <h2 className="sr-only">{t('g.lines.title')}</h2>
      <div className="g-lines">
        {lines.value.map((line) => <LineCard key={`${line.module}/${line.region}`} line={line} />)}
      </div>
    </div>
  );
}

function Summary({ lines, incidents }: { lines: readonly Line[]; incidents: readonly Incident[] }) {
  const { t } = useI18n();
  const missed = lines.filter((line) => !line.met || !reaches(line.period, line.target));
  // A line of which nothing was measured is neither kept nor missed.
  const kept = lines.filter((line) => line.period !== null && !missed.includes(line)).length;
  const burning = lines.filter((line) => line.alert);
  const names = (some: readonly Line[]) => some.map((line) => `${word(t, 'module', line.module)} ${line.region}`).join(', ');
  const tone = missed.length > 0 ? 'bad' : kept === 0 || incidents.length > 0 || burning.length > 0 ? 'warn' : 'good';
  const said = missed.length > 0 ? t('g.summary.missed', { n: missed.length, all: lines.length })
    : kept > 0 ? t('g.summary.kept', { n: kept, all: lines.length }) : t('g.summary.unmeasured');
  return (
    <p className={`g-summary g-summary-${tone}`} data-testid="g-summary">
      <span className="g-summary-icon"><Icon name={tone === 'good' ? 'check' : 'warning'} size={22} /></span>
      <span>
        <strong>{said}</strong>
        <small>
          {missed.length > 0 && names(missed)}
          {missed.length === 0 && burning.length > 0 && t('g.summary.burning', { lines: names(burning) })}
          {missed.length === 0 && burning.length === 0 && (incidents.length > 0 ? t('g.openIncidents', { n: incidents.length }) : t('g.summary.calm'))}
        </small>
      </span>
    </p>
  );
}

function OpenIncidents({ contract, incidents }: { contract: string; incidents: readonly Incident[] }) {
  const { t } = useI18n();
  return (
    <section className="g-card" aria-labelledby="g-open-title">
      <div className="g-card-head">
        <h2 id="g-open-title">{t('g.incidents.open')}</h2>
        <Link to={placePath(contract, 'incidents')}>{t('g.all')}</Link>
      </div>
      {incidents.length === 0 && <p className="g-quiet">{t('g.incidents.none')}</p>}
      <ul className="g-rows">
        {incidents.map((incident) => <li key={incident.id}><IncidentRow contract={contract} incident={incident} /></li>)}
      </ul>
    </section>
  );
}

interface OpenClocksProps {
  contract: string;
  incidents: readonly Incident[];
  tickets: readonly Ticket[];
}

/** More would be a list to scroll, and the first of them are those that need somebody. */
const SHOWN = 6;

function OpenClocks({ contract, incidents, tickets }: OpenClocksProps) {
  const { t } = useI18n();
  const { api } = useMe();
  const nowMs = useNow(api.aheadMs);
  const all = [
    ...incidents.flatMap((of) => of.clocks.map((clock) => ({ clock, tab: 'incidents' as const, of: of.id, name: t('g.incident.number', { n: of.id }) }))),
    ...tickets.flatMap((of) => of.clocks.map((clock) => ({ clock, tab: 'tickets' as const, of: of.id, name: t('g.ticket.number', { n: of.id }) }))),
  ].filter(({ clock }) => !clock.stopped);
  const ordered = byNextClock(all.map((each, id) => ({ ...each, id, clocks: [each.clock] })), nowMs).slice(0, SHOWN);
  return (
    <section className="g-card" aria-labelledby="g-clocks-title">
      <h2 id="g-clocks-title">{t('g.clocks')}</h2>
      {ordered.length === 0 && <p className="g-quiet">{t('g.clocks.none')}</p>}
      {ordered.map(({ id, clock, tab, of, name }) => (
        <ClockRow key={id} clock={clock} nowMs={nowMs} of={<Link to={placePath(contract, tab, of)}>{name}</Link>} />
      ))}
    </section>
  );
}
