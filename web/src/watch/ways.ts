/** What the ways to play a broadcast have in common. Pure. */

export type Way = 'whep' | 'hls' | 'flv';

/** The fastest first; each next one reaches players that the one before does not. */
export const WAYS: readonly Way[] = ['whep', 'hls', 'flv'];

export const WAY_NAME: Record<Way, string> = { whep: 'WHEP', hls: 'LL-HLS', flv: 'HTTP-FLV' };

/** Why a way does not play. */
export type Trouble =
  /** Nothing is published: worth asking again after so many seconds. */
  | { kind: 'idle'; retryS: number }
  /** Nobody is let in with this token: no other way will do either. */
  | { kind: 'denied'; detail: string }
  /** This way does not work here; another one may. */
  | { kind: 'unfit'; detail: string };

export class WayError extends Error {
  constructor(readonly trouble: Trouble) {
    super('detail' in trouble ? trouble.detail : trouble.kind);
  }
}

export function unfit(detail: string): WayError {
  return new WayError({ kind: 'unfit', detail });
}

/** What a playing way tells the page. */
export interface Listener {
  /** The encoder is there, or away; the picture stands still meanwhile. */
  onActive(active: boolean): void;
  onViewers(count: number): void;
  /** It stopped playing by itself. */
  onEnd(trouble: Trouble): void;
}

/** A way that plays. */
export interface Playing {
  way: Way;
  /** From the encoder's door to the eye as far as the player knows, in ms. */
  latencyMs(): Promise<number | undefined>;
  stop(): void;
}

export type Start = (video: HTMLVideoElement, url: string, listener: Listener) => Promise<Playing>;

/** The address of a room's broadcast by this way. */
export function address(way: Way, room: string, token?: string): string {
  const name = encodeURIComponent(room);
  const path = { whep: `/whep/${name}`, hls: `/hls/${name}/index.m3u8`, flv: `/flv/${name}.flv` }[way];
  return token ? `${path}?token=${encodeURIComponent(token)}` : path;
}

/** What an HTTP status means for a player. */
export function troubleOf(status: number, detail: string, retryAfter: string | null): Trouble {
  if (status === 404 || status === 409) return { kind: 'idle', retryS: retrySeconds(retryAfter) };
  if (status === 401 || status === 403) return { kind: 'denied', detail };
  return { kind: 'unfit', detail: detail || `HTTP ${status}` };
}

/** At least a second, so that a wrong header makes no storm; at most half a minute. */
function retrySeconds(header: string | null): number {
  const seconds = Number(header ?? NaN);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 1), 30) : 3;
}

/** The links of a `Link` header by their relation. */
export function parseLinks(header: string | null): Map<string, string> {
  const links = new Map<string, string>();
  for (const [, url = '', rel = ''] of (header ?? '').matchAll(/<([^>]*)>\s*;\s*rel="([^"]*)"/g)) links.set(rel, url);
  return links;
}

/** The ways to try in their order. */
export function plan(only: string | null): readonly Way[] {
  const chosen = WAYS.find((way) => way === only);
  return chosen ? [chosen] : WAYS;
}
