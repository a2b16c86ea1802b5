/**
 * What `GET /broadcast/v1/streams/{room}` tells of a room's encoders. Pure: the answer is read
 * without trust, since server and console may be of different versions.
 */

export interface Track {
  number: number;
  kind: 'video' | 'audio';
  codec: string;
  width: number;
  height: number;
  /** Samples a second; 0 for video. */
  rate: number;
  channels: number;
  fps: number;
  kbps: number;
  /** Seconds between the last two keyframes. */
  groupS: number | null;
  /** How far the encoder's clock is ahead of the server's since it began. */
  driftMs: number | null;
  frames: number;
  /** The server's words on why WebRTC cannot play it. */
  notInRoom?: string;
}

export interface Encoder {
  protocol: string;
  from: string;
  identity: string;
  seconds: number;
  tracks: Track[];
}

export interface Stream {
  room: string;
  live: boolean;
  viewers: number;
  encoders: Encoder[];
}

type Json = Record<string, unknown>;

export function parseStream(answer: unknown): Stream {
  const stream = object(answer);
  return {
    room: text(stream.room),
    live: stream.live === true,
    viewers: number(stream.viewers ?? stream.readers),
    encoders: list(stream.encoders).map(parseEncoder),
  };
}

function parseEncoder(encoder: Json): Encoder {
  return {
    protocol: text(encoder.protocol),
    from: text(encoder.from),
    identity: text(encoder.identity),
    seconds: number(encoder.seconds),
    tracks: list(encoder.tracks).map(parseTrack),
  };
}

function parseTrack(track: Json): Track {
  return {
    number: number(track.number),
    kind: track.kind === 'audio' ? 'audio' : 'video',
    codec: text(track.codec),
    width: number(track.width),
    height: number(track.height),
    rate: number(track.rate),
    channels: number(track.channels),
    fps: number(track.fps),
    kbps: number(track.bitrate) / 1000,
    groupS: known(track.group_seconds),
    driftMs: known(track.drift_ms),
    frames: number(track.frames),
    notInRoom: text(track.not_in_room) || undefined,
  };
}

/** The track of this kind that players get: the first. */
export function trackOf(encoder: Encoder | undefined, kind: Track['kind']): Track | undefined {
  return encoder?.tracks.find((track) => track.kind === kind);
}

const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const list = (value: unknown): Json[] => (Array.isArray(value) ? value.map(object) : []);
const text = (value: unknown) => (typeof value === 'string' ? value : '');
const known = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : null);
const number = (value: unknown) => known(value) ?? 0;
