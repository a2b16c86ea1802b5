// The signal connection breaks, and the call goes on; or everything starts anew.

import assert from 'node:assert/strict';

import { hears, sees } from './harness/media.js';
import { MODES, stage } from './harness/scenario.js';

const { scenario } = stage('reconnect');

for (const { mode, options } of MODES) {
  const call = async (scene) => {
    const pages = await Promise.all([scene.join('ann', { options }), scene.join('ben', { options })]);
    for (const page of pages) await page.evaluate(() => Promise.all([client.microphone(), client.camera()]));
    await bothSee(pages);
    return pages;
  };

  scenario(`a lost signal connection resumes, ${mode}`, async (scene) => {
    const [ann, ben] = await call(scene);
    await ann.evaluate(() => client.room.simulateScenario('signal-reconnect'));
    await ann.until('to resume', () => client.said('reconnected').length === 1, null, 15_000);
    assert.equal(await ann.evaluate(() => client.room.localParticipant.sid), ann.sid, 'a resume keeps the sid');
    assert.equal(await ben.evaluate(() => client.said('participantDisconnected').length), 0);
    await bothSee([ann, ben]);
    await works(ann, ben);
  });

  scenario(`what happened meanwhile is told on resume, ${mode}`, async (scene) => {
    const [ann, ben] = await call(scene);
    await ann.evaluate(() => client.room.simulateScenario('signal-reconnect', 1000));
    await ben.evaluate(() => client.publicationOfMine('camera').mute());
    await ann.until('to resume', () => client.said('reconnected').length === 1, null, 15_000);
    await ann.until('the mute', () => client.publication('ben', 'camera').isMuted);
    await ben.evaluate(() => client.publicationOfMine('camera').unmute());
    await bothSee([ann, ben]);
  });

  for (const what of ['full-reconnect', 'leave-full-reconnect', 'node-failure', 'server-leave']) {
    scenario(`everything starts anew after ${what}, ${mode}`, async (scene) => {
      const [ann, ben] = await call(scene);
      await ann.evaluate((what) => client.room.simulateScenario(what), what);
      if (what === 'server-leave') {
        await ann.until('to be sent away', () => client.said('disconnected').length === 1, null, 15_000);
        await ben.until('ann to be gone', () => !client.remote('ann'), null, 15_000);
        return;
      }
      await ann.until('to be back', () => client.said('reconnected').length === 1, null, 25_000);
      assert.notEqual(await ann.evaluate(() => client.room.localParticipant.sid), ann.sid);
      await bothSee([ann, ben]);
      await works(ann, ben);
    }, { seconds: 70 });
  }
}

async function bothSee([ann, ben]) {
  await sees(ann, 'ben', { frames: 15 });
  await sees(ben, 'ann', { frames: 15 });
  await hears(ben, 'ann');
}

/** Signalling and data still do their work after the return. */
async function works(ann, ben) {
  await ben.evaluate(() => client.collectData());
  await ann.evaluate(() => client.room.localParticipant.publishData(new Uint8Array([5]), { reliable: true }));
  await ben.until('a packet', () => client.data.length === 1);
  await ann.evaluate(() => client.publicationOfMine('microphone').mute());
  await ben.until('the mute', () => client.publication('ann', 'microphone').isMuted);
}
