import { openFlv } from './doors/flv';
import { openHls } from './doors/hls';
import { openWhep } from './doors/whep';
import { ratePerS } from './latency';
import { begin, type Door, type Event, isOpen, type State, step } from './picker';
import type { OpenDoor, Player, Reading } from './player';

/** Plays one room in one element: carries out what the picker decides, and tells it what happens. */

export interface View {
  picker: State;
  /** Of the player that is open. */
  reading?: Reading;
  fps: number | null;
  kbps: number | null;
  /** From the moment its door was tried to its first picture. */
  firstFrameMs: number | null;
  muted: boolean;
  paused: boolean;
}

const OPEN: Record<Door, OpenDoor> = { whep: openWhep, hls: openHls, flv: openFlv };

const TICK_MS = 250;
/** Rates are means of so long: HLS comes in segments. */
const WINDOW_MS = 5000;

export class Playback {
  private view: View;
  private player?: Player;
  private readings: Reading[] = [];
  private openedMs = 0;
  /** The browser plays only after a touch, even without sound. */
  private blocked = false;
  private busy = false;
  private readonly listeners = new Set<() => void>();
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly room: string,
    private readonly token: string | undefined,
    choice: State['choice'],
  ) {
    const muted = !navigator.userActivation?.hasBeenActive;
    const picker = begin(choice, performance.now());
    this.view = { picker, fps: null, kbps: null, firstFrameMs: null, muted, paused: false };
    video.muted = muted;
    this.open(picker);
    this.timer = setInterval(() => void this.tick(), TICK_MS);
  }

  readonly getView = (): View => this.view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly handle = (event: Event): void => {
    const before = this.view.picker;
    const picker = step(before, event, performance.now());
    if (picker === before) return;
    this.update({ picker });
    const another = picker.opened !== before.opened;
    if (another || !isOpen(picker)) this.shut();
    if (another && isOpen(picker)) this.open(picker);
  };

  mute(muted: boolean): void {
    this.video.muted = muted;
    if (!muted && this.video.volume === 0) this.video.volume = 1;
    this.update({ muted });
    if (!muted) this.play();
  }

  pause(paused: boolean): void {
    this.update({ paused });
    if (paused) return this.video.pause();
    this.blocked = false;
    this.player?.toLive?.();
    this.play();
  }

  stop(): void {
    clearInterval(this.timer);
    this.listeners.clear();
    this.shut();
  }

  private open({ door, opened }: State): void {
    const current = () => this.view.picker.opened === opened;
    this.openedMs = performance.now();
    this.player = OPEN[door]({
      video: this.video,
      room: this.room,
      token: this.token,
      onMedia: () => current() && this.play(),
      // Not from within the constructor of the player that it is about.
      onFailed: (why) => queueMicrotask(() => current() && this.handle({ type: 'failed', why })),
    });
  }

  private shut(): void {
    this.player?.close();
    this.player = undefined;
    this.readings = [];
    this.video.srcObject = null;
    this.update({ reading: undefined, fps: null, kbps: null, firstFrameMs: null });
  }

  private play(): void {
    if (this.view.paused) return;
    this.video.play().then(
      () => {
        this.blocked = false;
      },
      (cause: unknown) => this.playRefused(cause),
    );
  }

  /** Sound needs a touch first; some phones let nothing play without one. */
  private playRefused(cause: unknown): void {
    if (!(cause instanceof DOMException) || cause.name !== 'NotAllowedError') return;
    if (this.video.muted) {
      this.blocked = true;
      return this.update({ paused: true });
    }
    this.video.muted = true;
    this.update({ muted: true });
    this.play();
  }

  private async tick(): Promise<void> {
    const { player } = this;
    if (!player || !isOpen(this.view.picker)) return this.handle({ type: 'tick' });
    if (this.busy) return;
    this.busy = true;
    const reading = await player.read().catch(() => undefined);
    this.busy = false;
    if (player !== this.player) return;
    this.handle({ type: this.seen(reading) ? 'progress' : this.isIdle() ? 'idle' : 'tick' });
  }

  private isIdle(): boolean {
    return this.blocked || this.view.paused || document.hidden;
  }

  /** Keeps the reading; whether something moved. */
  private seen(reading: Reading | undefined): boolean {
    if (!reading) return false;
    const last = this.readings.at(-1);
    const moves = reading.moved > (last?.moved ?? 0);
    this.readings = [...this.readings.filter(({ atMs }) => reading.atMs - atMs <= WINDOW_MS), reading];
    const [first = reading] = this.readings;
    const elapsed = reading.atMs - first.atMs;
    const bytes = ratePerS(first.bytes ?? 0, reading.bytes ?? 0, elapsed);
    this.update({
      reading,
      fps: ratePerS(first.frames, reading.frames, elapsed),
      kbps: reading.kbps ?? (bytes === null || reading.bytes === undefined ? null : (bytes * 8) / 1000),
      firstFrameMs: this.view.firstFrameMs ?? (moves ? reading.atMs - this.openedMs : null),
    });
    return moves;
  }

  private update(part: Partial<View>): void {
    this.view = { ...this.view, ...part };
    for (const listener of this.listeners) listener();
  }
}
