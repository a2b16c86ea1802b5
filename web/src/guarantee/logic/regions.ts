import type { Line, Minute, MinuteState } from '../api';

/** The lines of a contract, gathered by where they are. Pure. */

export type RegionState = 'good' | 'bad' | 'no_data' | 'idle' | 'unknown';

export interface RegionView {
  region: string;
  state: RegionState;
  /** Sessions in the last minute; null where this server does not measure them. */
  sessions: number | null;
  lines: Line[];
  /** The modules that are not well. */
  troubled: string[];
}

/** Worse is larger. */
const BADNESS: Record<MinuteState, number> = { unknown: 0, idle: 1, good: 2, no_data: 3, bad: 4 };

/** The last minute that the log says something of; the newest may still be open. */
export function lastMinute(line: Pick<Line, 'minutes'>): Minute | undefined {
  return line.minutes.findLast((minute) => minute.state !== 'unknown');
}

export function regionsOf(lines: readonly Line[], sessions: ReadonlyMap<string, number>): RegionView[] {
  const names = [...new Set(lines.map((line) => line.region))];
  return names.map((region) => {
    const here = lines.filter((line) => line.region === region);
    const last = here.map((line) => ({ line, state: lastMinute(line)?.state ?? 'unknown' }));
    const state = last.reduce<MinuteState>((worst, each) => (BADNESS[each.state] > BADNESS[worst] ? each.state : worst), 'unknown');
    // Modules of a region see the same people: the fullest says how many there are.
    const counts = here.map((line) => sessions.get(`${line.module}/${region}`)).filter((count) => count !== undefined);
    const troubled = last.filter((each) => each.state === 'bad' || each.state === 'no_data');
    return {
      region,
      state,
      sessions: counts.length > 0 ? Math.max(...counts) : null,
      lines: here,
      troubled: troubled.map(({ line }) => line.module),
    };
  });
}

export function countStates(minutes: readonly { state: MinuteState }[]): [MinuteState, number][] {
  const order: MinuteState[] = ['bad', 'no_data', 'good', 'idle', 'unknown'];
  return order
    .map((state): [MinuteState, number] => [state, minutes.filter((minute) => minute.state === state).length])
    .filter(([, count]) => count > 0);
}
