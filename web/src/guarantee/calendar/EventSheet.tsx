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

export function EventSheet({ contract, onClose, after }: SheetProps) {
  const t = useT();
  const { api } = useMe();
  const act = useAct(after);
  const [name, setName] = useState('');
  const [start, setStart] = useState('');
  const [end, setEnd] = useState('');
  const [module, setModule] = useState('');
  const [region, setRegion] = useState('');
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const body = {
      name: name.trim(),
      start: instant(start),
      end: instant(end),
      modules: module ? [module] : [],
      regions: region ? [region] : [],
    };
    if (await act.run(() => api.registerEvent(contract.id, body), t('g.done.registered'))) onClose();
  };
  return (
    <Sheet title={t('g.events.register')} onClose={onClose}>
      <form className="form" onSubmit={(event) => void submit(event)}>
        <label className="field">
          <span>{t('g.events.name')}</span>
          <input required maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
        </label>
        <div className="g-fields">
          <When label={t('g.from')} value={start} required onChange={setStart} />
          <When label={t('g.until')} value={end} required onChange={setEnd} />
          <Pick label={t('g.module')} value={module} names={modulesOf(contract)} words="module" any={t('g.allModules')} onChange={setModule} />
          <Pick label={t('g.region')} value={region} names={regionsOf(contract)} any={t('g.allRegions')} onChange={setRegion} />
        </div>
        <Refusal text={act.refused} />
        <div className="form-actions">
          <button type="button" className="button" onClick={onClose}>{t('signin.cancel')}</button>
          <button type="submit" className="button button-primary" disabled={act.busy}>{t('g.events.register')}</button>
        </div>
      </form>
    </Sheet>
  );
}
