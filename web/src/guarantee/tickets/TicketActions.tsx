import { type FormEvent, useState } from 'react';
import { useT } from '../../i18n/I18nProvider';
import { Icon } from '../../ui/Icon';
import type { Ticket } from '../api';
import { responds, type TicketAction, ticketActions } from '../logic/roles';
import { Refusal } from '../parts/Form';
import { useMe } from '../SessionProvider';
import { useAct } from '../useAct';

interface ActionsProps {
  contract: string;
  ticket: Ticket;
  after(): void;
}

const MAX_BODY = 64 * 1024;

/** An answer or a question, and what else one may do about the ticket. */
export function TicketActions({ contract, ticket, after }: ActionsProps) {
  const t = useT();
  const { me, api } = useMe();
  const act = useAct(after);
  const [text, setText] = useState('');
  const actions = ticketActions(me.role, ticket);
  const has = (action: TicketAction) => actions.includes(action);
  const say = async (what: () => Promise<unknown>, done: string) => {
    if (await act.run(what, done)) setText('');
  };
  const reply = (event: FormEvent) => {
    event.preventDefault();
    void say(() => api.reply(contract, ticket.id, text), t('g.done.reply'));
  };
  const ask = () => say(() => api.actOnTicket(contract, ticket.id, { ask: { text } }), t('g.done.ask'));
  const does = (action: string | object, done: string) => void act.run(() => api.actOnTicket(contract, ticket.id, action), done);
  if (actions.length === 0) return null;
  return (
    <form className="g-card form g-answer" onSubmit={reply}>
      <label className="field g-prose">
        <span>{t(responds(me.role) ? 'g.ticket.answer' : 'g.ticket.write')}</span>
        <textarea rows={4} maxLength={MAX_BODY} value={text} data-testid="g-reply" onChange={(event) => setText(event.target.value)} />
      </label>
      <div className="g-answer-actions">
        <button type="submit" className="button button-primary" disabled={act.busy || !text.trim()} data-testid="g-send-reply">
          <Icon name="send" size={18} />
          {t('g.send')}
        </button>
        {has('ask') && (
          <button type="button" className="button" disabled={act.busy || !text.trim()} title={t('g.tact.ask.text')} onClick={() => void ask()}>
            {t('g.tact.ask')}
          </button>
        )}
        <span className="g-spring" />
        {has('resolve') && (
          <button type="button" className="button" disabled={act.busy} data-testid="g-resolve" onClick={() => does('resolve', t('g.done.resolve'))}>
            {t(me.role === 'customer' ? 'g.tact.resolve.customer' : 'g.tact.resolve')}
          </button>
        )}
        {has('close') && (
          <button type="button" className="button" disabled={act.busy} data-testid="g-close" onClick={() => does('close', t('g.done.close'))}>
            {t('g.tact.close')}
          </button>
        )}
        {has('mark') && (
          <button type="button" className="button button-quiet" disabled={act.busy} data-testid="g-mark" onClick={() => does({ mark: { urgent: false } }, t('g.done.mark'))}>
            {t('g.tact.mark')}
          </button>
        )}
      </div>
      <Refusal text={act.refused} />
    </form>
  );
}
