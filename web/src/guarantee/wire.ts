import type {
  About,
  Clock,
  ClockKind,
  ContractDetail,
  ContractSummary,
  Coverage,
  Exclusion,
  Incident,
  IncidentState,
  Line,
  Message,
  Minute,
  MinuteState,
  Person,
  PublicStatus,
  RegisteredEvent,
  Settlement,
  SettlementStatus,
  Severity,
  Ticket,
  TicketState,
  Timeline,
  TimelineEntry,
  Word,
} from './api';

/** From the wire to the shapes of `api.ts`: what is missing becomes what pages can show. Pure. */

type Raw = Record<string, unknown>;

export const record = (value: unknown): Raw => (typeof value === 'object' && value !== null ? (value as Raw) : {});
export const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);
export const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** A list by itself, or under its name. */
export function list(answer: unknown, name: string): unknown[] {
  const found = Array.isArray(answer) ? answer : record(answer)[name];
  return Array.isArray(found) ? found : [];
}

export function contractSummary(value: unknown): ContractSummary {
  const raw = record(value);
  const contract = { ...record(raw.contract), ...raw };
  const parties = record(contract.parties);
  return {
    id: text(contract.id),
    version: number(contract.version) ?? 1,
    hash: text(contract.hash),
    state: text(contract.state),
    customer: text(record(parties.customer).name) || text(contract.customer),
    provider: text(record(parties.provider).name) || text(contract.provider),
  };
}

export function contractDetail(value: unknown): ContractDetail {
  const raw = record(value);
  const contract = record(raw.contract);
  const term = record(raw.term ?? contract.term);
  const fee = record(contract.fee);
  return {
    ...contractSummary(value),
    term: term.start && term.end ? { start: text(term.start), end: text(term.end) } : undefined,
    periods: list(raw.periods, '').map((each, at) => {
      const period = record(each);
      return { index: number(period.index) ?? at, first: text(period.first), end: text(period.end) };
    }),
    leaf: number(raw.leaf),
    coverage: list(contract.coverage, '').map(coverage),
    fee: fee.currency ? { currency: text(fee.currency), per_period: text(fee.per_period) } : undefined,
  };
}

function coverage(value: unknown): Coverage {
  const raw = record(value);
  return { module: text(raw.module), region: text(raw.region), target: text(raw.target), critical: raw.critical === true };
}

/** What was attained: its share, rounded down. */
const share = (value: unknown): string | null => textOrNull(record(value).share);

export function line(value: unknown): Line {
  const raw = record(value);
  return {
    ...coverage(raw),
    period: share(raw.period),
    term: share(raw.term),
    met: record(raw.period).met !== false,
    budget_total_s: number(raw.budget_total_s),
    budget_left_s: number(raw.budget_left_s),
    alert: raw.alert === 'ticket' || raw.alert === 'page' ? raw.alert : null,
    minutes: list(raw.minutes, '').map(minute),
    days: list(raw.days, '').map((day) => ({ day: text(record(day).day), share: share(day) })),
  };
}

/** A state that this console does not know says nothing to it. */
const STATES: readonly MinuteState[] = ['good', 'bad', 'no_data', 'maintenance', 'idle'];

function minute(value: unknown): Minute {
  const raw = record(value);
  return { minute: text(raw.minute), state: STATES.find((state) => state === raw.state) ?? 'unknown', leaf: number(raw.leaf) };
}

/** The newest minute may still be open: the last one that the log knows says how many there are. */
export function publicStatus(value: unknown): PublicStatus {
  const raw = record(value);
  const log = record(raw.log);
  const sessions = new Map<string, number>();
  for (const each of list(record(raw.status).lines, '')) {
    const line = record(each);
    const last = list(line.minutes, '').map(record).findLast((minute) => minute.state !== 'unknown');
    const milliseconds = (number(last?.up_ms) ?? 0) + (number(last?.down_ms) ?? 0);
    sessions.set(`${text(line.module)}/${text(line.region)}`, Math.round(milliseconds / 60_000));
  }
  return { log: { origin: text(log.origin), vkey: text(log.vkey), size: number(log.size) ?? 0 }, sessions };
}

export function clock(value: unknown): Clock {
  const raw = record(value);
  return {
    kind: text(raw.kind) as ClockKind,
    started: text(raw.started),
    due: textOrNull(raw.due),
    target_minutes: number(raw.target_minutes),
    paused: Boolean(raw.paused),
    stopped: textOrNull(raw.stopped),
    missed: raw.missed === true,
  };
}

export function incident(value: unknown, within?: unknown): Incident {
  const outer = record(value);
  const raw = typeof within === 'string' && outer[within] ? { ...record(outer[within]), ...outer } : outer;
  return {
    id: number(raw.id) ?? 0,
    module: text(raw.module),
    regions: list(raw.lines, '').map((each) => text(record(each).region)),
    state: text(raw.state) as IncidentState,
    severity: text(raw.severity) as Severity,
    first_bad: text(raw.first_bad),
    detected: text(raw.detected),
    resolved: textOrNull(raw.resolved),
    clear_minutes: number(raw.clear_minutes),
    clear_minutes_needed: number(raw.clear_minutes_needed),
    clocks: list(raw.clocks, '').map(clock),
    refs: list(raw.refs, '').filter((leaf) => typeof leaf === 'number'),
    refused: number(raw.refused) ?? 0,
    words: list(raw.words, '').map(said),
  };
}

function said(value: unknown): Word {
  const raw = record(value);
  const by = raw.by ? person(raw.by) : null;
  return { at: text(raw.at), by, what: text(raw.what), called: texts(raw.called), text: text(raw.text) };
}

function person(value: unknown): Person {
  const raw = record(value);
  return { kind: text(raw.kind), name: text(raw.name) };
}

export function timeline(value: unknown): Timeline {
  const outer = record(value);
  const raw = outer.timeline ? record(outer.timeline) : outer;
  return {
    entries: list(raw.entries, '').map(entry),
    left_out: number(raw.left_out) ?? 0,
    detect_s: number(raw.detect_s),
    acknowledge_s: number(raw.acknowledge_s),
    mitigate_s: number(raw.mitigate_s),
    restore_s: number(raw.restore_s),
    resolve_s: number(raw.resolve_s),
  };
}

/** `{"updated": {…}}` is the change `updated` and its facts. */
function entry(value: unknown): TimelineEntry {
  const outer = record(value);
  const raw = outer.entry ? { ...record(outer.entry), leaf: outer.leaf } : outer;
  const [change, facts] = typeof raw.change === 'string' ? [raw.change, {}] : (Object.entries(record(raw.change))[0] ?? ['', {}]);
  return {
    at: text(raw.at),
    state: text(raw.state),
    severity: text(raw.severity),
    change,
    facts: record(facts),
    leaf: number(raw.leaf),
  };
}

export function ticket(value: unknown, within?: unknown): Ticket {
  const outer = record(value);
  const raw = typeof within === 'string' && outer[within] ? { ...record(outer[within]), ...outer } : outer;
  return {
    id: number(raw.id) ?? 0,
    channel: text(raw.channel),
    subject: text(raw.subject),
    about: record(raw.about) as About,
    opened: text(raw.opened),
    state: text(raw.state) as TicketState,
    severity: text(raw.severity) as Severity,
    incident: number(raw.incident),
    asked: textOrNull(raw.asked),
    resolved: textOrNull(raw.resolved),
    clocks: list(raw.clocks, '').map(clock),
    written: number(raw.written) ?? 0,
    messages: list(raw.messages, '').map(message),
    refused: number(raw.refused) ?? 0,
  };
}

function message(value: unknown): Message {
  const raw = record(value);
  return {
    at: text(raw.at),
    channel: textOrNull(raw.channel),
    author: person(raw.author),
    automatic: raw.automatic === true,
    body: text(raw.body),
  };
}

export function exclusion(value: unknown): Exclusion {
  const raw = record(value);
  const interval = record(raw.interval);
  return {
    class: text(raw.class),
    declared_at: text(raw.declared_at),
    interval: { start: text(interval.start), end: text(interval.end) },
    module: textOrNull(raw.module),
    region: textOrNull(raw.region),
    contracts: texts(raw.contracts),
    approved_by: text(raw.approved_by),
    leaf: number(raw.leaf),
    counted_s: number(raw.counted_s),
    refused: textOrNull(raw.refused),
  };
}

export function registeredEvent(value: unknown): RegisteredEvent {
  const raw = record(value);
  return { name: text(raw.name), start: text(raw.start), end: text(raw.end), modules: texts(raw.modules), regions: texts(raw.regions) };
}

export function settlement(value: unknown): Settlement {
  const raw = record(value);
  return {
    period: number(raw.period) ?? 0,
    first: text(raw.first),
    end: text(raw.end),
    entry: number(raw.entry) ?? 0,
    leaf: number(raw.leaf),
    status: text(raw.status) as SettlementStatus,
    reason: textOrNull(raw.reason),
    currency: text(raw.currency),
    credit: text(raw.credit),
    claim_until: textOrNull(raw.claim_until),
  };
}
