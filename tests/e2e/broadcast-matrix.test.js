// Every way in against every way out, with real tools: pictures decoded, speech
// or sound heard, or a refusal that says why. The table in docs/broadcast.md is
// what comes out of here: UPDATE_DOCS=1 writes it, otherwise it is compared.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';

import { decode, isShow, publish } from './harness/encoder.js';
import { hears, sees } from './harness/media.js';
import { root } from './harness/paths.js';
import { stage } from './harness/scenario.js';
import { until } from './harness/wait.js';

const OUT = ['room', 'WHEP', 'LL-HLS', 'FLV', 'RTMP', 'SRT', 'recording'];
const YES = '✔';
const page = join(root, 'docs', 'broadcast.md');
const table = new Map();

const stageOf = stage('broadcast-matrix');

/** Ways in: how it publishes, and what of it WebRTC cannot show (`dark`). */
const IN = {
  'RTMP, H.264 + AAC': {
    start: (scene) => publish(['-f', 'flv', rtmp(scene)]),
  },
  'RTMP, H.264 with B-frames + AAC': {
    start: (scene) => publish(['-f', 'flv', rtmp(scene)], { video: 'h264 with B-frames' }),
    dark: /B-frames/,
  },
  'Enhanced RTMP, H.265 + Opus': {
    start: (scene) => publish(['-f', 'flv', rtmp(scene)], { video: 'hevc', audio: 'opus', nine: true }),
    dark: /H\.265/,
  },
  'Enhanced RTMP, AV1 + Opus': {
    start: (scene) => publish(['-f', 'flv', rtmp(scene)], { video: 'av1', audio: 'opus', nine: true }),
    // Sent as its specification for transport streams says; FFmpeg waits for ever.
    untried: { SRT: 'FFmpeg reads no AV1 in transport streams' },
  },
  'SRT, H.264 + AAC': {
    start: (scene) => publish(['-f', 'mpegts', `${srt(scene)}?streamid=#!::r=live/${scene.room},m=publish&pkt_size=1316`]),
  },
  'WHIP, H.264 + Opus': {
    start: (scene) => publish(['-f', 'whip', `${scene.server.http}/whip/${scene.room}`], { audio: 'opus', nine: true }),
  },
  'browser, H.264 + Opus': {
    start: (scene) => browser(scene, 'h264'),
  },
  'browser, VP8 + Opus': {
    start: (scene) => browser(scene, 'vp8'),
    untried: { FLV: 'FFmpeg reads no VP8 in FLV', RTMP: 'FFmpeg reads no VP8 in FLV', SRT: 'transport streams have no VP8' },
    refused: { 'LL-HLS': /VP8/ },
  },
};

const rtmp = (scene) => `rtmp://127.0.0.1:${1935 + scene.server.offset}/live/${scene.room}`;
const srt = (scene) => `srt://127.0.0.1:${8890 + scene.server.offset}`;

async function browser(scene, videoCodec) {
  const ann = await scene.join('encoder');
  await ann.evaluate(() => client.microphone());
  await ann.evaluate((videoCodec) => client.camera({ videoCodec, simulcast: false, backupCodec: false }), videoCodec);
  return { stop: async () => {}, log: '' };
}

for (const [name, way] of Object.entries(IN)) {
  stageOf.scenario(name, async (scene) => {
    const row = new Map();
    table.set(name, row);
    const encoder = await way.start(scene);
    scene.defer(() => encoder.stop());
    await live(scene, encoder);
    const viewer = await scene.join('viewer');
    row.set('room', await outcome('room', () => room(scene, viewer, way)));
    row.set('WHEP', await outcome('WHEP', () => whep(scene, way)));
    const recording = record(scene);
    const players = {
      'LL-HLS': ['-i', `${scene.server.http}/hls/${scene.room}/index.m3u8`],
      FLV: ['-i', `${scene.server.http}/flv/${scene.room}.flv`],
      RTMP: ['-i', rtmp(scene)],
      SRT: ['-i', `${srt(scene)}?streamid=#!::r=live/${scene.room},m=request`],
    };
    for (const [out, input] of Object.entries(players)) {
      if (way.untried?.[out]) {
        row.set(out, `– ${way.untried[out]}`);
        continue;
      }
      const refused = way.refused?.[out];
      row.set(out, await outcome(out, () => (refused ? refuses(input.at(-1), refused) : plays(input))));
    }
    row.set('recording', await outcome('recording', async () => plays(['-i', await recording])));
  }, { seconds: 150 });
}

/** What the table says; a failure of a way out is that of the test. */
async function outcome(out, body) {
  try {
    return (await body()) ?? YES;
  } catch (error) {
    error.message = `${out}: ${error.message}`;
    throw error;
  }
}

/** The encoder is there: the room has somebody who publishes. */
async function live(scene, encoder) {
  try {
    await until('the encoder to publish', async () => {
      const [encoder] = (await scene.server.rooms.listParticipants(scene.room).catch(() => []))
        .filter(({ identity }) => identity === 'encoder');
      return encoder?.tracks.length > 0;
    }, 20_000);
  } catch (error) {
    throw new Error(`${error.message}\n--- its log\n${encoder.log}`);
  }
}

async function room(scene, viewer, { dark }) {
  await hears(viewer, 'encoder');
  if (!dark) {
    await sees(viewer, 'encoder', { frames: 20 });
    return YES;
  }
  return why(scene, dark);
}

/** The server's own words for what is left out of the room. */
async function why(scene, expected) {
  const token = await scene.server.token('', 'tester', { roomJoin: false, roomList: true });
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${scene.server.http}/broadcast/v1/streams/${scene.room}`, { headers });
  const { encoders } = await answer.json();
  const words = encoders[0].tracks.find(({ kind }) => kind === 'video').not_in_room;
  assert.match(words, expected);
  return 'sound only: ' + (expected.source.includes('B-frames') ? 'WebRTC has no B-frames ¹' : 'browsers have no H.265 ¹');
}

async function whep(scene, { dark }) {
  const page = await scene.page('whep');
  await until('WHEP to let in', async () => {
    const url = `${scene.server.http}/whep/${scene.room}`;
    const { status } = await page.evaluate((url) => (globalThis.viewer = new Viewer()).watch(url), url);
    return status === 201;
  });
  await page.until('sound by WHEP', () => viewer.loudness.filter((level) => level > 0.01).length >= 10, null, 20_000);
  if (dark) return why(scene, dark);
  await page.until('pictures by WHEP', () => viewer.view.pictures > 20, null, 20_000);
  await page.close();
  return YES;
}

/** Records for some seconds; the file's name. */
async function record(scene) {
  const { server, room } = scene;
  const token = await server.token('', 'tester', { roomJoin: false, roomRecord: true });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const url = `${server.http}/broadcast/v1/recordings`;
  const begun = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ room }) });
  assert.equal(begun.status, 201, await begun.clone().text());
  const { id } = await begun.json();
  await new Promise((resolve) => setTimeout(resolve, 7_000));
  const ended = await (await fetch(`${url}/${id}`, { method: 'DELETE', headers })).json();
  assert.ok(ended.files?.length > 0, JSON.stringify(ended));
  return ended.files[0].path ?? ended.files[0];
}

/** The address answers in words that it cannot play this. */
async function refuses(url, expected) {
  const answer = await fetch(url);
  const words = await answer.text();
  assert.equal(answer.status, 406, words);
  assert.match(words, expected);
  return `refused: ${words.trim()}`;
}

async function plays(input) {
  isShow(await decode(input, { seconds: 2, withinMs: 40_000 }), { least: 40 });
}

after(() => {
  if (table.size < Object.keys(IN).length) return;
  const text = readFileSync(page, 'utf8');
  const [, head, , tail] = /^(.*<!-- matrix -->\n)(.*)(<!-- \/matrix -->.*)$/s.exec(text);
  const rows = [...table].map(([name, row]) => `| ${[name, ...OUT.map((out) => row.get(out))].join(' | ')} |`);
  const made = [`| in \\ out | ${OUT.join(' | ')} |`, `|---|${OUT.map(() => '---').join('|')}|`, ...rows, ''].join('\n');
  if (process.env.UPDATE_DOCS) writeFileSync(page, head + made + tail);
  else assert.equal(text, head + made + tail, 'the table in docs/broadcast.md is not what these tests found: UPDATE_DOCS=1 writes it');
});
