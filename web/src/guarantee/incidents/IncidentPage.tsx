import { useI18n } from '../../i18n/I18nProvider';
import { Link } from '../../ui/Link';
import type { ContractDetail, Incident } from '../api';
import { isOpen } from '../logic/roles';
import { dateTime } from '../logic/time';
import { SeverityBadge, StateBadge } from '../parts/Badge';
import { ClockRow } from '../parts/ClockRow';
import { LeafLink } from '../parts/LeafLink';
import { Loading, Trouble } from '../parts/Loading';
import { useLogSize } from '../parts/useStatus';
import { word } from '../parts/words';
import { placePath } from '../paths';
import { useMe } from '../SessionProvider';
import { useData, useNow } from '../useData';
import { IncidentActions } from './IncidentActions';
import { TimelineView } from './TimelineView';

const EVERY_MS = 5000;
/** What one reads is a beginning; all evidence of the hours is in the log. */
const REFS = 12;

export function IncidentPage({ contract, number }: { contract: ContractDetail; number: number }) {
  const { api } = useMe();
  const { id } = contract;
  const found = useData(`incident:${id}:${number}`, () => api.incident(id, number), EVERY_MS);
  const told = useData(`timeline:${id}:${number}`, () => api.timeline(id, number), EVERY_MS);
  const size = useLogSize();
  const incident = found.value;
  if (!incident) return found.error ? <Trouble error={found.error} /> : <Loading />;
  const after = () => {
    found.reload();
    told.reload();
  };
  return (
    <div className="g-detail">
      <IncidentHead contract={id} incident={incident} />
      <div className="g-detail-main">
        <IncidentActions contract={id} incident={incident} after={after} />
        {told.error && <Trouble error={told.error} />}
        {told.value && <TimelineView timeline={told.value} size={size} />}
      </div>
      <aside className="g-detail-side">
        <Clocks incident={incident} />
        <Evidence incident={incident} size={size} />
      </aside>
    </div>
  );
}

function IncidentHead({ contract, incident }: { contract: string; incident: Incident }) {
  const { t, language } = useI18n();
  return (
    <header className="g-detail-head">
      <p className="g-crumbs"><Link to={placePath(contract, 'incidents')}>{t('g.tab.incidents')}</Link></p>
      <div className="g-head-line">
        <SeverityBadge severity={incident.severity} />
        <h2>{t('g.incident.number', { n: incident.id })} · {word(t, 'module', incident.module)} {incident.regions.join(', ')}</h2>
        <StateBadge kind="incident" state={incident.state} />
      </div>
      <p className="muted">
        {t('g.incident.since', { at: dateTime(incident.first_bad, language) })}
        {isOpen(incident) && incident.clear_minutes !== null && incident.clear_minutes_needed !== null && (
          <> · {t('g.incident.clear', { n: incident.clear_minutes, needed: incident.clear_minutes_needed })}</>
        )}
      </p>
    </header>
  );
}

function Clocks({ incident }: { incident: Incident }) {
  const { t } = useI18n();
  const { api } = useMe();
  const nowMs = useNow(api.aheadMs);
  if (incident.clocks.length === 0) return null;
  return (
    <section className="g-card" aria-labelledby="g-incident-clocks">
      <h3 id="g-incident-clocks">{t('g.clocks')}</h3>
      {incident.clocks.map((clock) => <ClockRow key={clock.kind} clock={clock} nowMs={nowMs} />)}
    </section>
  );
}

function Evidence({ incident, size }: { incident: Incident; size: number }) {
  const { t } = useI18n();
  return (
    <section className="g-card" aria-labelledby="g-evidence">
      <h3 id="g-evidence">{t('g.evidence')}</h3>
      <p className="hint">{t('g.evidence.text')}</p>
      <p className="g-leaves">{incident.refs.slice(0, REFS).map((leaf) => <LeafLink key={leaf} leaf={leaf} size={size} />)}</p>
      {incident.refs.length > REFS && <p className="hint">{t('g.more', { n: incident.refs.length - REFS })}</p>}
      {incident.refused > 0 && <p className="hint">{t('g.refusedCount', { n: incident.refused })}</p>}
    </section>
  );
}
