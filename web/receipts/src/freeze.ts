/**
 * The freezes of webrtc-stats, where a browser does not count them: a frame is a freeze
 * when it comes max(3 · usual, usual + 150 ms) after the one before, or later.
 */
const MARGIN_MS = 150;
/** As the specification averages: over the last 30 frames. */
const FRAMES = 30;

export class FreezeRule {
  freezes = 0;
  freezeMs = 0;
  private last?: number;
  private usual?: number;

  /** `frames` were shown between the last call and `at`. */
  shown(frames: number, at: number): void {
    if (frames <= 0) return;
    const since = this.last === undefined ? undefined : at - this.last;
    this.last = at;
    if (since === undefined) return;
    const each = since / frames;
    const { usual } = this;
    if (usual !== undefined && each >= Math.max(3 * usual, usual + MARGIN_MS)) {
      this.freezes += 1;
      this.freezeMs += since;
      return;
    }
    const weight = Math.min(frames, FRAMES) / FRAMES;
    this.usual = usual === undefined ? each : usual + (each - usual) * weight;
  }

  /** A stream that pauses on purpose begins anew. */
  reset(): void {
    this.last = undefined;
  }
}
