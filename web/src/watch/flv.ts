import { there } from './hls';
import { type Start, unfit } from './ways';

/** HTTP-FLV: one request that does not end. */

const START_MS = 10_000;

export const playFlv: Start = async (video, url, listener) => {
  await there(url);
  const { default: mpegts } = await import('mpegts.js');
  if (!mpegts.getFeatureList().mseLivePlayback) throw unfit('MediaSource');
  const source = { type: 'flv', isLive: true, url: new URL(url, window.location.href).href };
  const player = mpegts.createPlayer(source, { liveSync: true, liveSyncTargetLatency: 0.6, liveSyncMaxLatency: 1.5 });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(unfit('timeout')), START_MS);
    video.addEventListener('loadeddata', () => { clearTimeout(timer); resolve(); }, { once: true });
    player.on(mpegts.Events.ERROR, (kind: string, detail: string) => {
      clearTimeout(timer);
      reject(unfit(`${kind}: ${detail}`));
      listener.onEnd({ kind: 'idle', retryS: 2 });
    });
    player.on(mpegts.Events.LOADING_COMPLETE, () => listener.onEnd({ kind: 'idle', retryS: 2 }));
    player.attachMediaElement(video);
    player.load();
  }).catch((error: unknown) => {
    player.destroy();
    throw error;
  });
  // What has arrived and is not shown yet; the network's share is not known.
  const latencyMs = () => {
    const { buffered } = video;
    const ahead = buffered.length > 0 ? buffered.end(buffered.length - 1) - video.currentTime : undefined;
    return Promise.resolve(ahead === undefined ? undefined : ahead * 1000);
  };
  return { way: 'flv', latencyMs, stop: () => player.destroy() };
};
