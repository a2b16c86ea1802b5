import { type Playing, type Start, troubleOf, unfit, WayError } from './ways';

/** Low-latency HLS: plays through any network that loads web pages. */

/** A first part comes within a second or two; a server that has none by then does not answer. */
const START_MS = 10_000;

export const playHls: Start = async (video, url, listener) => {
  await there(url);
  const { default: Hls } = await import('hls.js');
  if (!Hls.isSupported()) return playNative(video, url);
  const hls = new Hls({ lowLatencyMode: true, liveSyncDurationCount: 1, backBufferLength: 30 });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(unfit('timeout')), START_MS);
    hls.on(Hls.Events.FRAG_BUFFERED, () => { clearTimeout(timer); resolve(); });
    hls.on(Hls.Events.ERROR, (_, error) => {
      if (!error.fatal) return;
      clearTimeout(timer);
      reject(unfit(error.details));
      listener.onEnd({ kind: 'idle', retryS: 2 });
    });
    hls.loadSource(url);
    hls.attachMedia(video);
  }).catch((error: unknown) => {
    hls.destroy();
    throw error;
  });
  const latencyMs = () => Promise.resolve(hls.latency > 0 ? hls.latency * 1000 : undefined);
  return { way: 'hls', latencyMs, stop: () => hls.destroy() };
};

/** Is anything live there? */
export async function there(url: string): Promise<void> {
  const stop = new AbortController();
  const answer = await fetch(url, { signal: stop.signal });
  const detail = answer.ok ? '' : await answer.text().catch(() => '');
  // Of a stream that does not end the head is enough.
  stop.abort();
  if (!answer.ok) throw new WayError(troubleOf(answer.status, detail.slice(0, 200), answer.headers.get('retry-after')));
}

/** Safari on phones plays HLS by itself and lets nobody else. */
function playNative(video: HTMLVideoElement, url: string): Playing {
  if (!video.canPlayType('application/vnd.apple.mpegurl')) throw unfit('MediaSource');
  video.src = url;
  const latencyMs = () => {
    const start = (video as HTMLVideoElement & { getStartDate?(): Date }).getStartDate?.().getTime();
    return Promise.resolve(start ? Date.now() - start - video.currentTime * 1000 : undefined);
  };
  return { way: 'hls', latencyMs, stop: () => { video.removeAttribute('src'); video.load(); } };
}
