import type Hls from 'hls.js';
import type { ErrorData, HlsConfig } from 'hls.js';
import { bufferMs } from '../latency';
import { whyOf } from '../picker';
import { bufferedEnds, doorUrl, emptyElement, type Opening, type Player, readElement, type Reading, wordsOf } from '../player';

/** LL-HLS by hls.js, or by the browser itself where that is Safari on a phone. */

const NATIVE = 'application/vnd.apple.mpegurl';

/** Nobody seeks far back on this page. */
const BACK_BUFFER_S = 30;

const CONFIG: Partial<HlsConfig> = {
  lowLatencyMode: true,
  backBufferLength: BACK_BUFFER_S,
  // Catches up with the live edge by playing a little faster instead of jumping.
  maxLiveSyncPlaybackRate: 1.1,
};

export function openHls(opening: Opening): Player {
  return new HlsPlayer(opening);
}

class HlsPlayer implements Player {
  private hls?: Hls;
  private closed = false;
  private bytes = 0;
  private recovered = false;
  private readonly url: string;

  constructor(private readonly opening: Opening) {
    const { room, token, video } = opening;
    this.url = doorUrl(`/hls/${encodeURIComponent(room)}/index.m3u8`, token);
    video.addEventListener('ended', this.onEnded);
    void this.load().catch((cause: unknown) => this.fail({ kind: 'failed', words: wordsOf(cause) }));
  }

  async read(): Promise<Reading> {
    const { video } = this.opening;
    const buffer = bufferMs(bufferedEnds(video), video.currentTime);
    const level = this.hls?.levels[this.hls.currentLevel];
    // Zero until the first playlist was read.
    const latency = this.hls?.latency ? this.hls.latency * 1000 : null;
    return {
      ...readElement(video),
      delayMs: latency ?? buffer,
      bytes: this.hls ? this.bytes : undefined,
      bufferMs: buffer,
      // Sound may be a playlist of its own; this names both.
      codec: level?.attrs.CODECS,
    };
  }

  toLive(): void {
    const live = this.hls?.liveSyncPosition;
    if (live) this.opening.video.currentTime = live;
  }

  close(): void {
    this.closed = true;
    this.opening.video.removeEventListener('ended', this.onEnded);
    this.hls?.destroy();
    emptyElement(this.opening.video);
  }

  private async load(): Promise<void> {
    const { default: Hls } = await import('hls.js');
    if (this.closed) return;
    if (!Hls.isSupported()) return this.loadNative();
    const hls = new Hls(CONFIG);
    this.hls = hls;
    hls.on(Hls.Events.MEDIA_ATTACHED, () => this.opening.onMedia());
    hls.on(Hls.Events.FRAG_LOADED, (_, { frag, part }) => {
      this.bytes += (part ?? frag).stats.loaded;
    });
    hls.on(Hls.Events.ERROR, (_, data) => this.onError(data));
    hls.loadSource(this.url);
    hls.attachMedia(this.opening.video);
  }

  /** The element does not say why it failed: the playlist is asked for first. */
  private async loadNative(): Promise<void> {
    const { video } = this.opening;
    if (!video.canPlayType(NATIVE)) return this.fail({ kind: 'unsupported' });
    const answer = await fetch(this.url);
    if (!answer.ok) return this.fail(whyOf(answer.status, await answer.text()));
    if (this.closed) return;
    video.src = this.url;
    video.onerror = () => this.fail({ kind: 'failed', words: video.error?.message ?? '' });
    this.opening.onMedia();
  }

  private onError({ fatal, type, details, response, networkDetails, error }: ErrorData): void {
    if (!fatal) return;
    // As hls.js advises: a decoder that stumbled once is given a second chance.
    if (type === 'mediaError' && !this.recovered) {
      this.recovered = true;
      return this.hls?.recoverMediaError();
    }
    const code = response?.code ?? 0;
    if (code >= 400) return this.fail(whyOf(code, responseText(networkDetails)));
    this.fail({ kind: 'failed', words: `${details}: ${error.message}` });
  }

  private readonly onEnded = () => this.fail({ kind: 'ended' });

  private fail(why: Parameters<Opening['onFailed']>[0]): void {
    if (!this.closed) this.opening.onFailed(why);
  }
}

/** The body of a refusal; an XMLHttpRequest for anything but text throws here. */
function responseText(request: unknown): string {
  try {
    return request instanceof XMLHttpRequest ? request.responseText : '';
  } catch {
    return '';
  }
}
