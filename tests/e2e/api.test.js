// RoomService over Twirp: npm's livekit-server-sdk speaks JSON, PyPI's
// livekit-api protobuf.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DataPacket_Kind, RoomServiceClient, TrackSource } from 'livekit-server-sdk';

import { hears, sees } from './harness/media.js';
import { python } from './harness/paths.js';
import { stage } from './harness/scenario.js';
import { KEY } from './harness/server.js';

const { scenario } = stage('api');
const run = promisify(execFile);

scenario('rooms are created, listed, described and deleted', async (scene) => {
  const { rooms } = scene.server;
  const name = scene.room;
  const made = await rooms.createRoom({ name, emptyTimeout: 60, departureTimeout: 5, maxParticipants: 7, metadata: 'm' });
  assert.match(made.sid, /^RM_/);
  assert.deepEqual([made.name, made.emptyTimeout, made.departureTimeout, made.maxParticipants, made.metadata], [name, 60, 5, 7, 'm']);
  assert.equal((await rooms.createRoom({ name })).sid, made.sid, 'creating it again gives the same room');
  assert.deepEqual((await rooms.listRooms([name])).map((room) => room.sid), [made.sid]);
  assert.ok((await rooms.listRooms()).some((room) => room.sid === made.sid));
  assert.deepEqual(await rooms.listRooms(['there-is-none-of-that-name']), []);

  const page = await scene.join('ann');
  assert.equal((await rooms.updateRoomMetadata(name, 'second')).metadata, 'second');
  await page.until('the new metadata', () => client.room.metadata === 'second');
  await page.until('the count', () => client.room.numParticipants === 1);

  await rooms.deleteRoom(name);
  await page.until('to be sent away', () => client.said('disconnected').length === 1);
  const [{ detail: [reason] }] = await page.evaluate(() => client.said('disconnected'));
  assert.equal(reason, 5, 'DisconnectReason.ROOM_DELETED');
  assert.deepEqual(await rooms.listRooms([name]), []);
});

scenario('a full room lets nobody in', async (scene) => {
  await scene.server.rooms.createRoom({ name: scene.room, maxParticipants: 1 });
  await scene.join('ann');
  const page = await scene.page('ben');
  await page.evaluate((how) => client.refused(how), await scene.how('ben'));
  assert.equal((await scene.server.rooms.listParticipants(scene.room)).length, 1);
});

scenario('participants are listed, described, changed and removed', async (scene) => {
  const { rooms } = scene.server;
  const { room } = scene;
  const [ann, ben] = await Promise.all([scene.join('ann'), scene.join('ben')]);
  const trackSid = await ann.evaluate(() => client.microphone());
  await hears(ben, 'ann');
  const people = await rooms.listParticipants(room);
  assert.deepEqual(people.map((p) => p.identity).toSorted(), ['ann', 'ben']);
  const info = await rooms.getParticipant(room, 'ann');
  assert.deepEqual([info.sid, info.state, info.isPublisher], [ann.sid, 2, true]);
  assert.deepEqual(info.tracks.map((t) => [t.sid, t.source, t.muted]), [[trackSid, TrackSource.MICROPHONE, false]]);

  const changed = await rooms.updateParticipant(room, 'ann', { metadata: 'data', name: 'Ann A.', attributes: { a: 'b' } });
  assert.deepEqual([changed.metadata, changed.name, changed.attributes.a], ['data', 'Ann A.', 'b']);
  await ben.until('the change', () => {
    const { metadata, name, attributes } = client.remote('ann');
    return metadata === 'data' && name === 'Ann A.' && attributes.a === 'b';
  });

  const muted = await rooms.mutePublishedTrack(room, 'ann', trackSid, true);
  assert.equal(muted.muted, true);
  await ann.until('to be muted', () => client.publicationOfMine('microphone').isMuted);
  await ben.until('the mute', () => client.publication('ann', 'microphone').isMuted);

  await rooms.removeParticipant(room, 'ann');
  await ben.until('ann to be gone', () => !client.remote('ann'));
  await ann.until('to be sent away', () => client.said('disconnected').length === 1);
  await refuses(rooms.getParticipant(room, 'ann'), 'not_found', 404);
});

scenario('subscriptions are changed and data is sent from outside', async (scene) => {
  const { rooms } = scene.server;
  const { room } = scene;
  const [ann, ben, cy] = await Promise.all(['ann', 'ben', 'cy'].map((identity) => scene.join(identity)));
  const trackSid = await ann.evaluate(() => client.camera());
  await sees(ben, 'ann', { frames: 5 });
  await rooms.updateSubscriptions(room, 'ben', [trackSid], false);
  await ben.until('the track to go', () => client.said('trackUnsubscribed').length === 1);
  await rooms.updateSubscriptions(room, 'ben', [trackSid], true);
  await sees(ben, 'ann', { frames: 5 });

  for (const page of [ben, cy]) await page.evaluate(() => client.collectData());
  await rooms.sendData(room, new Uint8Array([1]), DataPacket_Kind.RELIABLE, { topic: 'one', destinationIdentities: ['cy'] });
  await rooms.sendData(room, new Uint8Array([2]), DataPacket_Kind.RELIABLE, { topic: 'all' });
  const topics = (page) => page.until('the packet for all', () => {
    const topics = client.data.map((d) => d.topic);
    return topics.includes('all') && topics;
  });
  assert.deepEqual(await topics(ben), ['all']);
  assert.deepEqual(await topics(cy), ['one', 'all']);
});

scenario('the API refuses what the token does not grant', async (scene) => {
  const { rooms, http } = scene.server;
  await refuses(new RoomServiceClient(http, KEY, 'wrong-secret-of-some-length-0123456789').listRooms(), 'unauthenticated', 401);
  const bare = (token) => fetch(`${http}/twirp/livekit.RoomService/ListRooms`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: '{}',
  });
  assert.equal((await bare()).status, 401);
  const joiner = await scene.server.token(scene.room, 'ann');
  const refused = await bare(joiner);
  assert.ok([401, 403].includes(refused.status), `status ${refused.status}`);
  assert.equal(typeof (await refused.json()).msg, 'string');
  await refuses(rooms.getParticipant('no-such-room', 'nobody'), 'not_found', 404);
  await refuses(rooms.updateRoomMetadata('no-such-room', ''), 'not_found', 404);
});

scenario('PyPI livekit-api does all of it in protobuf', async (scene) => {
  const ann = await scene.join('ann');
  await ann.evaluate(() => Promise.all([client.camera(), client.collectData()]));
  const ben = await scene.join('ben');
  await sees(ben, 'ann', { frames: 5 });
  const program = fileURLToPath(new URL('peers/room_service.py', import.meta.url));
  const does = (what) => run(python(), [program, scene.server.http, scene.room, what], { timeout: 30_000 });
  await does('use');
  await ann.until('the packet', () => client.data.length === 1);
  assert.deepEqual(await ann.evaluate(() => client.data.map((d) => [d.topic, d.bytes])), [['from python', [1, 2, 3]]]);
  await ann.until('the camera to be muted', () => client.said('trackMuted').length === 1);
  await does('end');
  await ann.until('to be sent away', () => client.said('disconnected').length === 1);
  await ben.until('the room to be deleted', () => client.said('disconnected').length === 1);
});

scenario('a page asks in place of a server when CORS lets it', async (scene) => {
  const page = await scene.page('page');
  const status = await page.evaluate(async (http) => {
    const headers = { 'content-type': 'application/json', authorization: 'Bearer x' };
    const answer = await fetch(`${http}/twirp/livekit.RoomService/ListRooms`, { method: 'POST', headers, body: '{}' });
    return answer.status;
  }, scene.server.http);
  assert.equal(status, 401);
});

scenario('health, readiness and metrics', async (scene) => {
  const { http } = scene.server;
  await scene.join('ann');
  for (const path of ['/healthz', '/readyz']) assert.equal((await fetch(http + path)).status, 200, path);
  const metrics = await (await fetch(`${http}/metrics`)).text();
  assert.match(metrics, /^surecast_\w*participants\S* 1(\.0)?$/m);
  assert.equal((await fetch(`${http}/rtc/validate`)).status, 401);
  const token = await scene.server.token(scene.room, 'ben');
  assert.equal((await fetch(`${http}/rtc/validate?access_token=${token}`)).status, 200);
});

async function refuses(call, code, status) {
  const error = await call.then(() => null, (error) => error);
  assert.ok(error, 'the call was answered, not refused');
  assert.deepEqual([error.code, error.status], [code, status], String(error));
}
