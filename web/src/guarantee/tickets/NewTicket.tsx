import { type FormEvent, useState } from 'react';
import { useT } from '../../i18n/I18nProvider';
import { Sheet } from '../../ui/Sheet';
import type { About, ContractDetail } from '../api';
import { instant, modulesOf, Pick, Refusal, regionsOf, When } from '../parts/Form';
import { useMe } from '../SessionProvider';
import { useAct } from '../useAct';

interface NewTicketProps {
  contract: ContractDetail;
  onClose(): void;
  onOpened(id: number): void;
}

/** Bytes, as the engine has them; the server counts for good. */
const MAX_SUBJECT = 256;
const MAX_BODY = 64 * 1024;

export function NewTicket({ contract, onClose, onOpened }: NewTicketProps) {
  const t = useT();
  const { api } = useMe();
  const act = useAct(() => undefined);
  const [subject, setSubject] = useState('');
  const [body, setBody] = useState('');
  const [module, setModule] = useState('');
  const [region, setRegion] = useState('');
  const [since, setSince] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const about: About = {
      ...(module ? { module } : {}),
      ...(region ? { region } : {}),
      ...(since ? { since: instant(since) } : {}),
    };
    void act.run(async () => onOpened(await api.openTicket(contract.id, { subject, body, about })), t('g.done.opened'));
  };
  return (
    <Sheet title={t('g.tickets.new')} onClose={onClose}>
      <form className="form" onSubmit={submit}>
        <label className="field">
          <span>{t('g.ticket.subject')}</span>
          <input required maxLength={MAX_SUBJECT} value={subject} data-testid="g-subject" onChange={(event) => setSubject(event.target.value)} />
        </label>
        <label className="field g-prose">
          <span>{t('g.ticket.body')}</span>
          <textarea required rows={6} maxLength={MAX_BODY} value={body} data-testid="g-body" onChange={(event) => setBody(event.target.value)} />
        </label>
        <div className="g-fields">
          <Pick label={t('g.module')} value={module} names={modulesOf(contract)} words="module" any={t('g.ticket.any')} onChange={setModule} />
          <Pick label={t('g.region')} value={region} names={regionsOf(contract)} any={t('g.ticket.any')} onChange={setRegion} />
          <When label={t('g.ticket.since')} value={since} onChange={setSince} />
        </div>
        <p className="hint">{t('g.ticket.hint')}</p>
        <Refusal text={act.refused} />
        <div className="form-actions">
          <button type="button" className="button" onClick={onClose}>{t('signin.cancel')}</button>
          <button type="submit" className="button button-primary" data-testid="g-open-ticket" disabled={act.busy || !subject.trim() || !body.trim()}>
            {t('g.tickets.open')}
          </button>
        </div>
      </form>
    </Sheet>
  );
}
