import { canonical } from './canonical';
import { makeKey, type SessionKey } from './key';
import { Meter } from './meter';
import { expectation, type RoomLike, statsOf } from './room';
import { snapshot } from './stats';

export interface Receipt {
  /** What was signed, canonical JSON. */
  statement: string;
  /** By this session's key, base64. */
  signature: string;
  /** The server's signed note: that it took this statement, and when. */
  countersignature: string;
  /** The server's key, as it says. */
  key: string;
}

export interface Options {
  /** The server, `wss://…` or `https://…`. */
  url: string;
  /** The room's token, or what gives the one that holds now. */
  token: string | (() => string | Promise<string>);
  /** A part of a minute that divides it: 60,000 ms, unless a test is in a hurry. */
  intervalMs?: number;
  onReceipt?(receipt: Receipt): void;
  /** Nothing of it ends the call; without a listener it is silent. */
  onError?(error: Error): void;
}

export interface Receipts {
  /** The last ones, oldest first: an hour of minutes. */
  readonly kept: readonly Receipt[];
  /** Ends it, and sends what is left. */
  stop(): Promise<void>;
}

const MINUTE_MS = 60_000;
const LOOK_MS = 1000;
const KEPT = 60;
/** LiveKit's client gives up after 15 s a time; whoever is not in by then did not get in. */
const JOIN_GIVE_UP_MS = 30_000;
/** Until the minute is closed at the server, less the way there. */
const SEND_FOR_MS = 15_000;
const RETRY_MS = 2000;

/** Begins to measure: call it before `room.connect()`, so that joining is measured. */
export function startReceipts(room: RoomLike, options: Options): Receipts {
  return new Session(room, options);
}

class Session implements Receipts {
  readonly kept: Receipt[] = [];
  private readonly meter = new Meter();
  private readonly key: Promise<SessionKey | undefined>;
  private readonly looking: ReturnType<typeof setInterval>;
  private readonly began = performance.now();
  private readonly interval: number;
  private start = Date.now();
  private seq = 0;
  private join?: { ms: number; ok: boolean; first_media_ms?: number };
  private joining: boolean;
  private firstMediaMs?: number;
  private busy = false;
  private ended = false;

  constructor(
    private readonly room: RoomLike,
    private readonly options: Options,
  ) {
    const wanted = options.intervalMs ?? MINUTE_MS;
    this.interval = MINUTE_MS % wanted === 0 ? wanted : MINUTE_MS;
    this.joining = room.state !== 'connected';
    this.key = makeKey().catch((error) => this.fail(error));
    room.on('connected', this.connected);
    room.on('disconnected', this.disconnected);
    this.looking = setInterval(() => void this.look(), LOOK_MS);
  }

  async stop(): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    clearInterval(this.looking);
    this.room.off('connected', this.connected);
    this.room.off('disconnected', this.disconnected);
    await this.close(Date.now());
  }

  private readonly connected = () => this.joined(true);

  private readonly disconnected = () => {
    this.joined(false);
    void this.stop();
  };

  private joined(ok: boolean): void {
    if (!this.joining) return;
    this.joining = false;
    this.join = { ms: Math.ceil(performance.now() - this.began), ok };
  }

  private async look(): Promise<void> {
    // On a busy machine getStats() can take longer than a second.
    if (this.busy) return;
    this.busy = true;
    try {
      if (performance.now() - this.began > JOIN_GIVE_UP_MS) this.joined(false);
      const reports = await statsOf(this.room);
      const now = Date.now();
      if (reports.length > 0) this.meter.add(snapshot(reports, now), expectation(this.room));
      if (this.meter.sawMedia) this.firstMediaMs ??= Math.ceil(performance.now() - this.began);
      if (this.boundary(now) !== this.boundary(this.start)) void this.close(now);
    } catch (error) {
      this.fail(error);
    } finally {
      this.busy = false;
    }
  }

  private boundary(at: number): number {
    return Math.floor(at / this.interval);
  }

  /** Signs what was measured until the end of the interval, and sends it. */
  private async close(now: number): Promise<void> {
    const { start } = this;
    // A page that slept for minutes can only speak of the one in which it fell asleep.
    const end = Math.min(now, (this.boundary(start) + 1) * this.interval);
    this.start = this.boundary(now) === this.boundary(start) ? now : this.boundary(now) * this.interval;
    const measured = this.meter.take();
    const { join } = this;
    if (join) {
      this.join = undefined;
      if (this.firstMediaMs !== undefined) join.first_media_ms = this.firstMediaMs;
    }
    if (end <= start || (!join && measured.audio.all + measured.video.all === 0)) return;
    const key = await this.key;
    if (!key) return;
    this.seq += 1;
    const most = end - start;
    const statement = canonical({
      format: 'surecast-receipt/1',
      alg: key.alg,
      key: key.public,
      seq: this.seq,
      start,
      end,
      join,
      ...measured,
      concealed_ppm: measured.concealed_ppm,
      audio: bounded(measured.audio, most),
      video: bounded(measured.video, most),
      delay: bounded(measured.delay, 2 * most),
    } as unknown as Parameters<typeof canonical>[0]);
    await this.send(statement, await key.sign(statement), end);
  }

  private async send(statement: string, signature: string, end: number): Promise<void> {
    const url = `${this.options.url.replace(/^ws/, 'http').replace(/\/$/, '')}/guarantee/v1/receipts`;
    const closes = (Math.floor((end - 1) / MINUTE_MS) + 1) * MINUTE_MS + SEND_FOR_MS;
    for (;;) {
      const answer = await this.post(url, statement, signature).catch((error) => error as Error);
      if (!(answer instanceof Error) && answer.ok) {
        const said = (await answer.json()) as Pick<Receipt, 'countersignature' | 'key'>;
        return this.keep({ statement, signature, ...said });
      }
      const again = answer instanceof Error || answer.status === 429 || answer.status >= 500;
      if (!again || Date.now() + RETRY_MS > closes) {
        const why = answer instanceof Error ? answer.message : `${answer.status} ${await answer.text()}`;
        this.fail(new Error(`the receipt was not taken: ${why}`));
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  private async post(url: string, statement: string, signature: string): Promise<Response> {
    const { token } = this.options;
    return fetch(url, {
      method: 'POST',
      // The last one is sent while the page goes away.
      keepalive: true,
      headers: {
        authorization: `Bearer ${typeof token === 'string' ? token : await token()}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ statement, signature }),
    });
  }

  private keep(receipt: Receipt): void {
    this.kept.push(receipt);
    if (this.kept.length > KEPT) this.kept.shift();
    this.options.onReceipt?.(receipt);
  }

  private fail(error: unknown): undefined {
    this.options.onError?.(error instanceof Error ? error : new Error(String(error)));
    return undefined;
  }
}

/** The server refuses more media than 500 streams have in the time. */
function bounded(share: { all: number; good: number }, most: number): { all: number; good: number } {
  const all = Math.min(share.all, most * 500);
  return { all, good: Math.max(0, all - (share.all - share.good)) };
}
