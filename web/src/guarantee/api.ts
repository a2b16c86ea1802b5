/** The shapes of `/guarantee/v1`, in one place, and how they are asked for. */

import {
  contractDetail,
  contractSummary,
  exclusion,
  incident,
  line,
  list,
  publicStatus,
  record,
  registeredEvent,
  settlement,
  text,
  ticket,
  timeline,
} from './wire';

export type Severity = 'S1' | 'S2' | 'S3' | 'S4';
export const SEVERITIES: readonly Severity[] = ['S1', 'S2', 'S3', 'S4'];
export const MODULES = ['join', 'signalling', 'media', 'messaging', 'playback', 'recording', 'agent'] as const;
export type Module = (typeof MODULES)[number];

export type MinuteState = 'good' | 'bad' | 'no_data' | 'maintenance' | 'idle' | 'unknown';
export type Alert = 'ticket' | 'page';
export type ClockKind = 'first_response' | 'next_update' | 'restoration';

export interface Clock {
  kind: ClockKind;
  started: string;
  /** null while that is open: it is paused, or nothing is promised. */
  due: string | null;
  target_minutes: number | null;
  paused: boolean;
  stopped: string | null;
  missed: boolean;
}

export interface Person {
  kind: string;
  name: string;
}

export interface Period {
  index: number;
  first: string;
  /** First day after it. */
  end: string;
}

export interface ContractSummary {
  id: string;
  version: number;
  hash: string;
  state: string;
  customer: string;
  provider: string;
}

export interface Coverage {
  module: string;
  region: string;
  target: string;
  critical: boolean;
}

export interface ContractDetail extends ContractSummary {
  term?: { start: string; end: string };
  periods: Period[];
  leaf: number | null;
  coverage: Coverage[];
  fee?: { currency: string; per_period: string };
}

export interface Minute {
  minute: string;
  state: MinuteState;
  leaf: number | null;
}

export interface Day {
  day: string;
  /** null = nothing counts, or nothing is known. */
  share: string | null;
}

/** A line of coverage, and what became of it. */
export interface Line extends Coverage {
  /** Period so far, and term so far; null = nothing was measured. */
  period: string | null;
  term: string | null;
  /** Whether the period so far reaches the target. */
  met: boolean;
  budget_total_s: number | null;
  budget_left_s: number | null;
  alert: Alert | null;
  minutes: Minute[];
  days: Day[];
}

export type IncidentState = 'detected' | 'acknowledged' | 'mitigated' | 'resolved' | 'reviewed';

export interface Incident {
  id: number;
  module: string;
  regions: string[];
  state: IncidentState;
  severity: Severity;
  first_bad: string;
  detected: string;
  resolved: string | null;
  clear_minutes: number | null;
  clear_minutes_needed: number | null;
  clocks: Clock[];
  refs: number[];
  refused: number;
  words: Word[];
}

/** What somebody did about an incident, with names and texts that the public log does not have. */
export interface Word {
  at: string;
  /** null = by time. */
  by: Person | null;
  /** Name of the action, or `called`. */
  what: string;
  called: string[];
  text: string;
}

export interface TimelineEntry {
  at: string;
  state: string;
  severity: string;
  /** What changed, by its name in the log, and what belongs to it. */
  change: string;
  facts: Record<string, unknown>;
  leaf: number | null;
}

export interface Timeline {
  entries: TimelineEntry[];
  left_out: number;
  detect_s: number | null;
  acknowledge_s: number | null;
  mitigate_s: number | null;
  restore_s: number | null;
  resolve_s: number | null;
}

export type TicketState = 'new' | 'open' | 'waiting_customer' | 'resolved' | 'closed';

export interface About {
  module?: string | null;
  region?: string | null;
  since?: string | null;
}

export interface Message {
  at: string;
  channel: string | null;
  author: Person;
  automatic: boolean;
  /** As it came. It is shown as text, never as HTML. */
  body: string;
}

export interface Ticket {
  id: number;
  channel: string;
  subject: string;
  about: About;
  opened: string;
  state: TicketState;
  severity: Severity;
  incident: number | null;
  asked: string | null;
  resolved: string | null;
  clocks: Clock[];
  /** How many messages there are; a list does not bring them. */
  written: number;
  messages: Message[];
  refused: number;
}

export interface Exclusion {
  class: string;
  declared_at: string;
  interval: { start: string; end: string };
  module: string | null;
  region: string | null;
  /** Names of the contracts that it is about; empty: all. */
  contracts: string[];
  approved_by: string;
  leaf: number | null;
  /** Seconds that are taken out of the promise, as things stand. */
  counted_s: number | null;
  /** Why it does not count. */
  refused: string | null;
}

export interface RegisteredEvent {
  name: string;
  start: string;
  end: string;
  modules: string[];
  regions: string[];
}

export type SettlementStatus = 'provisional' | 'final' | 'credited' | 'disputed' | 'recomputed';

export interface Settlement {
  period: number;
  first: string;
  /** First day after it. */
  end: string;
  entry: number;
  leaf: number | null;
  status: SettlementStatus;
  reason: string | null;
  currency: string;
  credit: string;
  claim_until: string | null;
}

/** The statement itself, as it stands in the log; amounts and shares are texts. */
export interface Statement {
  currency: string;
  fee: string;
  cap: string;
  lines: StatementLine[];
}

export interface StatementLine {
  module: string;
  region: string;
  target: string;
  attained: string | null;
  met: boolean;
  down_minutes: number;
  no_data: number;
  excluded_minutes: number;
  outages: { count: number; low_milli: number; high_milli: number };
  probes: { low: string; high: string } | null;
  credit: string;
}

/** What everybody may see: the log, and how much is going on. */
export interface PublicStatus {
  log: { origin: string; vkey: string; size: number };
  /** Sessions in the last minute of the log, by `module/region`. */
  sessions: Map<string, number>;
}

export interface NewTicket {
  subject: string;
  body: string;
  about: About;
}

/** The server said no, in words. */
export class GuaranteeError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = 'GuaranteeError';
  }
}

export type StatementFormat = 'json' | 'html' | 'text' | 'pdf';

/** The newest of a list; the server gives no more at once. */
const PAGE = 200;

/** Everything the pages ask; one per token. */
export class GuaranteeApi {
  /** How far the server's clock is ahead, so that countdowns agree with it. */
  aheadMs = 0;

  constructor(private readonly token: () => Promise<string>) {}

  contracts = async () => list(await this.get('/contracts'), 'contracts').map(contractSummary);
  contract = async (id: string) => contractDetail(await this.get(`/contracts/${id}`));
  lines = async (id: string) => list(await this.get(`/contracts/${id}/lines`), 'lines').map(line);
  incidents = async (id: string, open = false) =>
    list(await this.get(`/contracts/${id}/incidents?limit=${PAGE}${open ? '&open=true' : ''}`), 'incidents').map(incident);
  incident = async (id: string, n: number) => incident(await this.get(`/contracts/${id}/incidents/${n}`), 'incident');
  timeline = async (id: string, n: number) => timeline(await this.get(`/contracts/${id}/incidents/${n}/timeline`));
  tickets = async (id: string, q = '', open = false) => {
    const query = new URLSearchParams({ limit: String(PAGE), ...(q ? { q } : {}), ...(open ? { open: 'true' } : {}) });
    return list(await this.get(`/contracts/${id}/tickets?${query}`), 'tickets').map(ticket);
  };
  ticket = async (id: string, n: number) => ticket(await this.get(`/contracts/${id}/tickets/${n}`), 'ticket');
  maintenance = async (id: string) => list(await this.get(`/contracts/${id}/maintenance`), 'maintenance').map(exclusion);
  events = async (id: string) => list(await this.get(`/contracts/${id}/events`), 'events').map(registeredEvent);
  settlements = async (id: string) =>
    list(await this.get(`/contracts/${id}/settlements`), 'settlements').map(settlement);

  actOnIncident = (id: string, n: number, action: string | object) =>
    this.post(`/contracts/${id}/incidents/${n}/actions`, action);
  openTicket = async (id: string, body: NewTicket) => {
    const answer = record(await this.post(`/contracts/${id}/tickets`, { ...body, channel: 'web' }));
    return Number(answer.ticket);
  };
  reply = (id: string, n: number, body: string) => this.post(`/contracts/${id}/tickets/${n}/messages`, { body, channel: 'web' });
  actOnTicket = (id: string, n: number, action: string | object) =>
    this.post(`/contracts/${id}/tickets/${n}/actions`, action);
  declare = (id: string, body: object) => this.post(`/contracts/${id}/maintenance`, body);
  registerEvent = (id: string, body: object) => this.post(`/contracts/${id}/events`, body);
  settle = (id: string, period: number, step: string, reason?: string) =>
    this.post(`/contracts/${id}/settlements/${period}/steps`, { step, ...(reason ? { reason } : {}) });

  async statement(id: string, period: number): Promise<Statement> {
    return (await this.get(`/contracts/${id}/settlements/${period}?format=json`)) as Statement;
  }

  async document(id: string, period: number, format: StatementFormat, language: string): Promise<Blob> {
    const path = `/contracts/${id}/settlements/${period}?format=${format}&lang=${language}`;
    return (await this.send('GET', path)).blob();
  }

  private async get(path: string): Promise<unknown> {
    return (await this.send('GET', path)).json();
  }

  private async post(path: string, body: unknown): Promise<unknown> {
    const text = await (await this.send('POST', path, body)).text();
    return text ? JSON.parse(text) : {};
  }

  private async send(method: string, path: string, body?: unknown): Promise<Response> {
    const headers: Record<string, string> = { authorization: `Bearer ${await this.token()}` };
    // Refusals are shown as they come: in the console's language, not the browser's.
    const language = globalThis.document?.documentElement.lang;
    if (language) headers['accept-language'] = language;
    if (body !== undefined) headers['content-type'] = 'application/json';
    let answer: Response;
    try {
      const init = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
      answer = await fetch(`/guarantee/v1${path}`, { ...init, cache: 'no-store' });
    } catch {
      throw new GuaranteeError(0, '');
    }
    this.keepTime(answer.headers.get('date'));
    if (!answer.ok) throw await refusal(answer);
    return answer;
  }

  /** The header has whole seconds: a difference below two says nothing. */
  private keepTime(date: string | null): void {
    const ahead = date ? Date.parse(date) - Date.now() : NaN;
    if (!Number.isNaN(ahead)) this.aheadMs = Math.abs(ahead) < 2000 ? 0 : ahead;
  }
}

/** What is public: no token is needed. */
export async function fetchStatus(): Promise<PublicStatus> {
  const answer = await fetch('/guarantee/v1/status', { cache: 'no-store' });
  if (!answer.ok) throw await refusal(answer);
  return publicStatus(await answer.json());
}

async function refusal(answer: Response): Promise<GuaranteeError> {
  const body = await answer.text();
  try {
    return new GuaranteeError(answer.status, text(record(JSON.parse(body)).error));
  } catch {
    return new GuaranteeError(answer.status, body.slice(0, 200));
  }
}
