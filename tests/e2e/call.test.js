// Two people call each other, a third watches and may not publish.

import assert from 'node:assert/strict';

import { countersAdvance, decodes, hearsSpeech, sees } from './harness/media.js';
import { MODES, stage } from './harness/scenario.js';

const { scenario } = stage('call');

for (const { mode, options } of MODES) {
  scenario(`two pages call each other and an audience watches, ${mode}`, (scene) => call(scene, options), {
    seconds: 90,
  });

  scenario(`voice and picture keep together, ${mode}`, (scene) => lipSync(scene, options));
}

async function call(scene, options) {
  const [ann, ben] = await Promise.all([scene.join('ann', { options }), scene.join('ben', { options })]);
  for (const caller of [ann, ben]) {
    await caller.evaluate(() => Promise.all([client.microphone(), client.camera()]));
  }
  const cy = await scene.join('cy', { options, grant: { canPublish: false } });

  const heard = [hearsSpeech(ann, 'ben'), hearsSpeech(ben, 'ann'), hearsSpeech(cy, 'ann')];
  for (const [viewer, seen] of [[ann, 'ben'], [ben, 'ann'], [cy, 'ann'], [cy, 'ben']]) {
    countersAdvance(await sees(viewer, seen));
    await decodes(viewer, seen);
  }
  await Promise.all(heard);

  const refusal = await cy.evaluate(() => client.camera().then(() => 'published', (error) => error.message));
  assert.match(refusal, /permission/i);
  assert.equal(await ann.evaluate(() => client.remote('cy').trackPublications.size), 0);
  await refusedByServer(scene, cy, ann);
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

/** How far apart the browser thinks that sound and picture were captured, at most. */
const LIP_SYNC_MS = 150;

async function lipSync(scene, options) {
  const [speaker, viewer] = await Promise.all([
    scene.join('speaker', { options }),
    scene.join('viewer', { options }),
  ]);
  await speaker.evaluate(() => Promise.all([client.microphone(), client.camera()]));
  await sees(viewer, 'speaker');
  await viewer.evaluate(() => client.heard('speaker'));
  // Present only once sender reports tie both tracks to the sender's clock.
  const skew = await viewer.until(
    'both tracks on one clock, and played together',
    async (limit) => {
      const reports = await client.inbound();
      const at = (kind) => reports.find((report) => report.kind === kind)?.estimatedPlayoutTimestamp;
      if (!at('audio') || !at('video')) return null;
      const skew = at('audio') - at('video');
      return Math.abs(skew) <= limit ? { skew } : null;
    },
    LIP_SYNC_MS,
    20_000,
  );
  assert.ok(Number.isFinite(skew.skew));
}
