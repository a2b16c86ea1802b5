/** Shares as people read them. They come as texts ("99.95%") and are never made floats. */

export interface Nines {
  /** The leading nines with their point: what the eye should find first. */
  nines: string;
  rest: string;
  count: number;
}

/** Digits after the point that are shown; cut off, so that 100 % is only what is whole. */
const DECIMALS = 4;

/** "99.9823%" → {nines: "99.9", rest: "823", count: 3}; undefined where nothing was measured. */
export function splitNines(percent: string | null | undefined): Nines | undefined {
  const match = /^(\d{1,3})(?:\.(\d+))?\s*%$/.exec(percent?.trim() ?? '');
  if (!match) return undefined;
  const whole = match[1] ?? '0';
  const decimals = (match[2] ?? '').slice(0, DECIMALS).replace(/0+$/, '').padEnd(2, '0');
  if (whole === '100') return { nines: '100', rest: '', count: Infinity };
  if (whole.length < 2) return { nines: '', rest: `${whole}.${decimals}`, count: 0 };
  const digits = whole + decimals;
  const count = /^9*/.exec(digits)?.[0].length ?? 0;
  const text = `${whole}.${decimals}`;
  const cut = count > 2 ? count + 1 : count;
  return { nines: text.slice(0, cut), rest: text.slice(cut), count };
}

export function percentText(percent: string | null | undefined): string {
  const split = splitNines(percent);
  return split ? `${split.nines}${split.rest} %` : '–';
}

/** Units of 10⁻⁸ of the whole, as the server counts them; undefined where it is no share. */
export function units(percent: string | null | undefined): number | undefined {
  const match = /^(\d{1,3})(?:\.(\d{1,6}))?\d*\s*%$/.exec(percent?.trim() ?? '');
  if (!match) return undefined;
  return Number(match[1]) * 1_000_000 + Number((match[2] ?? '').padEnd(6, '0'));
}

/** Whether a share reaches a target; what was not measured breaks nothing. */
export function reaches(attained: string | null | undefined, target: string): boolean {
  const [is, needed] = [units(attained), units(target)];
  return is === undefined || needed === undefined || is >= needed;
}
