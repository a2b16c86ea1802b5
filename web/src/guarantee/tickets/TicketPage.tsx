import { useI18n } from '../../i18n/I18nProvider';
import { Avatar } from '../../ui/Avatar';
import { Link } from '../../ui/Link';
import type { ContractDetail, Message, Ticket } from '../api';
import { dateTime } from '../logic/time';
import { SeverityBadge, StateBadge } from '../parts/Badge';
import { ClockRow } from '../parts/ClockRow';
import { Loading, Trouble } from '../parts/Loading';
import { word } from '../parts/words';
import { placePath } from '../paths';
import { useMe } from '../SessionProvider';
import { useData, useNow } from '../useData';
import { AgreeToLower } from './AgreeToLower';
import { TicketActions } from './TicketActions';

const EVERY_MS = 4000;

export function TicketPage({ contract, number }: { contract: ContractDetail; number: number }) {
  const { t } = useI18n();
  const { me, api } = useMe();
  const nowMs = useNow(api.aheadMs);
  const { id } = contract;
  const { value: ticket, error, reload } = useData(`ticket:${id}:${number}`, () => api.ticket(id, number), EVERY_MS);
  if (!ticket) return error ? <Trouble error={error} /> : <Loading />;
  return (
    <div className="g-detail">
      <TicketHead contract={id} ticket={ticket} />
      <div className="g-detail-main">
        <ol className="g-talk" aria-label={t('g.ticket.talk')} data-testid="g-talk">
          {ticket.messages.map((message, at) => <MessageView key={at} message={message} />)}
        </ol>
        <TicketActions contract={id} ticket={ticket} after={reload} />
      </div>
      <aside className="g-detail-side">
        <section className="g-card" aria-labelledby="g-ticket-clocks">
          <h3 id="g-ticket-clocks">{t('g.clocks')}</h3>
          {ticket.clocks.length === 0 && <p className="g-quiet">{t('g.clocks.none')}</p>}
          {ticket.clocks.map((clock) => <ClockRow key={clock.kind} clock={clock} nowMs={nowMs} />)}
        </section>
        <AboutCard contract={id} ticket={ticket} />
        {me.role === 'customer' && ticket.incident !== null && <AgreeToLower contract={id} incident={ticket.incident} />}
      </aside>
    </div>
  );
}

function TicketHead({ contract, ticket }: { contract: string; ticket: Ticket }) {
  const { t, language } = useI18n();
  return (
    <header className="g-detail-head">
      <p className="g-crumbs"><Link to={placePath(contract, 'tickets')}>{t('g.tab.tickets')}</Link></p>
      <div className="g-head-line">
        <SeverityBadge severity={ticket.severity} />
        <h2 data-testid="g-ticket-subject">{ticket.subject}</h2>
        <StateBadge kind="ticket" state={ticket.state} />
      </div>
      <p className="muted">
        {t('g.ticket.number', { n: ticket.id })} · {dateTime(ticket.opened, language)} · {word(t, 'channel', ticket.channel)}
      </p>
    </header>
  );
}

/** Bodies are text whatever is in them: React escapes, and line breaks are kept by the style. */
function MessageView({ message }: { message: Message }) {
  const { t, language } = useI18n();
  const { author } = message;
  const theirs = author.kind === 'customer';
  const name = author.name || word(t, 'author', author.kind);
  const facts = [
    author.name && word(t, 'author', author.kind),
    message.automatic && author.kind !== 'system' && t('g.automatic'),
    message.channel && word(t, 'channel', message.channel),
  ].filter(Boolean);
  return (
    <li className={`g-message ${theirs ? 'g-message-customer' : ''} ${message.automatic ? 'g-message-automatic' : ''}`}>
      <Avatar name={name} seed={author.kind + name} />
      <div className="g-bubble">
        <p className="g-bubble-head">
          <strong>{name}</strong>
          <small>
            {facts.map((fact) => `${fact} · `)}
            <time dateTime={message.at}>{dateTime(message.at, language)}</time>
          </small>
        </p>
        <p className="g-bubble-text">{message.body}</p>
      </div>
    </li>
  );
}

function AboutCard({ contract, ticket }: { contract: string; ticket: Ticket }) {
  const { t, language } = useI18n();
  const { module, region, since } = ticket.about;
  return (
    <section className="g-card" aria-labelledby="g-about">
      <h3 id="g-about">{t('g.ticket.about')}</h3>
      <dl className="g-facts">
        <div><dt>{t('g.module')}</dt><dd>{module ? word(t, 'module', module) : t('g.ticket.any')}</dd></div>
        <div><dt>{t('g.region')}</dt><dd>{region ?? t('g.ticket.any')}</dd></div>
        {since && <div><dt>{t('g.ticket.since')}</dt><dd>{dateTime(since, language)}</dd></div>}
        <div>
          <dt>{t('g.ticket.incident')}</dt>
          <dd>
            {ticket.incident === null
              ? t('g.ticket.noIncident')
              : <Link to={placePath(contract, 'incidents', ticket.incident)}>{t('g.incident.number', { n: ticket.incident })}</Link>}
          </dd>
        </div>
      </dl>
      <p className="hint">{t(ticket.incident === null ? 'g.ticket.noIncident.text' : 'g.ticket.follows')}</p>
      {ticket.refused > 0 && <p className="hint">{t('g.refusedCount', { n: ticket.refused })}</p>}
    </section>
  );
}
