/** Where a leaf of the evidence log lies (C2SP tlog-tiles). Pure. */

const WIDTH = 256;

/**
 * The path of the entry tile with this leaf, in a log of `size` leaves: full tiles are there
 * for good, the last one is named after how many leaves it has.
 */
export function tilePath(leaf: number, size: number): string | undefined {
  if (!Number.isSafeInteger(leaf) || leaf < 0 || leaf >= size) return undefined;
  const tile = Math.floor(leaf / WIDTH);
  const has = Math.min(WIDTH, size - tile * WIDTH);
  return `/log/tile/entries/${tileNumber(tile)}${has < WIDTH ? `.p/${has}` : ''}`;
}

/** 1234567 → x001/x234/567 */
function tileNumber(tile: number): string {
  const text = String(tile);
  const padded = text.padStart(Math.ceil(text.length / 3) * 3, '0');
  const groups = padded.match(/\d{3}/g) ?? [];
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
}

/** The command that shows a leaf and proves that it is in the log. */
export function showCommand(origin: string, leaf: number): string {
  return `surecast evidence show --log ${origin}/log/ ${leaf}`;
}
