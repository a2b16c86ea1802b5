/**
 * A made-up server for working on the pages: `npm run dev -- --mode mock`. It answers in
 * the shapes of `/guarantee/v1` and holds people to the most visible of the rules. Nothing
 * imports it but the development server, so it is never shipped.
 */

const MINUTE = 60_000;
const DAY = 86_400_000;
const at = (offsetMs: number) => new Date(Math.floor((Date.now() + offsetMs) / 1000) * 1000).toISOString();
const date = (offsetDays: number) => at(offsetDays * DAY).slice(0, 10);

interface Line {
  module: string;
  region: string;
  critical: boolean;
  target: string;
  share: string;
  term: string;
  left: number;
  alert: string | null;
  bad: number[];
  state: string;
  load: number;
}

const row = (module: string, region: string, more: Partial<Line> = {}): Line => ({
  module,
  region,
  critical: true,
  target: '99.9%',
  share: '99.9934%',
  term: '99.9871%',
  left: 2390,
  alert: null,
  bad: [],
  state: 'good',
  load: 400,
  ...more,
});

const LINES: Line[] = [
  row('media', 'eu-central', { share: '99.9823%', left: 1390, alert: 'page', bad: [49, 50, 51, 55, 56, 57, 58, 59], load: 4120 }),
  row('join', 'eu-central', { share: '99.9982%', load: 4010 }),
  row('media', 'us-east', { share: '99.9996%', left: 2550, load: 2730 }),
  row('media', 'ap-southeast', { target: '99.95%', share: '99.9312%', left: -490, alert: 'ticket', bad: [12, 13, 14, 15, 16, 17, 18, 30], load: 980 }),
  row('media', 'cn-east', { share: '99.9541%', load: 1840 }),
  row('media', 'sa-east', { critical: false, state: 'idle', load: 0, share: '100%', left: 2592 }),
  row('playback', 'edge-lab', { critical: false, state: 'no_data', bad: [57, 58, 59], load: 120, share: '99.9001%', left: 30 }),
];

const shown = (line: Line, minute: number) =>
  line.bad.includes(minute) ? (line.state === 'no_data' ? 'no_data' : 'bad') : line.state === 'no_data' ? 'good' : line.state;

export function lines() {
  return LINES.map((line, nth) => ({
    module: line.module,
    region: line.region,
    method: 'session-seconds',
    critical: line.critical,
    target: line.target,
    period: { interval: { start: at(-24 * DAY), end: at(0) }, share: line.share, nines: null, counts: {}, met: line.left >= 0 },
    term: { interval: { start: at(-200 * DAY), end: at(0) }, share: line.term, nines: null, counts: {}, met: true },
    budget_total_s: line.target === '99.95%' ? 1296 : 2592,
    budget_left_s: line.left,
    alert: line.alert,
    minutes: Array.from({ length: 60 }, (_, minute) => ({
      minute: at((minute - 60) * MINUTE),
      state: shown(line, minute),
      leaf: 48_000 + minute * 8 + nth,
    })),
    days: Array.from({ length: 30 }, (_, each) => ({
      day: date(each - 29),
      share: each < 2 ? null : (each * 7 + nth * 5) % 13 === 0 ? '99.7124%' : '99.9912%',
    })),
  }));
}

export function status() {
  const minute = (line: Line) => ({ minute: at(-MINUTE), state: shown(line, 59), up_ms: line.load * 60_000, down_ms: 0, good: 1, bad: 0, leaf: 1 });
  return {
    log: { origin: 'live.example.com/log', vkey: 'live.example.com/log+8f5d1c3e+AYd0pW5kZm9yYW5leGFtcGxla2V5b2ZmaWZ0eQ==', size: 48_517 },
    status: { lines: LINES.map((line) => ({ module: line.module, region: line.region, minutes: [minute(line)] })) },
  };
}

export const summary = (id: string) => ({
  id,
  version: 3,
  hash: '7c9e6ab0f4d2e1a86b0c1d2e3f405162738495a6b7c8d9eaf0b1c2d3e4f50617',
  state: id === 'late-radio' ? 'signed' : 'active',
  provider: 'Surecast Networks',
  customer: id === 'late-radio' ? 'Late Radio Collective' : 'Acme Live GmbH',
  term: { start: at(-200 * DAY), end: at(165 * DAY) },
  open_incidents: 1,
  open_tickets: 2,
});

export const contract = (id: string) => ({
  ...summary(id),
  periods: Array.from({ length: 12 }, (_, index) => ({ index, first: date(index * 30 - 200), end: date(index * 30 - 170) })),
  contract: {
    id,
    coverage: LINES.map(({ module, region, target, critical }) => ({ module, region, target, critical })),
    fee: { currency: 'EUR', per_period: '8000' },
  },
});

const clock = (kind: string, startedMin: number, target: number, more: object = {}) => ({
  kind,
  round: 1,
  started: at(startedMin * MINUTE),
  due: at((startedMin + target) * MINUTE),
  target_minutes: target,
  paused: false,
  stopped: null,
  missed: false,
  ...more,
});

export const incidents = [
  {
    id: 4,
    contract: 'acme',
    module: 'media',
    lines: [{ region: 'eu-central' }],
    state: 'detected',
    open: true,
    severity: 'S2',
    first_bad: at(-11 * MINUTE),
    detected: at(-6 * MINUTE),
    clear_minutes: 0,
    clear_minutes_needed: 15,
    resolved: null,
    clocks: [clock('first_response', -11, 30), clock('next_update', -11, 10), clock('restoration', -11, 480)],
    refs: [48_392, 48_400, 48_408, 48_440],
    refused: 0,
  },
  {
    id: 3,
    contract: 'acme',
    module: 'media',
    lines: [{ region: 'ap-southeast' }],
    state: 'resolved',
    open: false,
    severity: 'S3',
    first_bad: at(-26 * 60 * MINUTE),
    detected: at(-26 * 60 * MINUTE + 5 * MINUTE),
    clear_minutes: 1200,
    clear_minutes_needed: 15,
    resolved: at(-24 * 60 * MINUTE),
    clocks: [
      clock('first_response', -1560, 240, { stopped: at(-1547 * MINUTE) }),
      clock('restoration', -1560, 60, { stopped: at(-1460 * MINUTE), missed: true }),
    ],
    refs: [30_120, 30_128],
    refused: 1,
  },
];

const by = (kind: string, name: string) => ({ kind, name });

/** Changes by incident; what people do adds to them. */
export const changes: Record<number, { at: string; state: string; severity: string; change: object }[]> = {
  4: [
    { at: at(-6 * MINUTE), state: 'detected', severity: 'S3', change: { detected: { first_bad: at(-11 * MINUTE), alert: 'page', maintenance: false, refs: [48_392] } } },
    { at: at(-5 * MINUTE), state: 'detected', severity: 'S2', change: { severity_rose: { from: 'S3', refs: [48_400] } } },
    { at: at(-1 * MINUTE), state: 'detected', severity: 'S2', change: { called: { clock: 'next_update', round: 1, share: '50%', role: 'lead', names: ['Mara Lind'], due: at(-2 * MINUTE) } } },
  ],
  3: [
    { at: at(-1555 * MINUTE), state: 'detected', severity: 'S3', change: { detected: { first_bad: at(-1560 * MINUTE), alert: 'ticket', maintenance: false, refs: [30_120] } } },
    { at: at(-1547 * MINUTE), state: 'acknowledged', severity: 'S3', change: { acknowledged: { by: by('agent', 'Jonas Weber') } } },
    { at: at(-1540 * MINUTE), state: 'acknowledged', severity: 'S3', change: { refused: { by: by('agent', 'Jonas Weber'), wanted: 'lower', why: { not_yours: { who: 'agent Jonas Weber', instead: 'the customer or an expert does' } } } } },
    { at: at(-1530 * MINUTE), state: 'acknowledged', severity: 'S3', change: { updated: { by: by('agent', 'Jonas Weber'), text: 'A transit provider loses packets towards Singapore. We move sessions to the second path now.' } } },
    { at: at(-1500 * MINUTE), state: 'acknowledged', severity: 'S3', change: { missed: { clock: 'restoration', round: 1, due: at(-1500 * MINUTE) } } },
    { at: at(-1460 * MINUTE), state: 'mitigated', severity: 'S3', change: { mitigated: { by: null, clear_since: at(-1462 * MINUTE) } } },
    { at: at(-1440 * MINUTE), state: 'resolved', severity: 'S3', change: { resolved: { by: by('lead', 'Mara Lind') } } },
  ],
};

interface Ticket {
  id: number;
  state: string;
  incident: number | null;
  severity: string;
  messages: object[];
  clocks: object[];
  refused: number;
  [more: string]: unknown;
}

export const tickets: Ticket[] = [
  {
    id: 8,
    channel: 'web',
    subject: 'Video freezes for viewers in Frankfurt',
    about: { module: 'media', region: 'eu-central', since: at(-12 * MINUTE) },
    opened: at(-9 * MINUTE),
    state: 'new',
    severity: 'S2',
    incident: 4,
    asked: null,
    resolved: null,
    clocks: [clock('first_response', -9, 30), clock('next_update', -9, 60)],
    messages: [
      { at: at(-9 * MINUTE), channel: 'web', author: by('customer', 'Priya Nair'), automatic: false, body: 'Since about ten minutes many viewers see a frozen picture.\nSound goes on. <b>This is not bold</b> & stays text.' },
      { at: at(-9 * MINUTE), channel: 'mail', author: by('system', ''), automatic: true, body: 'Thank you, we have your message. It has the number 8.' },
    ],
    refused: 0,
  },
  {
    id: 7,
    channel: 'mail',
    subject: 'Recording of last Friday has no sound in the first minute',
    about: {},
    opened: at(-300 * MINUTE),
    state: 'waiting_customer',
    severity: 'S4',
    incident: null,
    asked: at(-120 * MINUTE),
    resolved: null,
    clocks: [
      clock('first_response', -300, 480, { stopped: at(-280 * MINUTE) }),
      clock('next_update', -120, 2400),
      clock('restoration', -300, 2400, { paused: true, due: null }),
    ],
    messages: [
      { at: at(-300 * MINUTE), channel: 'mail', author: by('customer', 'Priya Nair'), automatic: false, body: 'The file of the gala begins without sound.' },
      { at: at(-120 * MINUTE), channel: null, author: by('agent', 'Jonas Weber'), automatic: false, body: 'Which of the two recordings is it, and when did you start it?' },
    ],
    refused: 1,
  },
  {
    id: 6,
    channel: 'phone',
    subject: '直播间延迟升高',
    about: { module: 'media', region: 'cn-east' },
    opened: at(-4000 * MINUTE),
    state: 'resolved',
    severity: 'S4',
    incident: null,
    asked: null,
    resolved: at(-3000 * MINUTE),
    clocks: [clock('first_response', -4000, 480, { stopped: at(-3900 * MINUTE) })],
    messages: [{ at: at(-4000 * MINUTE), channel: 'phone', author: by('customer', '陈丽'), automatic: false, body: '主播端延迟从 300 毫秒升到 2 秒。' }],
    refused: 0,
  },
];

const exclusion = (startH: number, hours: number, more: object) => ({
  leaf: 47_100,
  class: 'maintenance',
  declared_at: at(-90 * 60 * MINUTE),
  interval: { start: at(startH * 60 * MINUTE), end: at((startH + hours) * 60 * MINUTE) },
  module: null,
  region: null,
  approved_by: 'Mara Lind',
  counted_s: hours * 3600,
  refused: null,
  ...more,
});

export const maintenance = [
  exclusion(30, 2, { region: 'us-east' }),
  exclusion(-40, 1, { leaf: 46_020, counted_s: 0, refused: 'declared 129600 s before its start, and 172800 s are needed' }),
];
export const events = [
  { name: 'Spring gala', start: at(3 * DAY), end: at(3 * DAY + 300 * MINUTE), modules: ['media', 'join'], regions: ['eu-central'] },
];

export const settlements = [
  { period: 5, first: date(-50), end: date(-20), entry: 0, step: 'settle', status: 'provisional', reason: null, leaf: 41_877, currency: 'EUR', credit: '400.00', claim_until: date(70), missed: 1 },
  { period: 4, first: date(-80), end: date(-50), entry: 2, step: 'credit', status: 'credited', reason: null, leaf: 33_120, currency: 'EUR', credit: '1250.50', claim_until: date(40), missed: 2 },
  { period: 3, first: date(-110), end: date(-80), entry: 1, step: 'dispute', status: 'disputed', reason: 'Minutes of 14 June between 20:00 and 20:20 are missing; our players saw nothing.', leaf: 25_004, currency: 'EUR', credit: '0.00', claim_until: date(10), missed: 0 },
];

const statementLine = (module: string, region: string, attained: string, met: boolean, credit: string) => ({
  module,
  region,
  target: '99.9%',
  attained,
  met,
  down_minutes: met ? 6 : 71,
  no_data: 1,
  excluded_minutes: met ? 0 : 120,
  outages: { count: met ? 2 : 9, low_milli: met ? 242 : 4115, high_milli: met ? 7225 : 17_085 },
  probes: met ? null : { low: '99.71%', high: '99.9%' },
  credit,
});

export const statement = () => ({
  currency: 'EUR',
  fee: '8000',
  cap: '8000',
  lines: [
    statementLine('media', 'eu-central', '99.8356%', false, '400'),
    statementLine('join', 'eu-central', '99.9921%', true, '0'),
    statementLine('media', 'us-east', '99.9986%', true, '0'),
  ],
});

export { at, clock };
