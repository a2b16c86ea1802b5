import type Mpegts from 'mpegts.js';
import { bufferMs } from '../latency';
import { whyOf } from '../picker';
import { bufferedEnds, doorUrl, emptyElement, type Opening, type Player, readElement, type Reading, wordsOf } from '../player';

/** HTTP-FLV by mpegts.js: one response that goes on for as long as the stream. */

const CONFIG: Mpegts.Config = {
  // What arrives is shown: a stash would hold it back.
  enableStashBuffer: false,
  lazyLoad: false,
  deferLoadAfterSourceOpen: false,
  // A player begins with what came since the last keyframe: what of it is long past is jumped
  // over, the rest is caught up with by playing a little faster.
  liveBufferLatencyChasing: true,
  liveBufferLatencyMaxLatency: 1.5,
  liveBufferLatencyMinRemain: 0.5,
  liveSync: true,
  liveSyncMaxLatency: 0.8,
  liveSyncTargetLatency: 0.4,
  autoCleanupSourceBuffer: true,
  autoCleanupMaxBackwardDuration: 60,
  autoCleanupMinBackwardDuration: 30,
  referrerPolicy: 'no-referrer',
};

export function openFlv(opening: Opening): Player {
  return new FlvPlayer(opening);
}

class FlvPlayer implements Player {
  private player?: Mpegts.Player;
  private closed = false;

  constructor(private readonly opening: Opening) {
    void this.load().catch((cause: unknown) => this.fail({ kind: 'failed', words: wordsOf(cause) }));
  }

  async read(): Promise<Reading> {
    const { video } = this.opening;
    const buffer = bufferMs(bufferedEnds(video), video.currentTime);
    const { videoCodec, audioCodec } = (this.player?.mediaInfo ?? {}) as Mpegts.MSEPlayerMediaInfo;
    const { speed } = (this.player?.statisticsInfo ?? {}) as Mpegts.MSEPlayerStatisticsInfo;
    return {
      ...readElement(video),
      delayMs: buffer,
      bufferMs: buffer,
      kbps: speed === undefined ? undefined : speed * 8.192,
      codec: [videoCodec, audioCodec].filter(Boolean).join(', ') || undefined,
    };
  }

  toLive(): void {
    const { video } = this.opening;
    const end = bufferedEnds(video).at(-1);
    if (end !== undefined) video.currentTime = Math.max(video.currentTime, end - 0.5);
  }

  close(): void {
    this.closed = true;
    this.player?.destroy();
    emptyElement(this.opening.video);
  }

  private async load(): Promise<void> {
    const { default: mpegts } = await import('mpegts.js');
    if (this.closed) return;
    if (!mpegts.getFeatureList().mseLivePlayback) return this.fail({ kind: 'unsupported' });
    mpegts.LoggingControl.applyConfig({ enableAll: false });
    const { room, token, video, onMedia } = this.opening;
    const path = doorUrl(`/flv/${encodeURIComponent(room)}.flv`, token);
    // Its loader runs where a relative address means nothing.
    const url = new URL(path, window.location.origin).href;
    const player = mpegts.createPlayer({ type: 'flv', isLive: true, url }, CONFIG);
    this.player = player;
    player.on(mpegts.Events.ERROR, (type: string, detail: string, info: Mpegts.LoaderErrorMessage) => {
      if (detail === 'HttpStatusCodeInvalid') return this.fail(whyOf(info.code, ''));
      this.fail({ kind: 'failed', words: [type, detail, info?.msg].filter(Boolean).join(': ') });
    });
    player.on(mpegts.Events.LOADING_COMPLETE, () => this.fail({ kind: 'ended' }));
    player.attachMediaElement(video);
    player.load();
    onMedia();
  }

  private fail(why: Parameters<Opening['onFailed']>[0]): void {
    if (!this.closed) this.opening.onFailed(why);
  }
}
