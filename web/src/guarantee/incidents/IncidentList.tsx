import { useState } from 'react';
import { useI18n } from '../../i18n/I18nProvider';
import { Notice } from '../../ui/Notice';
import type { ContractDetail } from '../api';
import { Loading, Trouble } from '../parts/Loading';
import { Switch } from '../parts/Switch';
import { useMe } from '../SessionProvider';
import { useData } from '../useData';
import { IncidentRow } from './IncidentRow';

const EVERY_MS = 5000;

export function IncidentList({ contract }: { contract: ContractDetail }) {
  const { t } = useI18n();
  const { api } = useMe();
  const [open, setOpen] = useState(false);
  const { value, error } = useData(`incidents:${contract.id}:${open}`, () => api.incidents(contract.id, open), EVERY_MS);
  return (
    <section aria-labelledby="g-incidents-title">
      <div className="g-section-head">
        <h2 id="g-incidents-title">{t('g.tab.incidents')}</h2>
        <Switch label={t('g.onlyOpen')} on={open} onChange={setOpen} />
      </div>
      {error && <Trouble error={error} />}
      {!value && !error && <Loading />}
      {value?.length === 0 && <Notice tone="empty" icon="check" title={t('g.incidents.none')}>{t('g.incidents.none.text')}</Notice>}
      {value && value.length > 0 && (
        <ul className="g-card g-rows">
          {value.map((incident) => <li key={incident.id}><IncidentRow contract={contract.id} incident={incident} /></li>)}
        </ul>
      )}
    </section>
  );
}
