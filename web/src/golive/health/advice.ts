import type { History, HealthSample } from './history';
import { trackOf } from './stream';

/** What could be better about an incoming stream, as facts that the page puts into words. Pure. */

export type Advice =
  | { about: 'silent'; seconds: number }
  | { about: 'notInRoom'; kind: 'video' | 'audio'; words: string }
  | { about: 'keyframes'; seconds: number }
  | { about: 'fps'; now: number; usual: number }
  | { about: 'bitrate'; low: number; usual: number }
  | { about: 'behind'; ms: number }
  | { about: 'ahead'; ms: number }
  | { about: 'noAudio' }
  | { about: 'noVideo' };

/** Longer groups make viewers wait for their first picture, and segments long. */
export const MAX_GROUP_S = 4;
/** An encoder announces its tracks one after the other. */
const SETTLED_S = 4;
/** Rates are means of five seconds: what lasted so long is no hiccup. */
const RECENT = 5;
/** Below this there is no "usual". */
const ENOUGH = 20;
const STEADY_WINDOW = 60;
/** A clock of a cheap sound card is off by 100 ppm: 0.4 s an hour. More than this is a backlog. */
const DRIFT_MS = 1500;

export function adviseOn({ encoder, samples }: History): Advice[] {
  if (!encoder) return [];
  const found: (Advice | undefined)[] = [
    silent(samples),
    ...encoder.tracks.map(({ kind, notInRoom }): Advice | undefined =>
      notInRoom ? { about: 'notInRoom', kind, words: notInRoom } : undefined,
    ),
    keyframes(encoder.seconds, samples),
    fps(samples),
    bitrate(samples),
    drift(samples),
  ];
  if (encoder.seconds >= SETTLED_S) {
    if (!trackOf(encoder, 'audio')) found.push({ about: 'noAudio' });
    if (!trackOf(encoder, 'video')) found.push({ about: 'noVideo' });
  }
  return found.filter((advice) => advice !== undefined);
}

/** Connected, but no frame came for three seconds or more. */
function silent(samples: readonly HealthSample[]): Advice | undefined {
  const last = samples.at(-1);
  const since = samples.find((sample) => sample.frames === last?.frames);
  const seconds = last && since ? (last.atMs - since.atMs) / 1000 : 0;
  return seconds >= 3 ? { about: 'silent', seconds: Math.round(seconds) } : undefined;
}

function keyframes(encoderS: number, samples: readonly HealthSample[]): Advice | undefined {
  const last = samples.at(-1);
  if (!last || last.fps === null) return undefined;
  if (last.groupS !== null) return last.groupS > MAX_GROUP_S ? { about: 'keyframes', seconds: last.groupS } : undefined;
  // There was no second keyframe yet.
  return encoderS > 2 * MAX_GROUP_S ? { about: 'keyframes', seconds: encoderS } : undefined;
}

function fps(samples: readonly HealthSample[]): Advice | undefined {
  const values = known(samples, (sample) => sample.fps);
  const recent = values.slice(-RECENT);
  const usual = median(values);
  if (values.length < ENOUGH || recent.length < RECENT || usual === 0) return undefined;
  const now = Math.max(...recent);
  return now < 0.8 * usual ? { about: 'fps', now, usual } : undefined;
}

/** Deep dips are what makes players run dry; a picture that needs more for a while does no harm. */
function bitrate(samples: readonly HealthSample[]): Advice | undefined {
  const values = known(samples, (sample) => sample.videoKbps).slice(-STEADY_WINDOW);
  if (values.length < ENOUGH) return undefined;
  // The first seconds are a mean of too little.
  const sorted = values.slice(RECENT).sort((a, b) => a - b);
  const low = sorted[Math.floor(sorted.length / 10)] ?? 0;
  const usual = median(sorted);
  return low < 0.5 * usual ? { about: 'bitrate', low, usual } : undefined;
}

function drift(samples: readonly HealthSample[]): Advice | undefined {
  const ms = samples.at(-1)?.driftMs ?? 0;
  if (ms <= -DRIFT_MS) return { about: 'behind', ms: -ms };
  return ms >= DRIFT_MS ? { about: 'ahead', ms } : undefined;
}

function known(samples: readonly HealthSample[], read: (sample: HealthSample) => number | null): number[] {
  return samples.map(read).filter((value) => value !== null);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
