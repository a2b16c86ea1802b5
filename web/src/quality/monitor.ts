import type { Room } from 'livekit-client';
import { JoinTimer } from './joinTimer';
import type { JoinMarks } from './joinTime';
import { collectStats } from './peerConnections';
import { framesDecoded, type Sample, sampleBetween, type Snapshot, takeSnapshot } from './stats';
import { trackDirectory } from './trackDirectory';
import { type TrackRow, trackRows } from './tracks';

/** Samples one room once per second and tells whoever listens. */

export interface QualityState {
  marks: JoinMarks;
  samples: readonly Sample[];
  tracks: readonly TrackRow[];
}

const INTERVAL_MS = 1000;
/** Five minutes of history. */
const MAX_SAMPLES = 300;

export class QualityMonitor {
  private state: QualityState;
  private readonly listeners = new Set<() => void>();
  private readonly timer: JoinTimer;
  private readonly sampler: ReturnType<typeof setInterval>;
  private previous?: Snapshot;
  private busy = false;

  constructor(private readonly room: Room) {
    this.timer = new JoinTimer(room, () => this.update({ marks: { ...this.timer.marks } }));
    this.state = { marks: this.timer.marks, samples: [], tracks: [] };
    this.sampler = setInterval(() => void this.tick(), INTERVAL_MS);
  }

  readonly getState = (): QualityState => this.state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  stop(): void {
    clearInterval(this.sampler);
    this.timer.stop();
  }

  /** On a busy machine getStats() can take longer than a second: samples must not pile up. */
  private async tick(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    await this.sample().finally(() => {
      this.busy = false;
    });
  }

  private async sample(): Promise<void> {
    const reports = await collectStats(this.room);
    if (reports.length === 0) return;
    const now = takeSnapshot(reports, Date.now());
    if (framesDecoded(now) > 0) this.timer.sawDecodedFrames();
    const { previous } = this;
    this.previous = now;
    if (!previous) return;
    this.update({
      samples: [...this.state.samples, sampleBetween(previous, now)].slice(-MAX_SAMPLES),
      tracks: trackRows(previous, now, trackDirectory(this.room)),
    });
  }

  private update(part: Partial<QualityState>): void {
    this.state = { ...this.state, ...part };
    for (const listener of this.listeners) listener();
  }
}
