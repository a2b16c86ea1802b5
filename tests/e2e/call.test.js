// Two people call each other, a third watches and may not publish.

import assert from 'node:assert/strict';

import { LOOP_MS, countersAdvance, decodes, hearsSpeech, matchSpeech, sees } from './harness/media.js';
import { MODES, stage } from './harness/scenario.js';
import { until } from './harness/wait.js';

const { scenario } = stage('call');

for (const { mode, options } of MODES) {
  scenario(`two pages call each other and an audience watches, ${mode}`, (scene) => call(scene, options), {
    seconds: 90,
  });
}

scenario('voice and picture keep together', lipSync, { seconds: 60 });

async function call(scene, options) {
  const [ann, ben] = await Promise.all([scene.join('ann', { options }), scene.join('ben', { options })]);
  for (const caller of [ann, ben]) {
    await caller.evaluate(() => Promise.all([client.microphone(), client.camera()]));
  }
  const cy = await scene.join('cy', { options, grant: { canPublish: false } });

  // All at once: each takes a while.
  await Promise.all([
    hearsSpeech(ann, 'ben'),
    hearsSpeech(ben, 'ann'),
    hearsSpeech(cy, 'ann'),
    ...[[ann, 'ben'], [ben, 'ann'], [cy, 'ann'], [cy, 'ben']].map(([viewer, seen]) => watches(viewer, seen)),
    refused(scene, cy, ann),
  ]);
}

async function watches(viewer, seen) {
  countersAdvance(await sees(viewer, seen));
  await decodes(viewer, seen);
}

/** `audience` cannot publish, neither by its own SDK's judgement nor by the server's. */
async function refused(scene, audience, witness) {
  const refusal = await audience.evaluate(() => client.camera().then(() => 'published', (error) => error.message));
  assert.match(refusal, /permission/i);
  assert.equal(await witness.evaluate(() => client.remote('cy').trackPublications.size), 0);
  await refusedByServer(scene, audience, witness);
}

/**
 * The SDK refuses by itself when the grant says no. So the page is made to
 * believe that it may, and the server has to refuse.
 */
async function refusedByServer(scene, audience, witness) {
  const outcome = await audience.evaluate(async () => {
    const { localParticipant } = client.room;
    localParticipant.setPermissions({ ...localParticipant.permissions, canPublish: true, canPublishSources: [] });
    return client.camera().then(() => 'published', (error) => error.message);
  });
  assert.notEqual(outcome, 'published');
  assert.equal(await witness.evaluate(() => client.remote('cy').trackPublications.size), 0);
  const { tracks } = await scene.server.rooms.getParticipant(scene.room, 'cy');
  assert.equal(tracks.length, 0, 'the server lists a track of one who may not publish');
}

/** What the ear forgives; sender reports with a wrong clock are off by far more. */
const LIP_SYNC_MS = 200;

/**
 * The fake camera counts its frames and the fake microphone's speech can be
 * recognised, so both can be placed in their loops of 12 s: once where they are
 * sent and once where they arrive. The difference must be the same.
 */
async function lipSync(scene) {
  const [speaker, viewer] = await Promise.all([scene.join('speaker'), scene.join('viewer')]);
  // A browser reckons with the sender's clock only once it knows the round-trip
  // time, and that it learns from what it sends itself.
  for (const page of [speaker, viewer]) {
    await page.evaluate(() => Promise.all([client.microphone(), client.camera()]));
  }
  await sees(viewer, 'speaker');
  let last;
  await until(
    'voice and picture to be as far apart as they were sent',
    async () => {
      const [sent, shown] = await Promise.all([skew(speaker, 'speaker'), skew(viewer, 'speaker')]);
      last = { sent, shown };
      return sent !== null && shown !== null && Math.abs(wrapped(shown - sent)) <= LIP_SYNC_MS;
    },
    30_000,
  ).catch((error) => {
    throw new Error(`${error.message} (last, in ms: ${JSON.stringify(last)})`);
  });
}

/** By how many milliseconds a page hears `identity` ahead of what it sees. */
async function skew(visitor, identity) {
  const { view, heard } = await visitor.evaluate(async (identity) => {
    const view = client.seen(identity);
    return { view: view && { counter: view.counter, at: view.at }, heard: await client.heardUntil(identity) };
  }, identity);
  const match = heard && matchSpeech(heard.loudness);
  if (!view || view.counter < 0 || !match || match.correlation < 0.9) return null;
  const sound = (match.offset + match.windows) * 20 - heard.at;
  const picture = (view.counter * 1000) / 30 - view.at;
  return Math.round(wrapped(sound - picture));
}

/** A difference of two places in a loop, at most half a loop either way. */
function wrapped(difference) {
  return difference - LOOP_MS * Math.round(difference / LOOP_MS);
}
