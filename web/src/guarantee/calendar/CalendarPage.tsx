import { useState } from 'react';
import { useI18n } from '../../i18n/I18nProvider';
import { Icon } from '../../ui/Icon';
import type { ContractDetail, Exclusion, RegisteredEvent } from '../api';
import { mayDeclare, mayRegister } from '../logic/roles';
import { dateTime, ms, range, span } from '../logic/time';
import { LeafLink } from '../parts/LeafLink';
import { Loading, Trouble } from '../parts/Loading';
import { useLogSize } from '../parts/useStatus';
import { word } from '../parts/words';
import { useMe } from '../SessionProvider';
import { useData } from '../useData';
import { DeclareSheet } from './DeclareSheet';
import { EventSheet } from './EventSheet';

const EVERY_MS = 20_000;

/** What is known beforehand: time that does not count, and shows that count more. */
export function CalendarPage({ contract }: { contract: ContractDetail }) {
  return (
    <div className="g-two">
      <Maintenance contract={contract} />
      <Events contract={contract} />
    </div>
  );
}

function Maintenance({ contract }: { contract: ContractDetail }) {
  const { t } = useI18n();
  const { me, api } = useMe();
  const { id } = contract;
  const { value, error, reload } = useData(`maintenance:${id}`, () => api.maintenance(id), EVERY_MS);
  const size = useLogSize();
  const [open, setOpen] = useState(false);
  return (
    <section className="g-card" aria-labelledby="g-maintenance">
      <div className="g-card-head">
        <h2 id="g-maintenance">{t('g.maintenance')}</h2>
        {mayDeclare(me.role) && (
          <button type="button" className="button button-small" data-testid="g-declare" onClick={() => setOpen(true)}>
            <Icon name="plus" size={16} />{t('g.maintenance.declare')}
          </button>
        )}
      </div>
      <p className="hint">{t('g.maintenance.text')}</p>
      {error && <Trouble error={error} />}
      {!value && !error && <Loading />}
      {value?.length === 0 && <p className="g-quiet">{t('g.maintenance.none')}</p>}
      <ul className="g-dates">
        {value && latest(value, (each) => each.interval.start).map((each) => (
          <Declared key={`${each.interval.start}/${each.leaf}`} exclusion={each} size={size} />
        ))}
      </ul>
      {open && <DeclareSheet contract={contract} onClose={() => setOpen(false)} after={reload} />}
    </section>
  );
}

function Declared({ exclusion, size }: { exclusion: Exclusion; size: number }) {
  const { t, language } = useI18n();
  const { interval, module, region, contracts, approved_by: by, leaf, counted_s: counted, refused } = exclusion;
  return (
    <li className="g-date">
      <strong>{range(interval.start, interval.end, language)}</strong>
      <span>{module ? word(t, 'module', module) : t('g.allModules')} · {region ?? t('g.allRegions')} · {contracts.length > 0 ? contracts.join(', ') : t('g.maintenance.all')}</span>
      <small>
        {t('g.declared', { at: dateTime(exclusion.declared_at, language), by })}
        {leaf !== null && <>{' · '}<LeafLink leaf={leaf} size={size} /></>}
      </small>
      {refused ? <small className="g-bad-ink">{t('g.maintenance.refused', { why: refused })}</small>
        : counted !== null && <small className="g-good-ink">{t('g.maintenance.counts', { time: span(counted, language) })}</small>}
    </li>
  );
}

function Events({ contract }: { contract: ContractDetail }) {
  const { t } = useI18n();
  const { me, api } = useMe();
  const { id } = contract;
  const { value, error, reload } = useData(`events:${id}`, () => api.events(id), EVERY_MS);
  const [open, setOpen] = useState(false);
  return (
    <section className="g-card" aria-labelledby="g-events">
      <div className="g-card-head">
        <h2 id="g-events">{t('g.events')}</h2>
        {mayRegister(me.role) && (
          <button type="button" className="button button-small" data-testid="g-register" onClick={() => setOpen(true)}>
            <Icon name="plus" size={16} />{t('g.events.register')}
          </button>
        )}
      </div>
      <p className="hint">{t('g.events.text')}</p>
      {error && <Trouble error={error} />}
      {!value && !error && <Loading />}
      {value?.length === 0 && <p className="g-quiet">{t('g.events.none')}</p>}
      <ul className="g-dates">
        {value && latest(value, (each) => each.start).map((each) => <Registered key={`${each.name}/${each.start}`} event={each} />)}
      </ul>
      {open && <EventSheet contract={contract} onClose={() => setOpen(false)} after={reload} />}
    </section>
  );
}

function Registered({ event }: { event: RegisteredEvent }) {
  const { t, language } = useI18n();
  const modules = event.modules.map((module) => word(t, 'module', module)).join(', ') || t('g.allModules');
  return (
    <li className="g-date">
      <strong>{event.name}</strong>
      <span>{range(event.start, event.end, language)}</span>
      <small>{modules} · {event.regions.join(', ') || t('g.allRegions')}</small>
    </li>
  );
}

function latest<T>(all: readonly T[], start: (each: T) => string): T[] {
  return [...all].sort((a, b) => (ms(start(b)) ?? 0) - (ms(start(a)) ?? 0));
}
