// LiveKit's Ingress service: a stream key that stands for a room and an identity.

import assert from 'node:assert/strict';
import { IngressClient, IngressInput } from 'livekit-server-sdk';

import { publish } from './harness/encoder.js';
import { hears, sees } from './harness/media.js';
import { stage } from './harness/scenario.js';
import { KEY, SECRET } from './harness/server.js';
import { until } from './harness/wait.js';

const { scenario } = stage('broadcast-ingress');

const PUBLISHING = 2;

const client = (scene) => new IngressClient(scene.server.http, KEY, SECRET);

async function status(scene, id) {
  const [info] = await client(scene).listIngress({ ingressId: id });
  return info?.state?.status;
}

scenario('an encoder with a stream key is the participant that was set up', async (scene) => {
  const ingress = client(scene);
  const made = await ingress.createIngress(IngressInput.RTMP_INPUT, {
    name: 'studio', roomName: scene.room, participantIdentity: 'obs', participantName: 'Studio',
  });
  assert.match(made.url, new RegExp(`^rtmp://127.0.0.1:${1935 + scene.server.offset}/live$`));
  assert.ok(made.streamKey.length >= 20);
  assert.equal(await status(scene, made.ingressId), 0);

  const ann = await scene.join('ann');
  const encoder = publish(['-f', 'flv', `${made.url}/${made.streamKey}`]);
  scene.defer(() => encoder.stop());
  await sees(ann, 'obs', { frames: 20, withinMs: 25_000 });
  await hears(ann, 'obs');
  assert.equal(await ann.evaluate(() => window.client.remote('obs').name), 'Studio');
  assert.equal(await status(scene, made.ingressId), PUBLISHING);

  await ingress.updateIngress(made.ingressId, { name: 'stage' });
  assert.equal((await ingress.listIngress({ roomName: scene.room }))[0].name, 'stage');
  await ingress.deleteIngress(made.ingressId);
  await until('the encoder to be sent away', async () =>
    !(await scene.server.rooms.listParticipants(scene.room)).some(({ identity }) => identity === 'obs'));
  assert.deepEqual(await ingress.listIngress({ roomName: scene.room }), []);
});

scenario('WHIP takes the key as well, and only who may sets one up', async (scene) => {
  const made = await client(scene).createIngress(IngressInput.WHIP_INPUT, {
    name: 'phone', roomName: scene.room, participantIdentity: 'phone', participantName: 'Phone',
  });
  const ann = await scene.join('ann');
  const encoder = publish(['-f', 'whip', `${made.url}/${made.streamKey}`], { audio: 'opus', nine: true });
  scene.defer(() => encoder.stop());
  await sees(ann, 'phone', { frames: 20, withinMs: 25_000 });
  assert.equal(await status(scene, made.ingressId), PUBLISHING);

  const token = await scene.server.token(scene.room, 'ann');
  const answer = await fetch(`${scene.server.http}/twirp/livekit.Ingress/ListIngress`, {
    method: 'POST', body: '{}', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
  });
  assert.equal(answer.status, 403);
  assert.match((await answer.json()).msg, /ingressAdmin/);
});
