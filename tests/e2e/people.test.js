// Who is there: metadata, attributes, speakers, leaving, being replaced or removed.

import assert from 'node:assert/strict';

import { sees } from './harness/media.js';
import { MODES, stage } from './harness/scenario.js';
import { KEY, SECRET } from './harness/server.js';
import { AccessToken } from 'livekit-server-sdk';

const { scenario } = stage('people');

for (const { mode, options } of MODES) {
  scenario(`metadata, name and attributes reach the others, ${mode}`, async (scene) => {
    const grant = { canUpdateOwnMetadata: true };
    const token = { metadata: 'from the token', attributes: { seat: '1' } };
    const [ann, ben] = await Promise.all([scene.join('ann', { options, grant, token }), scene.join('ben', { options })]);
    await ben.until('ann to be there', () => client.remote('ann'));
    const described = await ben.evaluate(() => ({
      metadata: client.remote('ann').metadata,
      attributes: client.remote('ann').attributes,
    }));
    assert.deepEqual(described, { metadata: 'from the token', attributes: { seat: '1' } });

    await ann.evaluate(async () => {
      await client.room.localParticipant.setMetadata('{"mood":"fine"}');
      await client.room.localParticipant.setName('Ann A.');
      await client.room.localParticipant.setAttributes({ hand: 'up', seat: '' });
    });
    await ben.until('the new metadata', () => client.remote('ann').metadata === '{"mood":"fine"}');
    await ben.until('the new name', () => client.remote('ann').name === 'Ann A.');
    await ben.until('the new attributes', () => client.remote('ann').attributes.hand === 'up');
    assert.equal(await ben.evaluate(() => client.remote('ann').attributes.seat), undefined);

    const refused = await ben.evaluate(() =>
      client.room.localParticipant.setMetadata('mine').then(() => 'done', (error) => error.message));
    assert.notEqual(refused, 'done', 'a token without canUpdateOwnMetadata changed its metadata');
  });

  scenario(`who speaks is told to all, ${mode}`, async (scene) => {
    const [ann, ben] = await Promise.all([scene.join('ann', { options }), scene.join('ben', { options })]);
    await ann.evaluate(() => client.microphone());
    for (const page of [ann, ben]) {
      await page.until('ann to be named as a speaker', () => client.said('activeSpeakersChanged', 'ann').length > 0, null, 15_000);
    }
    await ben.until('her level', () => client.room.activeSpeakers.some((s) => s.identity === 'ann' && s.audioLevel > 0), null, 15_000);
    // The file pauses for more than a second: then nobody speaks.
    await ben.until('nobody to speak', () => client.room.activeSpeakers.length === 0, null, 15_000);
  });

  scenario(`a leaving page is gone for the others, ${mode}`, async (scene) => {
    const [ann, ben] = await Promise.all([scene.join('ann', { options }), scene.join('ben', { options })]);
    await ann.evaluate(() => client.camera());
    await sees(ben, 'ann', { frames: 5 });
    await ann.evaluate(() => client.room.disconnect());
    await ben.until('ann to be gone', () => client.said('participantDisconnected', 'ann').length === 1, null, 3_000);
    assert.equal(await ben.evaluate(() => client.room.remoteParticipants.size), 0);
    assert.equal((await ben.evaluate(() => client.said('trackUnsubscribed'))).length, 1);
  });

  scenario(`a second page with the same identity replaces the first, ${mode}`, async (scene) => {
    const [old, ben] = await Promise.all([scene.join('ann', { options }), scene.join('ben', { options })]);
    const fresh = await scene.join('ann', { options });
    await old.until('the older one to be sent away', () => client.said('disconnected').length === 1);
    const [{ detail: [reason] }] = await old.evaluate(() => client.said('disconnected'));
    assert.equal(reason, 2, 'DisconnectReason.DUPLICATE_IDENTITY');
    await fresh.evaluate(() => client.camera());
    await sees(ben, 'ann', { frames: 10 });
    assert.equal(await ben.evaluate(() => client.room.remoteParticipants.size), 1);
    assert.equal(await ben.evaluate(() => client.remote('ann').sid), fresh.sid);
  });

  scenario(`permission is given and taken in flight, ${mode}`, async (scene) => {
    const [host, guest] = await Promise.all([
      scene.join('host', { options }),
      scene.join('guest', { options, grant: { canPublish: false } }),
    ]);
    const permit = (permission) => scene.server.rooms.updateParticipant(scene.room, 'guest', { permission });
    await permit({ canPublish: true, canSubscribe: true, canPublishData: true });
    await guest.until('to be allowed', () => client.room.localParticipant.permissions?.canPublish);
    await guest.evaluate(() => client.camera());
    await sees(host, 'guest');
    await permit({ canPublish: false, canSubscribe: true, canPublishData: true });
    await guest.until('to be forbidden', () => client.room.localParticipant.permissions?.canPublish === false);
    await host.until('the picture to go', () => client.said('trackUnpublished', 'guest').length === 1);

    await permit({ canPublish: false, canSubscribe: false, canPublishData: true });
    await host.evaluate(() => client.camera());
    await guest.until('to be told', () => client.room.localParticipant.permissions?.canSubscribe === false);
    assert.equal(await guest.evaluate(() => client.said('trackSubscribed').length), 0);
  });

  scenario(`a removed participant goes and stays away, ${mode}`, async (scene) => {
    const [ann, ben] = await Promise.all([scene.join('ann', { options }), scene.join('ben', { options })]);
    await scene.server.rooms.removeParticipant(scene.room, 'ann');
    await ann.until('to be sent away', () => client.said('disconnected').length === 1);
    const [{ detail: [reason] }] = await ann.evaluate(() => client.said('disconnected'));
    assert.equal(reason, 4, 'DisconnectReason.PARTICIPANT_REMOVED');
    await ben.until('ann to be gone', () => !client.remote('ann'));
  });
}

scenario('a page that vanishes is gone for the others', async (scene) => {
  const [ann, ben] = await Promise.all([scene.join('ann'), scene.join('ben')]);
  await ann.evaluate(() => client.camera());
  await sees(ben, 'ann', { frames: 5 });
  // A crash says no goodbye: the page's process is killed.
  await ann.page.goto('chrome://crash').catch(() => {});
  await ben.until('ann to be gone', () => client.said('participantDisconnected', 'ann').length === 1, null, 40_000);
}, { seconds: 60 });

scenario('a hidden participant watches unseen', async (scene) => {
  const ann = await scene.join('ann');
  await ann.evaluate(() => client.camera());
  const ghost = await scene.join('ghost', { grant: { hidden: true, canPublish: false } });
  await sees(ghost, 'ann');
  assert.equal(await ann.evaluate(() => client.room.remoteParticipants.size), 0);
});

scenario('bad tokens are refused with a reason', async (scene) => {
  const page = await scene.page('stranger');
  const { server, room } = scene;
  const refused = async (token) =>
    page.evaluate((how) => client.refused(how), { url: server.ws, token: await token });
  const sign = (key, secret, grant, options = {}) => {
    const token = new AccessToken(key, secret, { identity: 'stranger', ttl: '1h', ...options });
    token.addGrant(grant);
    return token.toJwt();
  };
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iss: KEY, sub: 'stranger', exp: Math.floor(Date.now() / 1000) + 600, video: { roomJoin: true, room } };
  const cases = {
    'another secret': sign(KEY, `${SECRET}-not-this-one-at-all-really`, { roomJoin: true, room }),
    'an unknown key': sign('somebody', SECRET, { roomJoin: true, room }),
    'no grant to join': sign(KEY, SECRET, { roomList: true }),
    expired: sign(KEY, SECRET, { roomJoin: true, room }, { ttl: -600 }),
    'no algorithm': `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims)}.`,
    'not a token': 'nonsense',
  };
  for (const [what, token] of Object.entries(cases)) {
    const reason = await refused(token);
    assert.match(reason, /ConnectionError/, what);
    assert.match(reason, /401|403|token|permission|authoriz|allowed/i, `${what}: ${reason}`);
  }
});
