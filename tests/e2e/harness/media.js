// Assertions about what is seen and heard.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { mediaFile } from './paths.js';
import { until } from './wait.js';

/** Loudness of the fake microphone's file, one value per 20 ms, repeating. */
export const spoken = JSON.parse(readFileSync(mediaFile('person.json'), 'utf8')).rms;

/** Frames of the fake camera's loop: 12 s at 30 a second. */
const LOOP_FRAMES = 360;
export const LOOP_MS = 12_000;

/**
 * `visitor` sees the camera of `identity`: decoded frames advance, the pictures
 * differ, and the frame counter drawn into the picture runs forward.
 */
export async function sees(visitor, identity, { frames = 30, withinMs = 15_000, source = 'camera' } = {}) {
  const before = await visitor.evaluate(([id, source]) => client.seen(id, source), [identity, source]);
  const [framesBefore, picturesBefore] = [before?.frames ?? 0, before?.pictures ?? 0];
  const view = await visitor.until(
    `${frames} more frames of ${identity}`,
    async ([identity, source, frames]) => {
      const view = client.seen(identity, source);
      return view && view.frames >= frames ? { ...view } : null;
    },
    [identity, source, framesBefore + frames],
    withinMs,
  );
  const pictures = view.pictures - picturesBefore;
  assert.ok(pictures > frames / 2, `only ${pictures} of ${frames} frames differ from the one before`);
  return view;
}

/** The counters read from the fake camera's picture run forward, hardly any unreadable. */
export function countersAdvance(view) {
  const { counters, frames } = view;
  assert.ok(counters.length > frames * 0.8, `the counter was readable in ${counters.length} of ${frames} frames`);
  let forward = 0;
  for (let i = 1; i < counters.length; i += 1) {
    const step = (counters[i] - counters[i - 1] + LOOP_FRAMES) % LOOP_FRAMES;
    if (step > 0 && step < LOOP_FRAMES / 2) forward += 1;
  }
  assert.ok(forward > counters.length * 0.7, `the counter ran forward ${forward} of ${counters.length} times`);
}

/** The browser's own statistics count decoded video frames upward. */
export async function decodes(visitor, identity) {
  const decoded = () =>
    visitor.evaluate(async (identity) => {
      const reports = await client.inbound();
      return reports.find((r) => r.identity === identity && r.kind === 'video')?.framesDecoded ?? 0;
    }, identity);
  const first = await decoded();
  await until(`${visitor.name} to decode more frames of ${identity}`, async () => (await decoded()) > first + 10);
}

/**
 * `visitor` hears the speech of `identity`: what it hears is loud where the file
 * speaks and quiet where it pauses.
 */
export async function hearsSpeech(visitor, identity, { withinMs = 25_000 } = {}) {
  let best;
  try {
    return await until(
      `${visitor.name} to hear the speech of ${identity}`,
      async () => {
        const heard = await visitor.evaluate((identity) => client.heard(identity), identity);
        best = heard && matchSpeech(heard);
        return best && best.correlation > 0.75 && best.quiet < 0.1 * best.loud && best;
      },
      withinMs,
    );
  } catch (error) {
    throw new Error(`${error.message} (best match: ${JSON.stringify(best)})`);
  }
}

/** Any sound at all from now on, above `level`. */
export async function hears(visitor, identity, { level = 0.01, windows = 10, withinMs = 15_000 } = {}) {
  const before = (await visitor.evaluate((identity) => client.heard(identity), identity))?.length ?? 0;
  await visitor.until(
    `sound from ${identity}`,
    async ([identity, before, level, windows]) => {
      const heard = (await client.heard(identity))?.slice(before) ?? [];
      return heard.filter((value) => value > level).length >= windows;
    },
    [identity, before, level, windows],
    withinMs,
  );
}

/** Needs six seconds: two of the sentences and the pauses between them. */
const LEAST_WINDOWS = 300;
const MOST_WINDOWS = 300;

/** Slides the heard envelope along the file's and reports the best fit. */
export function matchSpeech(heard) {
  const recent = heard.slice(-MOST_WINDOWS);
  if (recent.length < LEAST_WINDOWS) return null;
  let best = { correlation: -1, offset: 0 };
  const [slowRecent, slowSpoken] = [smooth(recent), smooth(spoken)];
  for (let offset = 0; offset < spoken.length; offset += 1) {
    const file = slowRecent.map((_, i) => slowSpoken[(i + offset) % spoken.length]);
    const value = correlation(slowRecent, file);
    if (value > best.correlation) best = { correlation: value, offset };
  }
  const groups = { loud: [], quiet: [] };
  recent.forEach((value, i) => {
    // A few windows around a place: a heard window straddles two of the file's.
    const around = [-3, -2, -1, 0, 1, 2, 3].map((d) => spoken[(i + best.offset + d + spoken.length) % spoken.length]);
    if (Math.min(...around) > 0.05) groups.loud.push(value);
    if (Math.max(...around) < 0.001) groups.quiet.push(value);
  });
  return { ...best, windows: recent.length, loud: median(groups.loud), quiet: median(groups.quiet) };
}

/** Mean over 100 ms: the jitter buffer stretches and squeezes speech by a window or two. */
function smooth(values) {
  return values.map((_, i) => {
    const around = values.slice(Math.max(0, i - 2), i + 3);
    return around.reduce((sum, value) => sum + value, 0) / around.length;
  });
}

function correlation(a, b) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    ab += (a[i] - ma) * (b[i] - mb);
    aa += (a[i] - ma) ** 2;
    bb += (b[i] - mb) ** 2;
  }
  return ab / Math.sqrt(aa * bb || 1);
}

function median(values) {
  return values.length ? values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] : NaN;
}
