/** What has to be entered in an encoder to publish to a room. Pure. */

export type Protocol = 'rtmp' | 'srt' | 'whip';

export const PROTOCOLS: readonly Protocol[] = ['rtmp', 'srt', 'whip'];

/** The protocols' own ports. */
export const RTMP_PORT = 1935;
export const SRT_PORT = 8890;

/** What a stream id may have (draft-sharabayko-srt, section 3.2.1.3: Stream ID Extension). */
const SRT_STREAM_ID_BYTES = 512;

export interface Place {
  /** Of the page, as in `window.location`. */
  origin: string;
  hostname: string;
  rtmpPort?: number;
  /** Where RTMP is spoken over TLS; whoever has the page over TLS should have that too. */
  rtmpsPort?: number;
  srtPort?: number;
}

/** The protocols that the server lets in. */
export function openProtocols({ rtmpPort, srtPort }: Pick<Place, 'rtmpPort' | 'srtPort'>): Protocol[] {
  const closed: Partial<Record<Protocol, boolean>> = { rtmp: rtmpPort === 0, srt: srtPort === 0 };
  return PROTOCOLS.filter((protocol) => !closed[protocol]);
}

export interface Addresses {
  rtmp: {
    server: string;
    key: string;
    /** Both in one, as ffmpeg and phones take it. */
    url: string;
  };
  srt: {
    url: string;
    /** Why a stream id cannot name this room: then another protocol must be used. */
    unusable?: 'tooLong' | 'comma';
  };
  whip: { url: string; token: string };
}

export function addressesOf(place: Place, room: string, token: string): Addresses {
  const name = encodeURIComponent(room);
  const server = rtmpServer(place);
  const key = `${name}?token=${token}`;
  const streamId = streamIdOf(room, token);
  return {
    rtmp: { server, key, url: `${server}/${key}` },
    srt: {
      url: `srt://${place.hostname}:${place.srtPort ?? SRT_PORT}?streamid=${streamId}`,
      unusable: room.includes(',') ? 'comma' : streamId.length > SRT_STREAM_ID_BYTES ? 'tooLong' : undefined,
    },
    whip: { url: `${place.origin}/whip/${name}`, token },
  };
}

function rtmpServer({ origin, hostname, rtmpPort, rtmpsPort }: Place): string {
  if (rtmpsPort && origin.startsWith('https:')) return `rtmps://${hostname}:${rtmpsPort}/live`;
  return `rtmp://${hostname}:${rtmpPort ?? RTMP_PORT}/live`;
}

/**
 * As the SRT Access Control guidelines write it. A name that an address has to encode is encoded
 * together with the sign in front: whoever decodes it, the caller or the server, decodes it whole.
 */
function streamIdOf(room: string, token: string): string {
  const name = encodeURIComponent(room);
  return `${name === room ? '#' : '%23'}!::r=live/${name},m=publish,token=${token}`;
}

/** A long secret as people may see it over a shoulder: enough to tell two apart. */
export function masked(value: string, secret: string): string {
  return secret ? value.replace(secret, '•'.repeat(12)) : value;
}
