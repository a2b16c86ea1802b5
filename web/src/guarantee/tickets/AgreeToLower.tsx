import { useI18n } from '../../i18n/I18nProvider';
import { IncidentActions } from '../incidents/IncidentActions';
import { isOpen } from '../logic/roles';
import { useMe } from '../SessionProvider';
import { useData } from '../useData';

const EVERY_MS = 8000;

/** The customer's word about the severity of the incident behind the ticket. */
export function AgreeToLower({ contract, incident: number }: { contract: string; incident: number }) {
  const { t } = useI18n();
  const { api } = useMe();
  const { value: incident, reload } = useData(`incident:${contract}:${number}`, () => api.incident(contract, number), EVERY_MS);
  if (!incident || !isOpen(incident)) return null;
  return (
    <section aria-label={t('g.agree')}>
      <IncidentActions contract={contract} incident={incident} after={reload} />
    </section>
  );
}
