// What is done with tracks during a call: mute, publish anew, subscribe, layers.

import assert from 'node:assert/strict';

import { hears, sees } from './harness/media.js';
import { MODES, stage } from './harness/scenario.js';

const { scenario } = stage('tracks');

for (const { mode, options } of MODES) {
  const pair = async (scene) => Promise.all([scene.join('ann', { options }), scene.join('ben', { options })]);

  scenario(`mute stops sound and picture, unmute brings them back, ${mode}`, async (scene) => {
    const [ann, ben] = await pair(scene);
    await ann.evaluate(() => Promise.all([client.microphone(), client.camera()]));
    await sees(ben, 'ann');
    await hears(ben, 'ann');

    await ann.evaluate(() => client.publicationOfMine('camera').mute());
    await ben.until('the camera to be muted', () => client.publication('ann', 'camera').isMuted);
    await still(ben);
    await ann.evaluate(() => client.publicationOfMine('microphone').mute());
    await ben.until('the microphone to be muted', () => client.publication('ann', 'microphone').isMuted);
    assert.equal((await ben.evaluate(() => client.said('trackMuted', 'ann'))).length, 2);

    await ann.evaluate(() => client.publicationOfMine('camera').unmute());
    await ann.evaluate(() => client.publicationOfMine('microphone').unmute());
    await ben.until('both to be unmuted', () => client.said('trackUnmuted', 'ann').length === 2);
    await sees(ben, 'ann');
    await hears(ben, 'ann');
  });

  scenario(`a track is unpublished and published anew, ${mode}`, async (scene) => {
    const [ann, ben] = await pair(scene);
    const first = await ann.evaluate(() => client.camera());
    await sees(ben, 'ann');
    await ann.evaluate(() => client.room.localParticipant.unpublishTrack(client.publicationOfMine('camera').track));
    await ben.until('the track to go', (sid) => client.said('trackUnpublished', sid).length === 1, first);
    assert.equal(await ben.evaluate(() => client.remote('ann').trackPublications.size), 0);
    const second = await ann.evaluate(() => client.camera());
    assert.notEqual(second, first, 'a new publication has a sid of its own');
    await sees(ben, 'ann');
  });

  scenario(`a viewer subscribes and unsubscribes, ${mode}`, async (scene) => {
    const ann = await scene.join('ann', { options });
    await ann.evaluate(() => client.camera());
    const ben = await scene.join('ben', { options, connect: { autoSubscribe: false } });
    await ben.until('to know of the camera', () => client.publication('ann', 'camera'));
    assert.equal(await ben.evaluate(() => client.publication('ann', 'camera').isSubscribed), false);

    await ben.evaluate(() => client.publication('ann', 'camera').setSubscribed(true));
    await sees(ben, 'ann');
    await ben.evaluate(() => client.publication('ann', 'camera').setSubscribed(false));
    await ben.until('the track to be gone', () => client.said('trackUnsubscribed').length === 1);
    await ben.until('it to be unsubscribed', () => !client.publication('ann', 'camera').isSubscribed);
    await ben.evaluate(() => client.publication('ann', 'camera').setSubscribed(true));
    await sees(ben, 'ann');
  });

  scenario(`a viewer chooses the layer, and pauses the picture, ${mode}`, async (scene) => {
    const [ann, ben] = await pair(scene);
    await ann.evaluate(() => client.camera({ simulcast: true, videoCodec: 'vp8' }));
    await sees(ben, 'ann');
    await width(ben, 640);
    const { LOW, HIGH } = { LOW: 0, HIGH: 2 };
    await ben.evaluate((quality) => client.publication('ann', 'camera').setVideoQuality(quality), LOW);
    await width(ben, 320);
    await ben.evaluate((quality) => client.publication('ann', 'camera').setVideoQuality(quality), HIGH);
    await width(ben, 640);

    await ben.evaluate(() => client.publication('ann', 'camera').setVideoDimensions({ width: 320, height: 180 }));
    await width(ben, 320);

    await ben.evaluate(() => client.publication('ann', 'camera').setEnabled(false));
    await still(ben);
    await ben.evaluate(() => client.publication('ann', 'camera').setEnabled(true));
    await sees(ben, 'ann');
  }, { seconds: 60 });

  scenario(`six people see one another, ${mode}`, async (scene) => {
    const people = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6'];
    const pages = await Promise.all(people.map((identity) => scene.join(identity, { options })));
    // Six encoders and thirty decoders share two cores: small pictures do.
    await Promise.all(pages.map((page) => page.evaluate(() => client.smallCamera())));
    const others = (page) => people.filter((identity) => identity !== page.identity);
    await Promise.all(pages.flatMap((page) => others(page).map((other) => sees(page, other, { frames: 5, withinMs: 40_000 }))));
  }, { seconds: 90 });
}

scenario('the publisher may keep a viewer out of a track', async (scene) => {
  const [ann, ben, cy] = await Promise.all(['ann', 'ben', 'cy'].map((identity) => scene.join(identity)));
  await ann.evaluate(() => {
    client.room.localParticipant.setTrackSubscriptionPermissions(false, [
      { participantIdentity: 'ben', allowAll: true },
    ]);
    return client.camera();
  });
  await sees(ben, 'ann');
  await cy.until('to be told that it may not', () => client.publication('ann', 'camera')?.permissionStatus === 'not_allowed');
  assert.equal(await cy.evaluate(() => Boolean(client.publication('ann', 'camera').track)), false);
  await ann.evaluate(() => client.room.localParticipant.setTrackSubscriptionPermissions(true));
  await sees(cy, 'ann');
});

/** Waits until the decoded picture is `pixels` wide. */
function width(visitor, pixels) {
  return visitor.until(`a picture ${pixels} wide`, (pixels) => client.seen('ann').width === pixels, pixels, 20_000);
}

/** Waits until a whole second has passed in which no frame was received. */
async function still(visitor) {
  await visitor.until(
    'the picture to stop',
    async () => {
      const reports = await client.inbound();
      // Frames, not packets: what probes the bandwidth travels on.
      const received = reports.find((report) => report.kind === 'video')?.framesReceived;
      const now = performance.now();
      if (client.still?.received !== received) client.still = { received, since: now };
      return now - client.still.since > 1000;
    },
    null,
    15_000,
  );
}
