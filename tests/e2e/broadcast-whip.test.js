// Encoders by WHIP and viewers by WHEP: FFmpeg 9 and Chromium, into a room and
// out of it.

import assert from 'node:assert/strict';

import { publish } from './harness/encoder.js';
import { countersAdvance, hears as hearsInRoom, matchSpeech, sees } from './harness/media.js';
import { stage } from './harness/scenario.js';
import { until } from './harness/wait.js';

const { scenario } = stage('broadcast-whip');

/** FFmpeg 9 publishes to the scene's room by WHIP. */
async function ffmpeg(scene, { identity = 'obs', extra = [] } = {}) {
  const token = await scene.server.token(scene.room, identity);
  const output = ['-f', 'whip', '-authorization', token, `${scene.server.http}/whip/v1`];
  const encoder = publish(output, { video: 'h264', audio: 'opus', nine: true, extra });
  scene.defer(() => encoder.stop());
  return encoder;
}

const whep = (scene) => `${scene.server.http}/whep/${scene.room}`;

/** A page that watches the room by WHEP, from the time on at which something is live. */
async function watch(scene, name = 'viewer', direction = 'recvonly') {
  const page = await scene.page(name);
  await until(`${name} to be let in`, async () => {
    const { status } = await page.evaluate(
      ([url, direction]) => (globalThis.viewer = new Viewer()).watch(url, undefined, direction),
      [whep(scene), direction],
    );
    return status === 201;
  }, 20_000);
  return page;
}

/** `frames` more frames are decoded, and they differ from one another. */
async function plays(page, frames = 30, withinMs = 20_000) {
  const before = await page.evaluate(() => ({ ...viewer.view, counters: [] }));
  await page.until(`${frames} more frames`, (least) => viewer.view.frames >= least, before.frames + frames, withinMs);
  const view = await page.evaluate(() => viewer.view);
  assert.ok(view.pictures - before.pictures > frames / 2, `${view.pictures - before.pictures} of ${frames} differ`);
  return view;
}

/** What comes is the speech of the fake microphone. */
async function hears(page, withinMs = 25_000) {
  let best;
  const heard = async () => {
    best = matchSpeech(await page.evaluate(() => viewer.loudness));
    return best && best.correlation > 0.75 && best.quiet < 0.1 * best.loud;
  };
  await until('speech by WHEP', heard, withinMs).catch((error) => {
    throw new Error(`${error.message} (best match: ${JSON.stringify(best)})`);
  });
}

/**
 * What comes is loud and silent in turn, as speech is. Where two processes share the
 * processor, ffmpeg's pace is not even enough to find the very words.
 */
async function talks(page, withinMs = 25_000) {
  const count = () => page.evaluate(() => ({
    loud: viewer.loudness.filter((value) => value > 0.03).length,
    silent: viewer.loudness.filter((value) => value < 0.002).length,
  }));
  await until('somebody to talk by WHEP', async () => {
    const { loud, silent } = await count();
    return loud > 60 && silent > 20;
  }, withinMs).catch(async (error) => { throw new Error(`${error.message} (${JSON.stringify(await count())})`); });
}

scenario('FFmpeg publishes by WHIP: the room and WHEP see and hear it', async (scene) => {
  const early = await scene.page('early');
  const refused = await early.evaluate((url) => new Viewer().watch(url), whep(scene));
  assert.equal(refused.status, 404);
  assert.match(refused.detail, /nothing is live/);
  assert.ok(Number(refused.retry) > 0);

  const ann = await scene.join('ann');
  const empty = await early.evaluate((url) => new Viewer().watch(url), whep(scene));
  assert.equal(empty.status, 409);
  assert.match(empty.detail, /nobody in the room publishes/);

  await ffmpeg(scene);
  const viewer = await watch(scene);
  countersAdvance(await plays(viewer, 60));
  await sees(ann, 'obs');
  await Promise.all([hearsInRoom(ann, 'obs', { windows: 50 }), talks(viewer)]);
  const people = await ann.evaluate(() => [...client.room.remoteParticipants.keys()]);
  assert.deepEqual(people, ['obs'], 'a viewer by WHEP is nobody in the room');
  assert.equal(await ann.evaluate(() => client.remote('obs').kind), 1, 'ingress');
}, { seconds: 80 });

scenario('a viewer stays when the encoder goes and comes back, and when another takes over', async (scene) => {
  const first = await ffmpeg(scene);
  const viewer = await watch(scene);
  await viewer.evaluate(() => viewer.listen());
  await plays(viewer);
  const names = () => viewer.evaluate(() => viewer.events.map(({ name }) => name));
  await until('what is on to be told', async () => (await names()).includes('active'));

  await first.stop();
  await until('the end to be told', async () => (await names()).includes('inactive'));
  const second = await ffmpeg(scene);
  await plays(viewer, 60);
  // FFmpeg itself learns of a takeover late: nothing that it asks is answered.
  const third = await ffmpeg(scene);
  await plays(viewer, 60);
  assert.equal(third.process.exitCode, null);
  const encoders = await scene.server.rooms.listParticipants(scene.room);
  assert.deepEqual(encoders.filter(({ permission }) => !permission.hidden).map(({ identity }) => identity), ['obs']);
  await second.stop('SIGKILL');

  const told = await viewer.evaluate(() => ({ states: viewer.states, received: viewer.connection.getReceivers().length }));
  assert.deepEqual(told, { states: ['connecting', 'connected'], received: 2 });
  const [{ ssrc, framesDecoded }, ...others] = await viewer.evaluate(() => viewer.stats());
  assert.ok(ssrc && framesDecoded > 150 && others.length === 0, `one stream, ${framesDecoded} frames`);
}, { seconds: 80 });

scenario('Chromium publishes three renditions by WHIP, and a viewer chooses among them', async (scene) => {
  const encoder = await scene.page('encoder');
  const url = `${scene.server.http}/whip/${scene.room}`;
  const published = await encoder.evaluate((url) => {
    const rid = (rid, scaleResolutionDownBy, maxBitrate) => ({ rid, scaleResolutionDownBy, maxBitrate });
    const encodings = [rid('f', 1, 500_000), rid('h', 2, 200_000), rid('q', 4, 80_000)];
    return (globalThis.encoder = new Encoder()).publish(url, undefined, encodings);
  }, url);
  assert.equal(published.status, 201);
  // Some players offer both directions and mean to receive.
  const viewer = await watch(scene, 'viewer', 'sendrecv');
  await viewer.evaluate(() => viewer.listen(['layers', 'viewercount']));
  await plays(viewer);
  const width = (pixels) => viewer.until(`a picture ${pixels} wide`, (pixels) => viewer.view.width === pixels, pixels, 20_000);
  await width(960);
  const { data } = await viewer.until('layers', () => viewer.events.find(({ name }) => name === 'layers'));
  assert.deepEqual(data['1'].layers.map(({ encodingId }) => encodingId), ['q', 'h', 'f']);
  await viewer.until('the count', () => viewer.events.some(({ name, data }) => name === 'viewercount' && data.viewercount === 1));

  for (const [layer, pixels] of [['q', 240], ['h', 480], ['f', 960]]) {
    assert.equal(await viewer.evaluate((encodingId) => viewer.choose({ encodingId }), layer), 200);
    await width(pixels);
    await plays(viewer, 15);
  }
  assert.equal(await viewer.evaluate(() => viewer.choose({ encodingId: 'x' })), 404);
  assert.equal(await viewer.evaluate(() => viewer.choose({})), 200);
  await hears(viewer);
}, { seconds: 90 });

scenario('ICE is restarted by PATCH, and DELETE ends a session', async (scene) => {
  const encoder = await scene.page('encoder');
  const url = `${scene.server.http}/whip/${scene.room}`;
  await encoder.evaluate((url) => (globalThis.encoder = new Encoder()).publish(url), url);
  const viewer = await watch(scene);
  await plays(viewer);

  for (const [page, name] of [[viewer, 'viewer'], [encoder, 'encoder']]) {
    const patched = await page.evaluate(async (name) => {
      const session = globalThis[name];
      const lines = ['a=candidate:1 1 udp 1 127.0.0.1 9 typ host'];
      const statuses = [
        (await session.patch(lines)).status,
        (await session.patch(lines, '"other"')).status,
        (await session.patch(['nothing'], session.etag)).status,
        (await session.patch(lines, session.etag, 'text/plain')).status,
        (await session.patch(lines, session.etag)).status,
      ];
      const etag = session.etag;
      const restarted = await session.restartIce();
      return { statuses, restarted, fresh: session.etag !== etag, stale: (await session.patch(lines, etag)).status };
    }, name);
    assert.deepEqual(patched.statuses, [428, 412, 400, 415, 204]);
    assert.equal(patched.restarted.status, 200, JSON.stringify(patched.restarted));
    assert.ok(patched.fresh && patched.stale === 412);
    await plays(viewer, 60);
  }

  assert.equal(await viewer.evaluate(() => viewer.end()), 200);
  assert.equal(await viewer.evaluate(() => viewer.end()), 404, 'gone');
  assert.equal(await encoder.evaluate(() => encoder.end()), 200);
  await until('the room to be empty', async () => (await scene.server.rooms.listParticipants(scene.room)).length === 0);
}, { seconds: 80 });
