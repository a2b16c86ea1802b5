// SRT: encoders and players that are ffmpeg and srt-live-transmit, on good and bad networks.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { BadNetwork } from './harness/bad-network.js';
import { Ffmpeg, decode, isShow, publish } from './harness/encoder.js';
import { Server } from './harness/server.js';
import { until, within } from './harness/wait.js';

const PASSPHRASE = 'correct-horse-battery';
const scratch = mkdtempSync(join(tmpdir(), 'surecast-srt-'));
let open;
let secret;

before(async () => {
  open = await Server.start('broadcast-srt', { env: { SURECAST_LOG__LEVEL: 'info,surecast=debug' } });
  secret = await Server.start('broadcast-srt-secret', { env: { SURECAST_SRT__PASSPHRASE: PASSPHRASE } });
});
after(async () => {
  rmSync(scratch, { recursive: true, force: true });
  await open?.stop();
  await secret?.stop();
});

/** An SRT URL as ffmpeg takes it, which decodes nothing; `options` are its own. */
function url(server, streamid, { port = 8890 + server.offset, ...options } = {}) {
  const query = Object.entries({ streamid, pkt_size: '1316', ...options }).map((pair) => pair.join('='));
  return `srt://127.0.0.1:${port}?${query.join('&')}`;
}

const mpegts = (target) => ['-f', 'mpegts', target];

/** Runs `body` while `encoder` publishes to `room`, and ends the encoder. */
async function whilePublishing(server, encoder, room, body) {
  try {
    const left = encoder.exited.then(() => { throw new Error('the encoder has left'); });
    const live = until(`${room} to be live`, () => isLive(server, room), 20_000);
    await Promise.race([live, left]);
    return await body();
  } catch (error) {
    error.stack = `${error.stack}\n--- encoder\n${encoder.log}\n${server.tail()}`;
    throw error;
  } finally {
    await encoder.stop();
  }
}

async function isLive(server, room) {
  const token = await server.token('', 'tester', { roomJoin: false, roomList: true });
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${server.http}/broadcast/v1/streams/${room}`, { headers });
  return answer.ok && (await answer.json()).live;
}

/** The sum of a counter over its labels. */
async function counter(server, name) {
  const text = await (await fetch(`${server.http}/metrics`)).text();
  const lines = text.split('\n').filter((line) => new RegExp(`^surecast_${name}(\\{|\\s)`).test(line));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

test('H.264 with B-frames and AAC come in and go out', { timeout: 60_000 }, async () => {
  const encoder = publish(mpegts(url(open, '#!::r=live/show,m=publish')), { video: 'h264 with B-frames' });
  await whilePublishing(open, encoder, 'show', async () => {
    const file = join(scratch, 'show.ts');
    const copy = new Ffmpeg(['-loglevel', 'warning', '-i', url(open, '#!::r=live/show,m=request'), '-t', '5', '-c', 'copy', '-y', file]);
    isShow(await decode(['-i', url(open, 'read:show')], { nine: false }));
    await within('the copy', copy.exited, 20_000);
    isShow(await decode(['-i', file], { nine: false }));
  });
});

test('srt-live-transmit plays it', { timeout: 60_000 }, async () => {
  const encoder = publish(mpegts(url(open, 'publish:relay')));
  await whilePublishing(open, encoder, 'relay', async () => {
    const file = join(scratch, 'relay.ts');
    const target = `srt://127.0.0.1:${8890 + open.offset}?streamid=#!::r=live/relay,m=request`;
    const relay = spawn('srt-live-transmit', ['-loglevel:error', target, 'file://con'], { stdio: ['ignore', 'pipe', 'inherit'] });
    relay.stdout.pipe(createWriteStream(file));
    try {
      await until('five seconds of it', () => existsSync(file) && statSync(file).size > 500_000, 20_000);
    } finally {
      relay.kill('SIGKILL');
    }
    isShow(await decode(['-i', file], { nine: false }));
  });
});

test('HEVC and Opus come in and go out', { timeout: 60_000 }, async () => {
  const encoder = publish(mpegts(url(open, 'publish:hevc')), { video: 'hevc', audio: 'opus' });
  await whilePublishing(open, encoder, 'hevc', async () => {
    isShow(await decode(['-i', url(open, 'read:hevc')], { nine: false }));
  });
});

test('with a passphrase, and with a wrong one', { timeout: 60_000 }, async () => {
  const encoder = publish(mpegts(url(secret, 'publish:secret', { passphrase: PASSPHRASE, pbkeylen: '32' })));
  await whilePublishing(secret, encoder, 'secret', async () => {
    isShow(await decode(['-i', url(secret, 'read:secret', { passphrase: PASSPHRASE })], { nine: false }));
    for (const options of [{ passphrase: 'wrong-horse-battery' }, {}]) {
      const player = new Ffmpeg(['-i', url(secret, 'read:secret', options), '-t', '1', '-f', 'null', '-']);
      assert.notEqual(await within('the refusal', player.exited, 10_000), 0, player.log);
      assert.match(player.log, options.passphrase ? /Incorrect passphrase/ : /REJECT/i);
    }
  });
});

test('who may not is told so', { timeout: 60_000 }, async () => {
  const viewer = await open.token('show', 'viewer', { canPublish: false });
  for (const [streamid, words] of [
    [`#!::r=live/show,m=publish,token=${viewer}`, /the token does not allow this: it lacks the canPublish grant/],
    ['#!::r=live/show,m=publish,token=nonsense', /invalid token/],
    ['read:nothing-there', /nothing is live in room nothing-there/],
    ['#!::m=publish', /the stream id names no room/],
  ]) {
    const encoder = streamid.includes('publish')
      ? publish(mpegts(url(open, streamid)))
      : new Ffmpeg(['-i', url(open, streamid), '-t', '1', '-f', 'null', '-']);
    assert.notEqual(await within(`${streamid} to be refused`, encoder.exited, 10_000), 0, encoder.log);
    assert.match(open.tail(20), words);
  }
});

test('loss is repaired, replayed and made-up datagrams do no harm', { timeout: 90_000 }, async () => {
  const network = await BadNetwork.open(8890 + open.offset, { loss: 0.03, double: 0.02, garbage: 0.02 });
  const latency = String(400_000);
  const missed = await counter(open, 'srt_packets_missed_total');
  const lost = await counter(open, 'srt_packets_lost_total');
  try {
    const encoder = publish(mpegts(url(open, 'publish:lossy', { port: network.port, latency })));
    await whilePublishing(open, encoder, 'lossy', async () => {
      const played = await decode(['-i', url(open, 'read:lossy', { port: network.port, latency })], { nine: false, seconds: 6 });
      isShow(played, { least: 120 });
      assert.doesNotMatch(played.log, /corrupt|concealing|error while decoding/i);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const missedNow = (await counter(open, 'srt_packets_missed_total')) - missed;
      const lostNow = (await counter(open, 'srt_packets_lost_total')) - lost;
      assert.ok(network.counted.lost > 20, JSON.stringify(network.counted));
      assert.ok(missedNow > 10, `${missedNow} packets were missed`);
      assert.ok(lostNow <= 2, `${lostNow} of ${missedNow} packets that were missed never came`);
      assert.ok((await counter(open, 'srt_packets_retransmitted_total')) > 5);
    });
  } finally {
    network.close();
  }
});
