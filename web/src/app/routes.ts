/** The console's addresses, as data. Pure: no history, no DOM. */

export type RoomKind = 'call' | 'show' | 'voice';
export type Role = 'caller' | 'host' | 'cohost' | 'audience' | 'speaker' | 'listener';

export const ROOM_KINDS: readonly RoomKind[] = ['call', 'show', 'voice'];

export const ROLES: Record<RoomKind, readonly Role[]> = {
  call: ['caller'],
  show: ['host', 'cohost', 'audience'],
  voice: ['host', 'speaker', 'listener'],
};

/** A link without a role must never put somebody on a stage by surprise. */
export const DEFAULT_ROLE: Record<RoomKind, Role> = {
  call: 'caller',
  show: 'audience',
  voice: 'speaker',
};

export type Route =
  | { page: 'home' }
  | { page: 'guarantee' }
  /** Without a room: the page that asks for one. */
  | { page: 'golive'; room?: string }
  | { page: 'watch'; room: string }
  | { page: 'room'; kind: RoomKind; room: string }
  | { page: 'missing'; path: string };

export interface RoomQuery {
  role?: Role;
  name?: string;
  token?: string;
  autojoin: boolean;
  audio: boolean;
  video: boolean;
  /** false asks the SDK for two peer connections (`?pc=2`, a testing hook). */
  singlePeerConnection: boolean;
}

const MAX_ROOM_NAME = 128;

export function parseRoute(path: string): Route {
  const parts = path.split('/').filter(Boolean);
  if (parts.length === 0) return { page: 'home' };
  if (parts[0] === 'guarantee') return { page: 'guarantee' };
  if (path === '/golive' || path === '/golive/') return { page: 'golive' };
  const kind = ROOM_KINDS.find((k) => k === parts[0]);
  const room = parts.length === 2 ? decodeSegment(parts[1]) : undefined;
  if (room && parts[0] === 'golive') return { page: 'golive', room };
  if (room && parts[0] === 'watch') return { page: 'watch', room };
  if (!kind || !room) return { page: 'missing', path };
  return { page: 'room', kind, room };
}

function decodeSegment(segment: string | undefined): string | undefined {
  try {
    const name = decodeURIComponent(segment ?? '').trim();
    return name && name.length <= MAX_ROOM_NAME ? name : undefined;
  } catch {
    return undefined;
  }
}

export function roomPath(kind: RoomKind, room: string, role?: Role): string {
  const path = `/${kind}/${encodeURIComponent(room)}`;
  return role && role !== 'caller' ? `${path}?role=${role}` : path;
}

/** Where an encoder of the room is set up. */
export function goLivePath(room: string): string {
  return `/golive/${encodeURIComponent(room)}`;
}

/** Where the room is watched without joining it. */
export function watchPath(room: string): string {
  return `/watch/${encodeURIComponent(room)}`;
}

/** The token of a link. It may stand in the fragment, which no server log sees. */
export function linkToken(search: string, hash: string): string | undefined {
  const fragment = new URLSearchParams(hash.replace(/^#/, ''));
  return fragment.get('token') || new URLSearchParams(search).get('token') || undefined;
}

/** Reads what a link says. */
export function parseRoomQuery(kind: RoomKind, search: string, hash: string): RoomQuery {
  const query = new URLSearchParams(search);
  const role = ROLES[kind].find((r) => r === query.get('role'));
  return {
    role,
    name: query.get('name')?.trim() || undefined,
    token: linkToken(search, hash),
    autojoin: query.get('autojoin') === '1',
    audio: query.get('audio') !== '0',
    video: query.get('video') !== '0',
    singlePeerConnection: query.get('pc') !== '2',
  };
}

/** Whether a role publishes from the start, i.e. needs a microphone check before joining. */
export function publishes(role: Role): boolean {
  return role !== 'audience' && role !== 'listener';
}
