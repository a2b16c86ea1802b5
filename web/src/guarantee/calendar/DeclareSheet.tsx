import { type FormEvent, useState } from 'react';
import { useT } from '../../i18n/I18nProvider';
import { Sheet } from '../../ui/Sheet';
import type { ContractDetail } from '../api';
import { instant, modulesOf, Pick, Refusal, regionsOf, When } from '../parts/Form';
import { useMe } from '../SessionProvider';
import { useAct } from '../useAct';

interface SheetProps {
  contract: ContractDetail;
  onClose(): void;
  after(): void;
}

export function DeclareSheet({ contract, onClose, after }: SheetProps) {
  const t = useT();
  const { api } = useMe();
  const act = useAct(after);
  const [start, setStart] = useState('');
  const [end, setEnd] = useState('');
  const [module, setModule] = useState('');
  const [region, setRegion] = useState('');
  const [only, setOnly] = useState('');
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const body = { start: instant(start), end: instant(end), ...(module ? { module } : {}), ...(region ? { region } : {}), ...(only ? { contracts: [only] } : {}) };
    if (await act.run(() => api.declare(contract.id, body), t('g.done.declared'))) onClose();
  };
  return (
    <Sheet title={t('g.maintenance.declare')} onClose={onClose}>
      <form className="form" onSubmit={(event) => void submit(event)}>
        <p className="muted">{t('g.maintenance.early')}</p>
        <div className="g-fields">
          <When label={t('g.from')} value={start} required onChange={setStart} />
          <When label={t('g.until')} value={end} required onChange={setEnd} />
          <Pick label={t('g.module')} value={module} names={modulesOf(contract)} words="module" any={t('g.allModules')} onChange={setModule} />
          <Pick label={t('g.region')} value={region} names={regionsOf(contract)} any={t('g.allRegions')} onChange={setRegion} />
          <Pick label={t('g.maintenance.contracts')} value={only} names={[contract.id]} any={t('g.maintenance.all')} onChange={setOnly} />
        </div>
        <Refusal text={act.refused} />
        <div className="form-actions">
          <button type="button" className="button" onClick={onClose}>{t('signin.cancel')}</button>
          <button type="submit" className="button button-primary" disabled={act.busy}>{t('g.maintenance.submit')}</button>
        </div>
      </form>
    </Sheet>
  );
}
