import { useI18n } from '../../i18n/I18nProvider';
import { Link } from '../../ui/Link';
import type { Incident } from '../api';
import { when } from '../logic/time';
import { SeverityBadge, StateBadge } from '../parts/Badge';
import { word } from '../parts/words';
import { placePath } from '../paths';

export function IncidentRow({ contract, incident }: { contract: string; incident: Incident }) {
  const { t, language } = useI18n();
  return (
    <Link className="g-row" to={placePath(contract, 'incidents', incident.id)} data-testid="g-incident">
      <SeverityBadge severity={incident.severity} />
      <span className="g-row-words">
        <strong>{t('g.incident.number', { n: incident.id })} · {word(t, 'module', incident.module)} {incident.regions.join(', ')}</strong>
        <small>{t('g.incident.since', { at: when(incident.first_bad, Date.now(), language) })}</small>
      </span>
      <StateBadge kind="incident" state={incident.state} />
    </Link>
  );
}
