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

/** A second encoder with the same identity takes the first one's place, as a restarted one should. */
export const ENCODER_IDENTITY = 'encoder';

/**
 * What an encoder may do. Kept short: SRT carries the token in its stream id, which holds 512
 * bytes with the room's name, and people type stream keys into hardware.
 */
export function encoderClaims(issuer: string, room: string, ttlS: number, nowS: number): TokenClaims {
  return {
    iss: issuer,
    sub: ENCODER_IDENTITY,
    nbf: nowS - CLOCK_SLACK_S,
    exp: nowS + ttlS,
    video: { room, roomJoin: true, canPublish: true, canSubscribe: false },
    roomConfig: { metadata: JSON.stringify({ kind: 'show' }) },
  };
}

export interface Viewing {
  room: string;
  identity: string;
  ttlS: number;
}

/** Watching only: nothing is published, no message is sent. */
export function viewerClaims(issuer: string, { room, identity, ttlS }: Viewing, nowS: number): TokenClaims {
  return {
    iss: issuer,
    sub: identity,
    nbf: nowS - CLOCK_SLACK_S,
    exp: nowS + ttlS,
    video: { room, roomJoin: true, canPublish: false, canSubscribe: true, canPublishData: false },
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
