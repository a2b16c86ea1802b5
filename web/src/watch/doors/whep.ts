import { jitterMs, readWhep, type StatsEntry, type WhepCounters, whepDelayMs } from '../latency';
import { whyOf } from '../picker';
import { type Opening, type Player, type Reading, wordsOf } from '../player';
import { withStereo } from '../sdp';

/** WebRTC by WHEP (draft-ietf-wish-whep): one offer, one answer, no signalling after that. */

/** The server finds our address by itself; candidates that come later than this are not waited for. */
const GATHER_MS = 300;
/** The jitter buffer's mean is taken over at least so long. */
const WINDOW_MS = 1000;

export function openWhep(opening: Opening): Player {
  return new Whep(opening);
}

class Whep implements Player {
  private readonly pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  private readonly stream = new MediaStream();
  private readonly abort = new AbortController();
  private session?: string;
  private before?: WhepCounters;
  private jitter: number | null = null;

  constructor(private readonly opening: Opening) {
    this.pc.ontrack = ({ track }) => this.stream.addTrack(track);
    this.pc.onconnectionstatechange = () => this.connectionChanged();
    void this.connect().catch((cause: unknown) => this.fail({ kind: 'failed', words: wordsOf(cause) }));
  }

  async read(): Promise<Reading> {
    const atMs = performance.now();
    const now = readWhep(entries(await this.pc.getStats()), atMs);
    this.before ??= now;
    if (atMs - this.before.atMs >= WINDOW_MS) {
      this.jitter = jitterMs(this.before, now);
      this.before = now;
    }
    const { moved, bytes, lost, width, height, codec, framesDropped: dropped, rttMs } = now;
    const delayMs = whepDelayMs(this.jitter, rttMs);
    return { atMs, moved, frames: width > 0 ? moved : 0, dropped, delayMs, bytes, lost, width, height, codec, rttMs, jitterMs: this.jitter };
  }

  close(): void {
    this.abort.abort();
    this.pc.close();
    for (const track of this.stream.getTracks()) track.stop();
    this.endSession();
  }

  private async connect(): Promise<void> {
    this.pc.addTransceiver('video', { direction: 'recvonly' });
    this.pc.addTransceiver('audio', { direction: 'recvonly' });
    const offer = await this.pc.createOffer();
    await this.pc.setLocalDescription({ type: 'offer', sdp: withStereo(offer.sdp ?? '') });
    await gathered(this.pc);
    const answer = await this.post(this.pc.localDescription?.sdp ?? '');
    if (!answer || this.abort.signal.aborted) return this.endSession();
    await this.pc.setRemoteDescription({ type: 'answer', sdp: answer });
    this.opening.video.srcObject = this.stream;
    this.opening.onMedia();
  }

  private async post(sdp: string): Promise<string | undefined> {
    const url = `/whep/${encodeURIComponent(this.opening.room)}`;
    const headers = { ...this.authorization(), 'content-type': 'application/sdp' };
    // Not aborted: who is gone before the answer came still has a session to end.
    const answer = await fetch(url, { method: 'POST', headers, body: sdp });
    const text = await answer.text();
    if (!answer.ok) {
      this.fail(whyOf(answer.status, text));
      return undefined;
    }
    const location = answer.headers.get('location');
    if (location) this.session = new URL(location, answer.url).href;
    return text;
  }

  private connectionChanged(): void {
    const state = this.pc.connectionState;
    if (state === 'failed') this.fail({ kind: 'failed', words: 'ICE: the server’s UDP and TCP ports were not reached' });
    if (state === 'closed') this.fail({ kind: 'ended' });
  }

  private fail(why: Parameters<Opening['onFailed']>[0]): void {
    if (!this.abort.signal.aborted) this.opening.onFailed(why);
  }

  /** Also while the page goes away, which is what `keepalive` is for. */
  private endSession(): void {
    if (!this.session) return;
    void fetch(this.session, { method: 'DELETE', headers: this.authorization(), keepalive: true }).catch(() => undefined);
    this.session = undefined;
  }

  private authorization(): Record<string, string> {
    const { token } = this.opening;
    return token ? { authorization: `Bearer ${token}` } : {};
  }
}

function entries(report: RTCStatsReport): StatsEntry[] {
  const all: StatsEntry[] = [];
  report.forEach((entry) => all.push(entry as StatsEntry));
  return all;
}

function gathered(pc: RTCPeerConnection): Promise<void> {
  if (pc.iceGatheringState === 'complete') return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, GATHER_MS);
    pc.addEventListener('icegatheringstatechange', () => {
      if (pc.iceGatheringState !== 'complete') return;
      clearTimeout(timer);
      resolve();
    });
  });
}
