import { type RefObject, useEffect, useState } from 'react';
import { playFlv } from './flv';
import { playHls } from './hls';
import { address, type Playing, type Start, type Trouble, type Way, WayError } from './ways';
import { playWhep } from './whep';

/** Plays a room's broadcast by the first of several ways that works. */

const STARTS: Record<Way, Start> = { whep: playWhep, hls: playHls, flv: playFlv };

const LATENCY_EVERY_MS = 1000;

export type Playback =
  | { state: 'trying'; way: Way }
  | { state: 'playing'; way: Way; active: boolean; viewers?: number; latencyMs?: number }
  | { state: 'idle' }
  | { state: 'denied'; detail: string }
  | { state: 'failed'; tried: { way: Way; detail: string }[] };

export function usePlayback(
  video: RefObject<HTMLVideoElement | null>,
  room: string,
  token: string | undefined,
  ways: readonly Way[],
  attempt: number,
): Playback {
  const [playback, setPlayback] = useState<Playback>({ state: 'idle' });
  useEffect(() => {
    const element = video.current;
    if (!element) return undefined;
    const run = new Run(element, room, token, ways, setPlayback);
    void run.start();
    return () => run.stop();
  }, [video, room, token, ways, attempt]);
  return playback;
}

class Run {
  #stopped = false;
  #playing: Playing | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly video: HTMLVideoElement,
    readonly room: string,
    readonly token: string | undefined,
    readonly ways: readonly Way[],
    readonly tell: (playback: Playback | ((before: Playback) => Playback)) => void,
  ) {}

  async start(): Promise<void> {
    const tried: { way: Way; detail: string }[] = [];
    for (const way of this.ways) {
      this.#say({ state: 'trying', way });
      const trouble = await this.#try(way);
      if (this.#stopped || !trouble) return;
      if (trouble.kind !== 'unfit') return this.#give(trouble);
      tried.push({ way, detail: trouble.detail });
    }
    this.#say({ state: 'failed', tried });
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#playing?.stop();
  }

  async #try(way: Way): Promise<Trouble | undefined> {
    try {
      const playing = await STARTS[way](this.video, address(way, this.room, this.token), {
        onActive: (active) => this.#change({ active }),
        onViewers: (viewers) => this.#change({ viewers }),
        onEnd: (trouble) => this.#end(way, trouble),
      });
      if (this.#stopped) {
        playing.stop();
        return undefined;
      }
      this.#playing = playing;
      this.#say({ state: 'playing', way, active: true });
      void this.video.play().catch(() => undefined);
      this.#measure(playing);
      return undefined;
    } catch (error) {
      return error instanceof WayError ? error.trouble : { kind: 'unfit', detail: String(error) };
    }
  }

  #measure(playing: Playing): void {
    this.#timer = setTimeout(async () => {
      const latencyMs = await playing.latencyMs().catch(() => undefined);
      if (this.#stopped || this.#playing !== playing) return;
      this.#change({ latencyMs });
      this.#measure(playing);
    }, LATENCY_EVERY_MS);
  }

  /** Before it played, its start has failed and says so by itself. */
  #end(way: Way, trouble: Trouble): void {
    const playing = this.#playing;
    if (this.#stopped || playing?.way !== way) return;
    this.#playing = undefined;
    playing.stop();
    this.#give(trouble);
  }

  #give(trouble: Trouble): void {
    clearTimeout(this.#timer);
    if (trouble.kind === 'denied') return this.#say({ state: 'denied', detail: trouble.detail });
    this.#say({ state: 'idle' });
    const seconds = trouble.kind === 'idle' ? trouble.retryS : 3;
    this.#timer = setTimeout(() => void this.start(), seconds * 1000);
  }

  #change(news: Partial<Extract<Playback, { state: 'playing' }>>): void {
    if (!this.#stopped) this.tell((before) => (before.state === 'playing' ? { ...before, ...news } : before));
  }

  #say(playback: Playback): void {
    if (!this.#stopped) this.tell(playback);
  }
}
