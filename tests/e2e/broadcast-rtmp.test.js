// RTMP, Enhanced RTMP, HTTP-FLV and WebSocket-FLV: ffmpeg of two ages, librtmp and
// mpegts.js in Chromium.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Visitor, launch } from './harness/browser.js';
import { decode, isShow, publish } from './harness/encoder.js';
import { servePages } from './harness/pages.js';
import { Server } from './harness/server.js';
import { until, within } from './harness/wait.js';

const scratch = mkdtempSync(join(tmpdir(), 'surecast-rtmp-'));
let server;

before(async () => {
  server = await Server.start('broadcast-rtmp', { env: { SURECAST_LOG__LEVEL: 'info,surecast=debug' } });
});
after(async () => {
  rmSync(scratch, { recursive: true, force: true });
  await server?.stop();
});

const rtmp = (key) => `rtmp://127.0.0.1:${1935 + server.offset}/live/${key}`;
const http = (room) => `${server.http}/flv/${room}.flv`;

async function incoming(room) {
  const token = await server.token('', 'tester', { roomJoin: false, roomList: true });
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${server.http}/broadcast/v1/streams/${room}`, { headers });
  return answer.ok ? await answer.json() : { live: false, encoders: [] };
}

/** Runs `body` while `encoder` publishes to `room`, and ends the encoder. */
async function whilePublishing(encoder, room, body) {
  try {
    const left = encoder.exited.then(() => { throw new Error('the encoder has left'); });
    const live = until(`${room} to be live`, async () => (await incoming(room)).live, 30_000);
    await Promise.race([live, left]);
    return await body();
  } catch (error) {
    error.stack = `${error.stack}\n--- encoder\n${encoder.log}\n${server.tail()}`;
    throw error;
  } finally {
    await encoder.stop();
  }
}

/** What rtmpdump writes of a stream, so many bytes of it. */
async function dump(url, file, bytes) {
  const program = spawn('rtmpdump', ['--live', '--quiet', '-r', url, '-o', file], { stdio: 'ignore' });
  try {
    await until('rtmpdump to write', () => existsSync(file) && statSync(file).size > bytes, 30_000);
  } finally {
    program.kill('SIGKILL');
  }
}

test('H.264 with B-frames and AAC come in; ffmpeg, rtmpdump and HTTP-FLV play them', { timeout: 150_000 }, async () => {
  const encoder = publish(['-f', 'flv', rtmp('show')], { video: 'h264 with B-frames' });
  await whilePublishing(encoder, 'show', async () => {
    const file = join(scratch, 'show.flv');
    const [old, flv] = await Promise.all([
      decode(['-i', rtmp('show')], { nine: false }),
      decode(['-i', http('show')]),
      dump(rtmp('show'), file, 500_000),
    ]);
    isShow(old);
    isShow(flv);
    isShow(await decode(['-i', file], { nine: false }));
    const head = await fetch(http('show'), { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(head.headers.get('content-type'), 'video/x-flv');
    assert.equal(head.headers.get('cache-control'), 'no-store');
  });
});

test('mpegts.js in Chromium plays HTTP-FLV and WebSocket-FLV', { timeout: 150_000 }, async () => {
  const pages = await servePages();
  const browser = await launch();
  const encoder = publish(['-f', 'flv', rtmp('watched')], { audio: 'aac at 44.1 kHz' });
  try {
    await whilePublishing(encoder, 'watched', async () => {
      for (const url of [http('watched'), http('watched').replace('http', 'ws')]) {
        const viewer = await Visitor.open(browser, pages.url, { name: url });
        await viewer.evaluate(watch, url);
        const seen = () => globalThis.seen;
        const enough = () => globalThis.seen?.frames > 60 && globalThis.seen.loudest > 0.01;
        await viewer.until('moving pictures and sound', enough, undefined, 30_000).catch(async (error) => {
          throw new Error(`${error.message}: ${JSON.stringify(await viewer.evaluate(seen))}\n${viewer.tail()}`);
        });
        await viewer.close();
      }
    });
  } finally {
    await browser.close();
    pages.close();
  }
});

/** In the page: plays `url`, counts decoded frames, listens. */
async function watch(url) {
  const script = document.createElement('script');
  script.src = '/mpegts.js';
  document.head.append(script);
  await new Promise((resolve) => { script.onload = resolve; });
  const video = document.createElement('video');
  document.body.append(video);
  const player = globalThis.mpegts.createPlayer({ type: 'flv', isLive: true, url });
  globalThis.seen = { frames: 0, loudest: 0, errors: [] };
  player.on(globalThis.mpegts.Events.ERROR, (...words) => globalThis.seen.errors.push(words.join(' ')));
  player.attachMediaElement(video);
  player.load();
  player.play().catch((error) => globalThis.seen.errors.push(String(error)));
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaElementSource(video).connect(analyser);
  analyser.connect(context.destination);
  const samples = new Float32Array(analyser.fftSize);
  setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    globalThis.seen.loudest = samples.reduce((most, it) => Math.max(most, Math.abs(it)), globalThis.seen.loudest);
    globalThis.seen.frames = video.getVideoPlaybackQuality().totalVideoFrames;
  }, 50);
}

// What an encoder of these codecs keeps up with on a busy machine.
const SMALL = ['-s', '160x90', '-r', '15', '-g', '15'];

for (const video of ['hevc', 'av1']) {
  test(`${video} and Opus come in by Enhanced RTMP and go out by RTMP and FLV`, { timeout: 150_000 }, async () => {
    const encoder = publish(['-f', 'flv', rtmp(video)], { video, audio: 'opus', nine: true, extra: SMALL });
    await whilePublishing(encoder, video, async () => {
      // AV1 tells its format with its first picture.
      const codecs = async () => (await incoming(video)).encoders[0]?.tracks.map((track) => track.codec) ?? [];
      await until('both tracks', async () => (await codecs()).length === 2, 30_000);
      assert.deepEqual(await codecs(), [video === 'hevc' ? 'H.265' : 'AV1', 'Opus']);
      const enhanced = ['-rtmp_enhanced_codecs', 'hvc1,av01,Opus'];
      const [played, flv] = await Promise.all([
        decode([...enhanced, '-i', rtmp(video)], { seconds: 2, withinMs: 60_000 }),
        decode(['-i', `${http(video)}?audio=opus`], { seconds: 2, withinMs: 60_000 }),
      ]);
      isShow(played, { least: 15 });
      isShow(flv, { least: 15 });
      for (const { log } of [played, flv]) assert.match(log, /Audio: opus/, log);
      const aac = await decode(['-i', http(video)], { seconds: 2, withinMs: 60_000 });
      isShow(aac, { least: 15 });
      assert.match(aac.log, /Audio: aac/);
    });
  });
}

test('who may not is told so in words', { timeout: 120_000 }, async () => {
  const encoder = publish(['-f', 'flv', `${rtmp('closed')}?token=nonsense`]);
  await within('the encoder to give up', encoder.exited, 20_000);
  assert.match(encoder.log, /Server error: invalid token/);
  const elsewhere = await server.token('elsewhere', 'camera', { canPublish: true });
  const other = publish(['-f', 'flv', `${rtmp('closed')}?token=${elsewhere}`]);
  await within('the encoder to give up', other.exited, 20_000);
  assert.match(other.log, /it is for room elsewhere/);
  const player = await decode(['-loglevel', 'info', '-i', rtmp('nothing')], { nine: false });
  assert.match(player.log, /nothing is live in room nothing/);
  const answer = await fetch(http('nothing'));
  assert.equal(answer.status, 404);
  assert.match(await answer.text(), /nothing is live in room nothing/);
});

test('an encoder that comes again takes over, and players stay', { timeout: 150_000 }, async () => {
  const token = await server.token('again', 'camera', { canPublish: true });
  const url = `${rtmp('again')}?token=${token}`;
  const first = publish(['-f', 'flv', url]);
  let second;
  await whilePublishing(first, 'again', async () => {
    const playing = decode(['-i', http('again')], { seconds: 12, withinMs: 60_000 });
    await until('the player to be there', async () => (await incoming('again')).viewers > 0, 20_000);
    second = publish(['-f', 'flv', url]);
    await within('the first encoder to be told', first.exited, 20_000);
    assert.match(first.log, /took over|Broken pipe|reset by peer/i);
    isShow(await playing, { least: 150 });
  }).finally(() => second?.stop());
});

test('hostile bytes end their connection and nothing else', { timeout: 120_000 }, async () => {
  const encoder = publish(['-f', 'flv', rtmp('calm')]);
  await whilePublishing(encoder, 'calm', async () => {
    const playing = decode(['-i', rtmp('calm')], { nine: false, seconds: 6 });
    await until('the player to be there', async () => (await incoming('calm')).viewers > 0, 20_000);
    const hello = Buffer.alloc(1 + 2 * 1536);
    hello[0] = 3;
    const attacks = [
      Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
      Buffer.concat([hello, Buffer.alloc(4096, 0xff)]),
      // A chunk size of 0, and AMF objects within objects.
      Buffer.concat([hello, Buffer.from([2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0])]),
      Buffer.concat([hello, Buffer.from([3, 0, 0, 0, 0, 0, 120, 20, 0, 0, 0, 0]), Buffer.from('03000161'.repeat(30), 'hex')]),
    ];
    await Promise.all(attacks.map(async (bytes) => {
      const socket = connect(1935 + server.offset, '127.0.0.1');
      socket.on('error', () => {});
      socket.resume();
      const closed = new Promise((resolve) => socket.on('close', resolve));
      socket.write(bytes);
      await within('the server to hang up', closed, 15_000);
    }));
    // As many as may be half open from one address: more are turned away.
    const idle = Array.from({ length: 200 }, () => connect(1935 + server.offset, '127.0.0.1').on('error', () => {}));
    isShow(await playing);
    idle.forEach((socket) => socket.destroy());
    isShow(await decode(['-i', rtmp('calm')], { nine: false }));
  });
});
