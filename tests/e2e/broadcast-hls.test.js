// LL-HLS and recordings: published by ffmpeg, played by hls.js and shaka in Chromium, by
// ffmpeg and GStreamer, and by the checker.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { Visitor, launch } from './harness/browser.js';
import { decode, isShow, publish } from './harness/encoder.js';
import { servePages } from './harness/pages.js';
import { serverBinary } from './harness/paths.js';
import { Server } from './harness/server.js';
import { until, within } from './harness/wait.js';

const run = promisify(execFile);
const scratch = mkdtempSync(join(tmpdir(), 'surecast-hls-'));
let server;
let pages;
let browser;
const encoders = new Set();

before(async () => {
  server = await Server.start('broadcast-hls', { env: { SURECAST_LOG__LEVEL: 'info,surecast=debug' } });
  pages = await servePages();
  browser = await launch();
});
after(async () => {
  for (const encoder of encoders) await encoder.stop();
  await browser?.close();
  pages?.close();
  await server?.stop();
  rmSync(scratch, { recursive: true, force: true });
});

/** Publishes to the room by SRT. */
function encode(room, options, to = server) {
  const url = `srt://127.0.0.1:${8890 + to.offset}?streamid=publish:${room}&pkt_size=1316`;
  const encoder = publish(['-f', 'mpegts', url], options);
  encoders.add(encoder);
  return encoder;
}

const address = (room, to = server) => `${to.http}/hls/${room}/index.m3u8`;

/** Waits until the room can be played. */
function live(room, to = server) {
  return until(`${room} to be live`, async () => (await fetch(address(room, to))).ok, 40_000);
}

const state = (page) => page.evaluate(() => hlsPage.state());

/** Frames are decoded, and something is to be heard. */
async function plays(page, { frames = 60, withinMs = 40_000 } = {}) {
  let loudest = 0;
  let last;
  try {
    return await until('frames and sound', async () => {
      last = await state(page);
      loudest = Math.max(loudest, last.loudness);
      return last.frames >= frames && loudest > 0.02 && { ...last, loudest };
    }, withinMs);
  } catch (error) {
    throw new Error(`${error.message}\n${JSON.stringify(last)}\n${page.tail()}\n${server.tail()}`);
  }
}

test('hls.js and shaka play it with low latency', { timeout: 90_000 }, async (t) => {
  encode('show', { video: 'h264 with B-frames' });
  await live('show');
  const [hlsjs, shaka] = await Promise.all(['hls.js', 'shaka'].map((name) => Visitor.open(browser, `${pages.url}hls`, { name })));
  await hlsjs.evaluate((url) => hlsPage.playHlsJs(url), address('show'));
  const seen = await plays(hlsjs);
  // Behind the end of the playlist: it begins where it can and catches up. The clock
  // tells as well how late the encoder is, which a busy machine makes.
  const latency = await until('to be two seconds behind at most', async () => {
    const { edge } = await state(hlsjs);
    return edge < 2 && edge;
  }, 25_000);
  const { latency: byClock } = await state(hlsjs);
  t.diagnostic(`hls.js: ${latency.toFixed(2)} s behind the live edge, ${byClock} ms by the clock, ${seen.dropped} frames dropped`);
  assert.ok(!seen.errors.some((it) => it.includes('fatal=true')), seen.errors.join('\n'));
  await hlsjs.close();
  await shaka.evaluate((url) => hlsPage.playShaka(url), address('show'));
  const other = await plays(shaka);
  t.diagnostic(`shaka: ${(await state(shaka)).latency} ms behind, ${other.frames} frames`);
  const viewers = await (await fetch(`${server.http}/metrics`)).text();
  assert.match(viewers, /hls/);
  await shaka.close();
});

test('ffmpeg and GStreamer decode it', { timeout: 90_000 }, async () => {
  await live('show');
  isShow(await decode(['-i', address('show')], { withinMs: 40_000 }));
  // Who takes transport streams only.
  isShow(await decode(['-i', `${server.http}/hls/show/ts.m3u8`], { nine: false, withinMs: 40_000 }));
  for (const [file, demux] of [['index.m3u8', 'qtdemux'], ['ts.m3u8', 'tsdemux']]) {
    const source = ['souphttpsrc', `location=${server.http}/hls/show/${file}`, '!', 'hlsdemux', '!', demux];
    const sink = ['h264parse', '!', 'avdec_h264', '!', 'fakesink', 'silent=false'];
    const gst = spawn('gst-launch-1.0', ['-v', ...source, '!', ...sink], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [gst.stdout, gst.stderr]) stream.on('data', (chunk) => { said = (said + chunk).slice(-100_000); });
    const frames = () => said.match(/last-message = chain/g)?.length ?? 0;
    try {
      await until(`60 frames of ${file}`, () => frames() >= 60, 30_000);
      assert.match(said, /video\/x-raw.*width=\(int\)640/);
    } catch (error) {
      throw new Error(`${error.message}: ${frames()}\n${said.slice(-3000)}`);
    } finally {
      gst.kill('SIGKILL');
    }
  }
});

test('the checker finds no fault, also when the encoder comes back with another picture', { timeout: 90_000 }, async (t) => {
  const first = encode('check', { video: 'h264' });
  await live('check');
  const checked = run(serverBinary(), ['hls', 'check', address('check'), '--seconds', '22']).catch((error) => error);
  await new Promise((resolve) => setTimeout(resolve, 8_000));
  await first.stop();
  encode('check', { video: 'h264', extra: ['-s', '320x180'] });
  const { stdout, stderr } = await within('the checker', checked, 60_000);
  t.diagnostic(stdout);
  assert.match(stdout, /\d+ parts/);
  assert.ok(!/[1-9]\d* faults/.test(stdout), `${stdout}\n${stderr}\n${server.tail()}`);
  const playlist = await (await fetch(`${server.http}/hls/check/video.m3u8`)).text();
  assert.match(playlist, /#EXT-X-DISCONTINUITY\n/);
});

test('answers say what caches may do, and what is wrong', async () => {
  await live('show');
  const multivariant = await fetch(address('show'));
  assert.equal(multivariant.headers.get('cache-control'), 'no-store');
  assert.equal(multivariant.headers.get('access-control-allow-origin'), '*');
  const media = (await multivariant.text()).split('\n').find((line) => line.startsWith('video.m3u8'));
  const playlist = await fetch(`${server.http}/hls/show/${media}`);
  assert.equal(playlist.headers.get('content-type'), 'application/vnd.apple.mpegurl');
  const text = await playlist.text();
  const segment = text.split('\n').find((line) => line.startsWith('video/'));
  const answer = await fetch(`${server.http}/hls/show/${segment}`);
  assert.match(answer.headers.get('cache-control'), /immutable/);
  assert.equal(Number(answer.headers.get('content-length')), (await answer.arrayBuffer()).byteLength);
  const status = async (path) => (await fetch(`${server.http}/hls/show/${path}`)).status;
  assert.equal(await status('video.m3u8?_HLS_msn=99999999999'), 400);
  assert.equal(await status('video.m3u8?_HLS_part=1'), 400);
  assert.equal(await status('other.m3u8'), 404);
  assert.equal(await status('video/0/1.m4s'), 404);
  assert.equal((await fetch(`${server.http}/hls/nobody/index.m3u8`)).status, 404);
});

test('a recording plays, also when the server was killed', { timeout: 90_000 }, async () => {
  const dataDir = mkdtempSync(join(scratch, 'data-'));
  const own = await Server.start('broadcast-hls-record', { dataDir });
  const encoder = encode('tape', { video: 'h264 with B-frames' }, own);
  const token = await own.token('tape', 'editor', { roomRecord: true });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const url = `${own.http}/broadcast/v1/recordings`;
  const body = JSON.stringify({ room: 'tape' });
  const begin = () => fetch(url, { method: 'POST', headers, body });
  const started = await until('a recording', async () => {
    const answer = await begin();
    return answer.status === 201 && answer.json();
  }, 30_000);
  const killed = await (await begin()).json();
  await new Promise((resolve) => setTimeout(resolve, 7_000));
  const done = await (await fetch(`${url}/${started.id}`, { method: 'DELETE', headers })).json();
  assert.equal(done.status, 'complete', JSON.stringify(done));
  isShow(await decode(['-i', done.files[0].path]));
  assert.equal((await fetch(url)).status, 401);
  const going = await (await fetch(`${url}/${killed.id}`, { headers })).json();
  assert.equal(going.status, 'recording');
  own.process.kill('SIGKILL');
  await own.exited;
  await encoder.stop();
  const file = going.files[0].path;
  assert.ok(readdirSync(join(file, '..')).length === 1);
  isShow(await decode(['-i', file]));
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', file]);
  assert.deepEqual(stdout.trim().split('\n').sort(), ['aac', 'h264']);
});
