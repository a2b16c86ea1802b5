import { at, changes, clock, contract, events, incidents, lines, maintenance, settlements, statement, status, summary, tickets } from './world.ts';

/** What the made-up server answers. */

interface Answer {
  status: number;
  body: unknown;
  type?: string;
}

interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
  role: string;
  name: string;
}

const ok = (body: unknown): Answer => ({ status: 200, body });
const no = (code: number, error: string): Answer => ({ status: code, body: { error } });
const KINDS: Record<string, string> = { operator: 'lead', account_manager: 'manager' };

export function answer(asked: Asked): Answer {
  const parts = asked.path.split('/').filter(Boolean);
  if (asked.path === '/status') return ok(status());
  if (parts[0] !== 'contracts') return no(404, `there is nothing at ${asked.path}`);
  const [, id, what, number, more] = parts;
  if (!id) return ok({ contracts: [summary('acme'), ...(asked.role === 'customer' ? [] : [summary('late-radio')])] });
  if (id !== 'acme' && id !== 'late-radio') return no(404, `there is no contract \`${id}\`: GET /contracts lists yours`);
  switch (what) {
    case undefined:
      return ok(contract(id));
    case 'lines':
      return ok({ contract: id, lines: lines() });
    case 'incidents':
      return number ? incident(asked, Number(number), more) : ok({ incidents: listed(id === 'acme' ? incidents : [], asked) });
    case 'tickets':
      return ticket(asked, number, more);
    case 'maintenance':
      return asked.method === 'POST' ? declare(asked) : ok({ maintenance });
    case 'events':
      if (asked.method === 'POST') events.push(asked.body as (typeof events)[number]);
      return ok({ events });
    case 'settlements':
      return settlement(asked, number, more);
    default:
      return no(404, `there is nothing at ${asked.path}`);
  }
}

function listed<T extends { state: string }>(all: T[], { query }: Asked): T[] {
  const open = query.get('open') === 'true';
  return all.filter((each) => !open || !['resolved', 'reviewed', 'closed'].includes(each.state));
}

function incident(asked: Asked, id: number, more?: string): Answer {
  const found = incidents.find((each) => each.id === id);
  if (!found) return no(404, `there is no incident ${id}`);
  const log = (changes[id] ??= []);
  if (more === 'timeline') {
    const entries = log.map((entry, nth) => ({ leaf: 48_300 + nth * 3, contract: 'acme', incident: id, module: found.module, regions: [], ...entry }));
    return ok({ entries, left_out: 0, detect_s: 300, acknowledge_s: id === 3 ? 780 : null, restore_s: id === 3 ? 5880 : null, refused: found.refused });
  }
  if (more !== 'actions') return ok(found);
  const action = asked.body as string | Record<string, { text?: string; to?: string }>;
  const [name, facts] = typeof action === 'string' ? [action, {}] : (Object.entries(action)[0] ?? ['', {}]);
  const by = { kind: KINDS[asked.role] ?? asked.role, name: asked.name };
  const role = by.kind;
  const record = (change: object) => {
    log.push({ at: at(0), state: found.state, severity: found.severity, change });
    found.words.push({ at: at(0), by, what: name, called: [], text: facts?.text ?? '' });
  };
  if (name === 'lower' && asked.role !== 'customer' && asked.role !== 'expert') {
    found.refused += 1;
    record({ refused: { by: role, wanted: 'lower', why: { not_yours: { who: asked.name, instead: 'the customer or an expert does' } } } });
    return no(409, `${by.kind} ${by.name} cannot do this: the customer or an expert does`);
  }
  if (name === 'lower' || name === 'resolve' || name === 'mitigate') {
    return no(409, `it has measured clear for ${found.clear_minutes} of the ${found.clear_minutes_needed} minutes that are needed`);
  }
  if (name === 'acknowledge') {
    found.state = 'acknowledged';
    const [first] = found.clocks;
    if (first) Object.assign(first, { stopped: at(0) });
    record({ acknowledged: { by: role } });
  }
  if (name === 'update') record({ updated: { by: role, sha256: 'e3b0c442' } });
  if (name === 'review') {
    found.state = 'reviewed';
    record({ reviewed: { by: role, sha256: 'e3b0c442' } });
  }
  return ok(found);
}

function ticket(asked: Asked, number?: string, more?: string): Answer {
  if (!number && asked.method === 'POST') return opened(asked);
  if (!number) {
    const q = (asked.query.get('q') ?? '').toLowerCase();
    const rows = listed(tickets, asked).filter((each) => JSON.stringify(each).toLowerCase().includes(q));
    return ok({ tickets: rows.map(({ messages, ...each }) => ({ ...each, written: messages.length })) });
  }
  const found = tickets.find((each) => each.id === Number(number));
  if (!found) return no(404, `there is no ticket ${number}`);
  const author = { kind: KINDS[asked.role] ?? asked.role, name: asked.name };
  const say = (body: unknown) => found.messages.push({ at: at(0), channel: 'web', author, automatic: false, body });
  if (more === 'messages') {
    say((asked.body as { body: string }).body);
    found.state = asked.role === 'customer' || found.state !== 'waiting_customer' ? 'open' : found.state;
  }
  if (more === 'actions') {
    const action = asked.body as string | { ask?: { text: string }; mark?: object };
    if (typeof action !== 'string' && action.mark) {
      found.refused += 1;
      return no(409, `the severity is ${found.severity} by evidence; a mark does not change it`);
    }
    if (typeof action !== 'string' && action.ask) {
      say(action.ask.text);
      found.state = 'waiting_customer';
    }
    if (action === 'resolve') {
      if (found.incident !== null && asked.role !== 'customer') return no(409, `incident ${found.incident} goes on: resolve it first`);
      found.state = 'resolved';
    }
    if (action === 'close') found.state = 'closed';
  }
  return ok(found);
}

function opened(asked: Asked): Answer {
  const { subject, body, about } = asked.body as { subject: string; body: string; about: object };
  const id = Math.max(...tickets.map((each) => each.id)) + 1;
  const message = { at: at(0), channel: 'web', author: { kind: 'customer', name: asked.name }, automatic: false, body };
  const clocks = [clock('first_response', 0, 480), clock('next_update', 0, 2400)];
  const fresh = { channel: 'web', opened: at(0), state: 'new', severity: 'S4', incident: null, asked: null, resolved: null, refused: 0 };
  tickets.unshift({ id, subject, about, clocks, messages: [message], ...fresh });
  return { status: 201, body: { ticket: id } };
}

function declare(asked: Asked): Answer {
  const { start, end, module, region, contracts } = asked.body as Record<string, string | undefined> & { contracts?: string[] };
  const refused = Date.parse(start ?? '') - Date.now() < 48 * 3_600_000 ? 'declared too late: 172800 s are needed' : null;
  const row = { ...maintenance[0], declared_at: at(0), interval: { start, end }, module: module ?? null, region: region ?? null, contracts: contracts ?? [], approved_by: asked.name, refused };
  maintenance.push(row as (typeof maintenance)[number]);
  return { status: 201, body: row };
}

function settlement(asked: Asked, number?: string, more?: string): Answer {
  if (!number) return ok({ settlements });
  const found = settlements.find((each) => each.period === Number(number));
  if (!found) return no(404, `period ${number} has no statement`);
  if (more === 'steps') {
    const { step, reason } = asked.body as { step: string; reason?: string };
    const leads: Record<string, string> = { finalise: 'final', credit: 'credited', dispute: 'disputed', correct: 'recomputed' };
    Object.assign(found, { status: leads[step], entry: found.entry + 1, reason: reason ?? null });
    return ok(found);
  }
  switch (asked.query.get('format')) {
    case 'html':
      return { status: 200, type: 'text/html', body: '<!doctype html><title>Statement</title><h1>Statement</h1><p>Made up.</p>' };
    case 'pdf':
      return no(400, 'this server makes no PDF: ask for `format=html`, which prints as one');
    default:
      return ok(statement());
  }
}
