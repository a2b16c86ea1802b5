import { type Listener, parseLinks, type Playing, type Start, troubleOf, unfit, WayError } from './ways';

/** WebRTC by one request: the delay of a call. */

const EVENTS = 'urn:ietf:params:whep:ext:core:server-sent-events';

/** ICE and DTLS take a few round trips; who waits longer is behind a wall. */
const CONNECT_MS = 8000;

export const playWhep: Start = async (video, url, listener) => {
  if (typeof RTCPeerConnection === 'undefined') throw unfit('WebRTC');
  const connection = new RTCPeerConnection();
  const stream = new MediaStream();
  connection.ontrack = ({ track }) => stream.addTrack(track);
  for (const kind of ['audio', 'video']) connection.addTransceiver(kind, { direction: 'recvonly' });
  let session: Session | undefined;
  const stop = () => {
    session?.events?.close();
    connection.close();
    if (session) void fetch(session.url, { method: 'DELETE', keepalive: true }).catch(() => undefined);
  };
  try {
    session = await negotiate(connection, url);
    await connected(connection);
  } catch (error) {
    stop();
    throw error;
  }
  video.srcObject = stream;
  session.events = listen(session.eventsUrl, listener);
  connection.onconnectionstatechange = () => {
    if (connection.connectionState !== 'failed') return;
    stop();
    listener.onEnd({ kind: 'idle', retryS: 1 });
  };
  return { way: 'whep', latencyMs: meter(connection), stop: () => { stop(); video.srcObject = null; } };
};

interface Session {
  url: string;
  eventsUrl?: string;
  events?: EventSource;
}

async function negotiate(connection: RTCPeerConnection, url: string): Promise<Session> {
  await connection.setLocalDescription();
  const body = connection.localDescription?.sdp;
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body });
  if (answer.status !== 201) {
    const problem = (await answer.json().catch(() => ({}))) as { detail?: string };
    throw new WayError(troubleOf(answer.status, problem.detail ?? '', answer.headers.get('retry-after')));
  }
  const links = parseLinks(answer.headers.get('link'));
  const session = { url: answer.headers.get('location') ?? '', eventsUrl: links.get(EVENTS) };
  await connection.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
  return session;
}

function connected(connection: RTCPeerConnection): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(unfit('ICE')), CONNECT_MS);
    connection.onconnectionstatechange = () => {
      const state = connection.connectionState;
      if (state !== 'connected' && state !== 'failed') return;
      clearTimeout(timer);
      if (state === 'connected') resolve();
      else reject(unfit('ICE'));
    };
  });
}

function listen(url: string | undefined, listener: Listener): EventSource | undefined {
  if (!url) return undefined;
  const events = new EventSource(url);
  events.addEventListener('active', () => listener.onActive(true));
  events.addEventListener('inactive', () => listener.onActive(false));
  events.addEventListener('viewercount', ({ data }: MessageEvent<string>) => {
    listener.onViewers((JSON.parse(data) as { viewercount: number }).viewercount);
  });
  return events;
}

/** Half a round trip, and what pictures wait in the jitter buffer: all but the encoder's own delay. */
function meter(connection: RTCPeerConnection): Playing['latencyMs'] {
  let before = { delay: 0, count: 0 };
  return async () => {
    let [roundTrip, buffered]: (number | undefined)[] = [];
    for (const report of (await connection.getStats()).values() as Iterable<Record<string, unknown>>) {
      if (report.type === 'candidate-pair' && report.nominated) roundTrip = report.currentRoundTripTime as number;
      if (report.type === 'inbound-rtp' && report.kind === 'video') {
        const now = { delay: Number(report.jitterBufferDelay), count: Number(report.jitterBufferEmittedCount) };
        const frames = now.count - before.count;
        if (frames > 0) buffered = (now.delay - before.delay) / frames;
        before = now;
      }
    }
    return buffered === undefined ? undefined : (buffered + (roundTrip ?? 0) / 2) * 1000;
  };
}
