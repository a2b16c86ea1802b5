import { type Encoder, type Stream, trackOf } from './stream';

/** The last minutes of an incoming stream, one sample a second. Pure. */

export interface HealthSample {
  atMs: number;
  videoKbps: number | null;
  audioKbps: number | null;
  fps: number | null;
  groupS: number | null;
  driftMs: number | null;
  /** Frames of all tracks so far: they stand still when nothing arrives. */
  frames: number;
  viewers: number;
}

/** Five minutes, as in the quality panel. */
const MAX_SAMPLES = 300;

export function sampleOf(stream: Stream, atMs: number): HealthSample {
  const encoder = stream.encoders[0];
  const video = trackOf(encoder, 'video');
  const audio = trackOf(encoder, 'audio');
  return {
    atMs,
    videoKbps: video?.kbps ?? null,
    audioKbps: audio?.kbps ?? null,
    fps: video?.fps ?? null,
    groupS: video?.groupS ?? null,
    driftMs: (video ?? audio)?.driftMs ?? null,
    frames: encoder?.tracks.reduce((sum, track) => sum + track.frames, 0) ?? 0,
    viewers: stream.viewers,
  };
}

export interface History {
  encoder?: Encoder;
  samples: readonly HealthSample[];
}

export const NO_HISTORY: History = { samples: [] };

/** Another encoder, or the same one again, begins a history of its own. */
export function append(history: History, stream: Stream, atMs: number): History {
  const encoder = stream.encoders[0];
  if (!encoder) return history.encoder ? { samples: history.samples } : history;
  const before = history.encoder;
  const goesOn = before?.identity === encoder.identity && before.from === encoder.from && before.seconds <= encoder.seconds;
  const samples = goesOn ? history.samples : [];
  return { encoder, samples: [...samples, sampleOf(stream, atMs)].slice(-MAX_SAMPLES) };
}
