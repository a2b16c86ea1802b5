/** Addresses below `/guarantee`, as data. Pure. */

export const TABS = ['overview', 'incidents', 'tickets', 'calendar', 'settlements', 'verify'] as const;
export type Tab = (typeof TABS)[number];

/** `item` is a number of an incident or a ticket, or a period of a settlement. */
export type Place = { contract?: undefined } | { contract: string; tab: Tab; item?: number };

/** A contract's name as the server checks it; what else stands in an address is no contract. */
const CONTRACT = /^[a-z0-9.-]{1,64}$/;

/**
 * `/guarantee/c/CONTRACT[/TAB[/NUMBER]]`; undefined where nothing is.
 * The `c` keeps a contract named `v1` apart from the API under `/guarantee/v1`.
 */
export function parsePlace(path: string): Place | undefined {
  const [root, mark, contract, tab = 'overview', number, ...rest] = path.split('/').filter(Boolean);
  if (root !== 'guarantee' || rest.length > 0) return undefined;
  if (mark === undefined) return {};
  const known = TABS.find((each) => each === tab);
  if (mark !== 'c' || !contract || !CONTRACT.test(contract) || !known) return undefined;
  if (number === undefined) return { contract, tab: known };
  return /^\d{1,9}$/.test(number) ? { contract, tab: known, item: Number(number) } : undefined;
}

export function placePath(contract?: string, tab: Tab = 'overview', item?: number): string {
  if (contract === undefined) return '/guarantee';
  const base = `/guarantee/c/${encodeURIComponent(contract)}`;
  if (item !== undefined) return `${base}/${tab}/${item}`;
  return tab === 'overview' ? base : `${base}/${tab}`;
}
