// What rooms cannot carry is encoded anew for them; and pictures of streams.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

import { publish } from './harness/encoder.js';
import { hears, hearsSpeech, sees } from './harness/media.js';
import { stage } from './harness/scenario.js';
import { until } from './harness/wait.js';

const env = { SURECAST_BROADCAST__TRANSCODE_FOR_WEBRTC: 'true' };
const { scenario } = stage('broadcast-transcode', { server: { env } });

/** ffmpeg publishes to the scene's room by SRT. */
function encode(scene, options) {
  const { server, room } = scene;
  const query = `streamid=#!::r=live/${room},m=publish&pkt_size=1316`;
  const output = ['-f', 'mpegts', `srt://127.0.0.1:${8890 + server.offset}?${query}`];
  const encoder = publish(output, options);
  scene.defer(() => encoder.stop());
  return encoder;
}

/** What of the room's encoder the room does without, by kind. */
async function leftOut({ server, room }) {
  const token = await server.token('', 'tester', { roomJoin: false, roomList: true });
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${server.http}/broadcast/v1/streams/${room}`, { headers });
  if (!answer.ok) return {};
  const { encoders } = await answer.json();
  return Object.fromEntries(encoders.flatMap(({ tracks }) => tracks.map((track) => [track.kind, track.not_in_room])));
}

scenario('pictures with B-frames and sound in AAC are seen and heard in the room', async (scene) => {
  const ann = await scene.join('ann');
  encode(scene, { video: 'h264 with B-frames' });
  await sees(ann, 'encoder', { withinMs: 40_000 });
  await hearsSpeech(ann, 'encoder');
  const out = await leftOut(scene);
  assert.deepEqual([out.video ?? null, out.audio ?? null], [null, null]);

  const url = `${scene.server.http}/broadcast/v1/streams/${scene.room}/thumbnail.jpg`;
  const answer = await fetch(url);
  assert.equal(answer.status, 200, await answer.clone().text());
  assert.equal(answer.headers.get('content-type'), 'image/jpeg');
  const picture = Buffer.from(await answer.arrayBuffer());
  const decoded = spawnSync('ffmpeg', ['-v', 'error', '-f', 'mjpeg', '-i', '-', '-f', 'rawvideo', '-pix_fmt', 'gray', '-'], { input: picture, maxBuffer: 1 << 26 });
  assert.equal(decoded.status, 0, decoded.stderr.toString());
  assert.ok(new Set(decoded.stdout).size > 20, 'a picture has more than a few greys');
  const again = Buffer.from(await (await fetch(url)).arrayBuffer());
  assert.ok(again.equals(picture), 'the same picture for ten seconds');
  const none = await fetch(url.replace(scene.room, 'nowhere'));
  assert.equal(none.status, 404);
}, { seconds: 100 });

scenario('MP3, which rooms do not carry, is heard', async (scene) => {
  const ann = await scene.join('ann');
  encode(scene, { video: 'h264', audio: 'mp3' });
  const inRoom = async () => {
    const out = await leftOut(scene);
    return 'audio' in out && !out.audio;
  };
  await until('the sound to be in the room', inRoom, 20_000);
  await hears(ann, 'encoder');
}, { seconds: 80 });
