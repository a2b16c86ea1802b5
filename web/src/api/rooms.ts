import { ROOM_KINDS, type RoomKind } from '../app/routes';
import { callTwirp } from './twirp';

export interface RoomSummary {
  sid: string;
  name: string;
  participants: number;
  publishers: number;
  createdAtS: number;
  kind?: RoomKind;
}

type Json = Record<string, unknown>;

/**
 * protojson writes 64-bit numbers as strings, and servers differ between field_name and
 * fieldName; both are legal, so both are read.
 */
export function parseRooms(answer: unknown): RoomSummary[] {
  const rooms = (answer as { rooms?: Json[] } | null)?.rooms ?? [];
  return rooms
    .map((room) => ({
      sid: text(room.sid),
      name: text(room.name),
      participants: number(room.num_participants ?? room.numParticipants),
      publishers: number(room.num_publishers ?? room.numPublishers),
      createdAtS: number(room.creation_time ?? room.creationTime),
      kind: kindOf(text(room.metadata)),
    }))
    .sort((a, b) => b.participants - a.participants || a.name.localeCompare(b.name));
}

function kindOf(metadata: string): RoomKind | undefined {
  try {
    const { kind } = JSON.parse(metadata) as { kind?: string };
    return ROOM_KINDS.find((k) => k === kind);
  } catch {
    return undefined;
  }
}

const text = (value: unknown) => (typeof value === 'string' ? value : '');
const number = (value: unknown) => Number(value ?? 0) || 0;

export async function listRooms(token: string): Promise<RoomSummary[]> {
  return parseRooms(await callTwirp('ListRooms', {}, token));
}

/** Moves a participant onto or off the stage. The grant is replaced as a whole. */
export async function setCanPublish(token: string, room: string, identity: string, allow: boolean) {
  const permission = {
    can_subscribe: true,
    can_publish: allow,
    can_publish_data: true,
    can_update_metadata: true,
  };
  await callTwirp('UpdateParticipant', { room, identity, permission }, token);
}

/** Somebody who sends to a room. */
export interface Publishing {
  name: string;
  tracks: { kind: 'audio' | 'video'; codec: string; width: number; height: number }[];
}

/** Who publishes something; protojson writes enums by name or by number. */
export function parsePublishing(answer: unknown): Publishing[] {
  const people = (answer as { participants?: Json[] } | null)?.participants ?? [];
  return people
    .map((person) => ({
      name: text(person.name) || text(person.identity),
      tracks: ((person.tracks ?? []) as Json[])
        .filter((track) => track.type !== 'DATA' && track.type !== 2)
        .map((track) => ({
          kind: track.type === 'VIDEO' || track.type === 1 ? ('video' as const) : ('audio' as const),
          codec: codecName(text(track.mime_type ?? track.mimeType)),
          width: number(track.width),
          height: number(track.height),
        })),
    }))
    .filter((person) => person.tracks.length > 0);
}

/** `video/H264` → `H264`. RED is Opus sent twice. */
function codecName(mime: string): string {
  const name = mime.replace(/^\w+\//, '').toUpperCase();
  return name === 'RED' ? 'OPUS' : name;
}

export async function listPublishing(token: string, room: string): Promise<Publishing[]> {
  return parsePublishing(await callTwirp('ListParticipants', { room }, token));
}
