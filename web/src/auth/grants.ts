import { publishes, type Role, type RoomKind } from '../app/routes';
import type { TokenClaims, VideoGrant } from './jwt';

/** Which rights a role has, and the claims of the tokens the console signs. Pure. */

export const JOIN_TTL_S = 6 * 3600;
const SERVICE_TTL_S = 600;
/** Clocks of a laptop and a server differ; a token must not be "not yet valid". */
const CLOCK_SLACK_S = 30;

export interface Participation {
  kind: RoomKind;
  room: string;
  role: Role;
  identity: string;
  name: string;
}

export function joinGrant(room: string, role: Role): VideoGrant {
  return {
    room,
    roomJoin: true,
    canPublish: publishes(role),
    canSubscribe: true,
    canPublishData: true,
    canUpdateOwnMetadata: true,
    ...(role === 'host' ? { roomAdmin: true } : {}),
  };
}

/** The room's kind travels as room metadata, so the list of rooms can offer the right page. */
export function joinClaims(issuer: string, who: Participation, nowS: number): TokenClaims {
  return {
    iss: issuer,
    sub: who.identity,
    ...(who.name ? { name: who.name } : {}),
    nbf: nowS - CLOCK_SLACK_S,
    exp: nowS + JOIN_TTL_S,
    video: joinGrant(who.room, who.role),
    attributes: { role: who.role },
    roomConfig: { metadata: JSON.stringify({ kind: who.kind }) },
  };
}

export function serviceClaims(issuer: string, video: VideoGrant, nowS: number): TokenClaims {
  return { iss: issuer, nbf: nowS - CLOCK_SLACK_S, exp: nowS + SERVICE_TTL_S, video };
}

/** The role a token stands for, whoever made it. */
export function roleOfToken(kind: RoomKind, claims: TokenClaims): Role {
  if (kind === 'call') return 'caller';
  const named = claims.attributes?.role;
  const mayPublish = claims.video.canPublish !== false;
  if (!mayPublish) return kind === 'show' ? 'audience' : 'listener';
  if (claims.video.roomAdmin) return 'host';
  if (named === 'host') return 'host';
  return kind === 'show' ? 'cohost' : 'speaker';
}

export type TokenProblem = 'unreadable' | 'expired' | 'otherRoom' | 'noJoin';

export function tokenProblem(claims: TokenClaims | undefined, room: string, nowS: number) {
  if (!claims?.video) return 'unreadable' satisfies TokenProblem;
  if (claims.exp <= nowS) return 'expired' satisfies TokenProblem;
  if (!claims.video.roomJoin) return 'noJoin' satisfies TokenProblem;
  if (claims.video.room && claims.video.room !== room) return 'otherRoom' satisfies TokenProblem;
  return undefined;
}

/** Identities must be unique in a room; names need not be. */
export function makeIdentity(name: string, random: string): string {
  const slug = name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 32);
  return `${slug || 'guest'}-${random}`;
}

export function randomSuffix(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(4));
  return Array.from(bytes, (b) => b.toString(36).padStart(2, '0')).join('').slice(0, 6);
}
