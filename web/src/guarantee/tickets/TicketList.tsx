import { useDeferredValue, useState } from 'react';
import { navigate } from '../../app/navigation';
import { useI18n } from '../../i18n/I18nProvider';
import { Icon } from '../../ui/Icon';
import { Link } from '../../ui/Link';
import { Notice } from '../../ui/Notice';
import type { ContractDetail, Ticket } from '../api';
import { responds } from '../logic/roles';
import { byNextClock, countdown, dateTime, nextDue, when } from '../logic/time';
import { SeverityBadge, StateBadge } from '../parts/Badge';
import { Loading, Trouble } from '../parts/Loading';
import { Switch } from '../parts/Switch';
import { placePath } from '../paths';
import { useMe } from '../SessionProvider';
import { useData, useNow } from '../useData';
import { NewTicket } from './NewTicket';

const EVERY_MS = 5000;

/** The customer's tickets; for agents the queue, whose next clock comes first. */
export function TicketList({ contract }: { contract: ContractDetail }) {
  const { t } = useI18n();
  const { me, api } = useMe();
  const agent = responds(me.role);
  const [query, setQuery] = useState('');
  const asked = useDeferredValue(query.trim());
  const [open, setOpen] = useState(agent);
  const [writing, setWriting] = useState(false);
  const { value, error } = useData(`tickets:${contract.id}:${open}:${asked}`, () => api.tickets(contract.id, asked, open), EVERY_MS);
  const nowMs = useNow(api.aheadMs);
  const tickets = value && (agent ? byNextClock(value, nowMs) : value);
  return (
    <section aria-labelledby="g-tickets-title">
      <div className="g-section-head">
        <h2 id="g-tickets-title">{t(agent ? 'g.tickets.queue' : 'g.tab.tickets')}</h2>
        <Switch label={t('g.onlyOpen')} on={open} onChange={setOpen} />
        {me.role !== 'auditor' && (
          <button type="button" className="button button-primary" data-testid="g-new-ticket" onClick={() => setWriting(true)}>
            <Icon name="plus" size={18} />
            {t('g.tickets.new')}
          </button>
        )}
      </div>
      <label className="field g-search">
        <span className="sr-only">{t('g.tickets.search')}</span>
        <input type="search" value={query} placeholder={t('g.tickets.search')} data-testid="g-search" onChange={(event) => setQuery(event.target.value)} />
      </label>
      {error && <Trouble error={error} />}
      {!value && !error && <Loading />}
      {value?.length === 0 && <Notice tone="empty" icon="check" title={t('g.tickets.none')}>{t('g.tickets.none.text')}</Notice>}
      {tickets && tickets.length > 0 && (
        <ul className="g-card g-rows">
          {tickets.map((ticket) => <li key={ticket.id}><TicketRow contract={contract.id} ticket={ticket} nowMs={nowMs} /></li>)}
        </ul>
      )}
      {writing && (
        <NewTicket
          contract={contract}
          onClose={() => setWriting(false)}
          onOpened={(id) => navigate(placePath(contract.id, 'tickets', id))}
        />
      )}
    </section>
  );
}

function TicketRow({ contract, ticket, nowMs }: { contract: string; ticket: Ticket; nowMs: number }) {
  const { t, language } = useI18n();
  const due = nextDue(ticket.clocks, nowMs);
  const left = (due - nowMs) / 1000;
  return (
    <Link className="g-row" to={placePath(contract, 'tickets', ticket.id)} data-testid="g-ticket" data-ticket={ticket.id}>
      <SeverityBadge severity={ticket.severity} />
      <span className="g-row-words">
        <strong>{ticket.subject}</strong>
        <small>{t('g.ticket.row', { n: ticket.id, at: when(ticket.opened, nowMs, language), written: ticket.written })}</small>
      </span>
      {Number.isFinite(due) && (
        <span className={`g-row-due num ${left < 0 ? 'g-bad-ink' : ''}`} title={t('g.clock.due', { at: dateTime(new Date(due).toISOString(), language) })}>
          {countdown(left, language)}
        </span>
      )}
      <StateBadge kind="ticket" state={ticket.state} />
    </Link>
  );
}
