/**
 * Which door the watch page plays by. Pure: it is told what happens and when, and answers with
 * the state that follows. A door that fails is followed by the next; when all have, it waits for
 * somebody to go live and begins again.
 */

export type Door = 'whep' | 'hls' | 'flv';

/** The shortest delay first; the others get through where it does not. */
export const DOORS: readonly Door[] = ['whep', 'hls', 'flv'];

/** Without a picture for so long, another door is tried. */
export const PATIENCE_MS = 5000;
/** Until all doors are asked again. */
export const RETRY_MS = 2000;
export const RETRY_FAILED_MS = 5000;

export type Why =
  /** HTTP 404, or 409 of WHEP where people are but nobody publishes: nothing is live there. */
  | { kind: 'absent' }
  /** HTTP 401 or 403: another door would say the same. */
  | { kind: 'denied'; words: string }
  | { kind: 'noFrame' }
  | { kind: 'stalled' }
  | { kind: 'ended' }
  | { kind: 'unsupported' }
  | { kind: 'failed'; words: string };

export interface Attempt {
  door: Door;
  why: Why;
}

export interface State {
  /** What the viewer has chosen. */
  choice: Door | 'auto';
  phase: 'trying' | 'playing' | 'waiting' | 'denied' | 'failed';
  door: Door;
  /** Counts the players that were opened: another number, another player. */
  opened: number;
  /** When this door was begun with, or the last picture was seen. */
  sinceMs: number;
  /** Doors that failed in this round. */
  attempts: readonly Attempt[];
  /** Nothing was live when they were asked before: most likely nothing is now. */
  quiet: boolean;
}

export type Event =
  | { type: 'progress' }
  /** Nothing is expected to move: paused, or the page is hidden. */
  | { type: 'idle' }
  | { type: 'failed'; why: Why }
  | { type: 'tick' }
  | { type: 'choose'; choice: State['choice'] }
  | { type: 'retry' };

export function begin(choice: State['choice'], nowMs: number): State {
  const door = choice === 'auto' ? 'whep' : choice;
  return { choice, phase: 'trying', door, opened: 1, sinceMs: nowMs, attempts: [], quiet: false };
}

export function step(state: State, event: Event, nowMs: number): State {
  switch (event.type) {
    case 'choose':
      return round({ ...state, choice: event.choice }, nowMs);
    case 'retry':
      return round(state, nowMs);
    case 'progress':
      return isOpen(state) ? { ...state, phase: 'playing', sinceMs: nowMs, quiet: false } : state;
    case 'idle':
      return isOpen(state) ? { ...state, sinceMs: nowMs } : state;
    case 'failed':
      return isOpen(state) ? fail(state, event.why, nowMs) : state;
    case 'tick':
      return tick(state, nowMs);
  }
}

/** Whether a player is at work. */
export function isOpen({ phase }: State): boolean {
  return phase === 'trying' || phase === 'playing';
}

function tick(state: State, nowMs: number): State {
  const sinceMs = nowMs - state.sinceMs;
  switch (state.phase) {
    case 'trying':
      return sinceMs >= PATIENCE_MS ? fail(state, { kind: 'noFrame' }, nowMs) : state;
    case 'playing':
      return sinceMs >= PATIENCE_MS ? fail(state, { kind: 'stalled' }, nowMs) : state;
    case 'waiting':
      return sinceMs >= RETRY_MS ? { ...round(state, nowMs), quiet: true } : state;
    case 'failed':
      return sinceMs >= RETRY_FAILED_MS ? round(state, nowMs) : state;
    case 'denied':
      return state;
  }
}

/** From the first door on. */
function round(state: State, nowMs: number): State {
  return { ...begin(state.choice, nowMs), opened: state.opened + 1 };
}

function fail(state: State, why: Why, nowMs: number): State {
  // What was tried before a door played belongs to another round.
  const earlier = state.phase === 'playing' ? [] : state.attempts;
  const attempts = [...earlier, { door: state.door, why }];
  const failed: State = { ...state, attempts, sinceMs: nowMs };
  if (why.kind === 'denied') return { ...failed, phase: 'denied' };
  const next = nextDoor(state.choice, attempts);
  if (next) return { ...failed, phase: 'trying', door: next, opened: state.opened + 1 };
  return { ...failed, phase: attempts.every(isOver) ? 'waiting' : 'failed' };
}

function nextDoor(choice: State['choice'], attempts: readonly Attempt[]): Door | undefined {
  if (choice !== 'auto') return undefined;
  return DOORS.find((door) => !attempts.some((attempt) => attempt.door === door));
}

/** Nobody is live, as opposed to: somebody may be, but it does not play here. */
function isOver({ why }: Attempt): boolean {
  return why.kind === 'absent' || why.kind === 'ended';
}

/** What an HTTP answer that is not 2xx means. */
export function whyOf(status: number, words: string): Why {
  if (status === 404 || status === 409) return { kind: 'absent' };
  const text = detailOf(words).trim().slice(0, 200);
  if (status === 401 || status === 403) return { kind: 'denied', words: text || `HTTP ${status}` };
  return { kind: 'failed', words: text ? `HTTP ${status}: ${text}` : `HTTP ${status}` };
}

/** Refusals are plain text, or the detail of a problem in JSON (RFC 9457). */
function detailOf(words: string): string {
  try {
    const { detail } = JSON.parse(words) as { detail?: unknown };
    return typeof detail === 'string' ? detail : words;
  } catch {
    return words;
  }
}
