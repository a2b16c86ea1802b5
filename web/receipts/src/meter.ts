import { FreezeRule } from './freeze';
import type { Incoming, Snapshot } from './stats';

/** From statistics to what a minute was: milliseconds of media, and how many of them were good. */

/** The levels of the contracts. */
export const AUDIO_FREEZE_MS = 200;
export const VIDEO_FREEZE_MS = 600;
export const DELAY_MS = 400;

/** Opus, and so the counters of samples, run at 48 kHz. */
const SAMPLES_PER_MS = 48;
/** A page that slept for longer did not look; it cannot say anything of that time. */
const LONGEST_LOOK_MS = 5000;

export interface Share {
  all: number;
  good: number;
}

export interface Measured {
  audio: Share;
  video: Share;
  delay: Share;
  concealed_ppm?: number;
  freezes?: number;
  rtt_ms?: number;
}

/** What the application knows of a track: `off` media is not expected to flow. */
export type Expected = (track: string) => 'on' | 'off';

interface Sum {
  all: number;
  bad: number;
}

/** A stream that goes on from one look to the next. */
interface Memory {
  rule: FreezeRule;
  /** Counted as frozen since it stands still. */
  stalledMs: number;
  started: boolean;
}

const nothing = () => ({
  audio: { all: 0, bad: 0 },
  video: { all: 0, bad: 0 },
  delay: { all: 0, bad: 0 },
  concealed: 0,
  samples: 0,
  freezes: 0,
  rtt: [] as number[],
});

export class Meter {
  private previous?: Snapshot;
  private readonly memory = new Map<string, Memory>();
  private sums = nothing();
  /** Something was played or shown. */
  sawMedia = false;

  add(now: Snapshot, expected: Expected): void {
    const before = this.previous;
    this.previous = now;
    if (now.rttMs !== undefined) this.sums.rtt.push(now.rttMs);
    for (const id of this.memory.keys()) if (!now.streams.has(id)) this.memory.delete(id);
    const time = before ? now.at - before.at : 0;
    for (const stream of now.streams.values()) {
      const memory = this.remember(stream);
      const last = before?.streams.get(stream.id);
      if (!last || time <= 0 || time > LONGEST_LOOK_MS) continue;
      if (expected(stream.track) === 'off') {
        memory.stalledMs = 0;
        memory.rule.reset();
        continue;
      }
      this.count(stream, last, time, now, memory);
    }
  }

  /** What was measured since the last call. */
  take(): Measured {
    const { sums } = this;
    this.sums = nothing();
    const measured: Measured = { audio: share(sums.audio), video: share(sums.video), delay: share(sums.delay) };
    if (sums.samples > 0) measured.concealed_ppm = clamp(Math.ceil((sums.concealed * 1e6) / sums.samples), 1e6);
    if (measured.video.all > 0) measured.freezes = sums.freezes;
    if (sums.rtt.length > 0) measured.rtt_ms = Math.round(sums.rtt.reduce((a, b) => a + b) / sums.rtt.length);
    return measured;
  }

  private remember(stream: Incoming): Memory {
    const known = this.memory.get(stream.id);
    if (known) return known;
    const fresh = { rule: new FreezeRule(), stalledMs: 0, started: false };
    this.memory.set(stream.id, fresh);
    return fresh;
  }

  private count(stream: Incoming, last: Incoming, time: number, now: Snapshot, memory: Memory): void {
    const moved = stream.kind === 'audio' ? stream.packets - last.packets : stream.frames - last.frames;
    if (stream.kind === 'video') memory.rule.shown(moved, now.at);
    memory.started ||= moved > 0;
    // What its publisher has not begun to send is not expected yet.
    if (!memory.started) return;
    if (moved > 0) this.sawMedia = true;
    const sum = this.sums[stream.kind];
    sum.all += time;
    sum.bad += stream.kind === 'audio' ? this.silent(stream, last, time, moved, memory) : this.frozen(stream, last, time, moved, memory);
    this.late(stream, last, time, now);
  }

  /** Milliseconds without audio that were noticed. */
  private silent(stream: Incoming, last: Incoming, time: number, moved: number, memory: Memory): number {
    const concealed = Math.max(0, stream.concealed - last.concealed);
    this.sums.concealed += concealed;
    this.sums.samples += Math.max(0, stream.samples - last.samples);
    if (moved <= 0) {
      memory.stalledMs += time;
      return time;
    }
    const already = memory.stalledMs;
    memory.stalledMs = 0;
    const ms = concealed / SAMPLES_PER_MS;
    return ms >= AUDIO_FREEZE_MS ? Math.min(Math.max(0, ms - already), time) : 0;
  }

  /** Milliseconds in which the picture stood still. */
  private frozen(stream: Incoming, last: Incoming, time: number, moved: number, memory: Memory): number {
    const times = counted(stream.freezes, last.freezes) ?? takeRule(memory.rule).freezes;
    const ms = counted(stream.freezeMs, last.freezeMs) ?? takeRule(memory.rule).freezeMs;
    clearRule(memory.rule);
    this.sums.freezes += times;
    if (moved <= 0) {
      memory.stalledMs += time;
      return memory.stalledMs >= VIDEO_FREEZE_MS ? time : 0;
    }
    const already = memory.stalledMs >= VIDEO_FREEZE_MS ? memory.stalledMs : 0;
    memory.stalledMs = 0;
    return times > 0 && ms >= VIDEO_FREEZE_MS * times ? Math.max(0, ms - already) : 0;
  }

  /** From the server to the ear or eye: half the round trip, and the time in the buffer. */
  private late(stream: Incoming, last: Incoming, time: number, now: Snapshot): void {
    const emitted = stream.emitted - last.emitted;
    if (emitted <= 0) return;
    const delay = (stream.bufferMs - last.bufferMs) / emitted + (now.rttMs ?? 0) / 2;
    this.sums.delay.all += time;
    if (delay > DELAY_MS) this.sums.delay.bad += time;
  }
}

function counted(now: number | undefined, before: number | undefined): number | undefined {
  return now === undefined || before === undefined ? undefined : Math.max(0, now - before);
}

function takeRule(rule: FreezeRule): { freezes: number; freezeMs: number } {
  return { freezes: rule.freezes, freezeMs: rule.freezeMs };
}

function clearRule(rule: FreezeRule): void {
  rule.freezes = 0;
  rule.freezeMs = 0;
}

/** Good is rounded down. A freeze that began in the minute before can be longer than this one. */
function share({ all, bad }: Sum): Share {
  const whole = Math.round(all);
  return { all: whole, good: clamp(Math.floor(whole - bad), whole) };
}

function clamp(value: number, most: number): number {
  return Math.min(Math.max(value, 0), most);
}
