// Pulls: the server fetches streams from URLs and files, and from nowhere it may not.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { IngressClient, IngressInput } from 'livekit-server-sdk';

import { Ffmpeg, decode, isShow } from './harness/encoder.js';
import { mediaFile } from './harness/paths.js';
import { KEY, SECRET, Server } from './harness/server.js';
import { until } from './harness/wait.js';

/** `IngressState.Status.ENDPOINT_PUBLISHING`, which the SDK does not export. */
const PUBLISHING = 2;
const directory = mkdtempSync(join(tmpdir(), 'surecast-pull-'));
let open;
let strict;
let web;

before(async () => {
  makeShow();
  web = await serve();
  open = await Server.start('broadcast-pull', {
    env: { SURECAST_BROADCAST__PULL_PRIVATE: 'true', SURECAST_BROADCAST__PULL_FILES: directory },
  });
  strict = await Server.start('broadcast-pull-strict');
});
after(async () => {
  web?.closeAllConnections();
  web?.close();
  await open?.stop();
  await strict?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Eight seconds of the fake camera and microphone, as a file and as HLS. */
function makeShow() {
  const input = ['-v', 'error', '-r', '30', '-t', '8', '-i', mediaFile('person.mjpeg'), '-t', '8', '-i', mediaFile('person.wav')];
  const codecs = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '30', '-c:a', 'aac', '-ac', '2', '-ar', '48000'];
  execFileSync('ffmpeg', [...input, ...codecs, join(directory, 'show.mp4')]);
  execFileSync('ffmpeg', ['-v', 'error', '-i', join(directory, 'show.mp4'), '-c', 'copy', join(directory, 'show.ts')]);
  execFileSync('ffmpeg', ['-v', 'error', '-i', join(directory, 'show.mp4'), '-c', 'copy', '-hls_time', '2', '-hls_list_size', '0', join(directory, 'index.m3u8')]);
}

/** Serves the directory, and `/redirect` to wherever its query says. */
async function serve() {
  const server = createServer((request, response) => {
    const [path, query] = request.url.split('?');
    if (path === '/redirect') {
      response.writeHead(302, { location: decodeURIComponent(query) }).end();
      return;
    }
    createReadStream(join(directory, path)).on('error', () => response.writeHead(404).end()).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const webUrl = (path) => `http://127.0.0.1:${web.address().port}${path}`;

/** Calls the API of pulls as an ingress administrator. */
async function pulls(server, { method = 'GET', id = '', body, grant = { ingressAdmin: true } } = {}) {
  const token = await server.token('', 'operator', { roomJoin: false, ...grant });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await fetch(`${server.http}/broadcast/v1/pulls${id && `/${id}`}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, text, json: /^[[{]/.test(text) ? JSON.parse(text) : undefined };
}

const add = (server, body) => pulls(server, { method: 'POST', body });

async function shown(server, id) {
  return (await pulls(server)).json.find((pull) => pull.id === id);
}

/** Pulls `url` and watches the room by SRT. */
async function watches(url, room, body = async () => {}) {
  const made = await add(open, { room, url });
  assert.equal(made.status, 201, made.text);
  const { id } = made.json;
  try {
    await until(`${url} to be live`, async () => (await shown(open, id)).state === 'live', 15_000)
      .catch(async (error) => { throw new Error(`${error.message}\n${JSON.stringify(await shown(open, id))}\n${open.tail()}`); });
    isShow(await decode(['-i', `srt://127.0.0.1:${8890 + open.offset}?streamid=read:${room}`], { nine: false, seconds: 3 }), { least: 45 });
    await body(id);
  } finally {
    assert.equal((await pulls(open, { method: 'DELETE', id })).status, 204);
  }
  assert.equal(await shown(open, id), undefined);
}

test('a file in a loop', { timeout: 60_000 }, () => watches('file:///show.mp4', 'file'));
test('MPEG-TS by HTTP', { timeout: 60_000 }, () => watches(webUrl('/show.ts'), 'http'));
test('HLS, through a redirect', { timeout: 60_000 }, () => watches(webUrl(`/redirect?${encodeURIComponent(webUrl('/index.m3u8'))}`), 'hls'));

test('RTMP', { timeout: 60_000 }, async () => {
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const source = new Ffmpeg([
    '-loglevel', 'error', '-re', '-stream_loop', '-1', '-i', join(directory, 'show.mp4'),
    '-c', 'copy', '-f', 'flv', '-listen', '1', `rtmp://127.0.0.1:${port}/live/show`,
  ]);
  try {
    await watches(`rtmp://127.0.0.1:${port}/live/show`, 'rtmp');
  } finally {
    await source.stop('SIGKILL');
  }
});

test('SRT, and again when the source comes back', { timeout: 90_000 }, async () => {
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const listen = () => new Ffmpeg([
    '-loglevel', 'error', '-re', '-stream_loop', '-1', '-i', join(directory, 'show.ts'),
    '-c', 'copy', '-f', 'mpegts', `srt://127.0.0.1:${port}?mode=listener&pkt_size=1316`,
  ]);
  let source = listen();
  try {
    await watches(`srt://127.0.0.1:${port}?latency=100`, 'srt', async (id) => {
      await source.stop('SIGKILL');
      const waiting = await until('the pull to notice', async () => {
        const pull = await shown(open, id);
        return pull.restarts > 0 && pull;
      }, 15_000);
      assert.match(waiting.error, /SRT: /);
      source = listen();
      await until('the pull to be live again', async () => (await shown(open, id)).state === 'live', 20_000);
    });
  } finally {
    await source.stop('SIGKILL');
  }
});

test('a source that is not there is told in words', { timeout: 30_000 }, async () => {
  const made = await add(open, { room: 'none', url: webUrl('/nothing.ts') });
  assert.equal(made.status, 201, made.text);
  const { id } = made.json;
  const pull = await until('the pull to fail', async () => {
    const pull = await shown(open, id);
    return pull.error && pull;
  }, 15_000);
  assert.match(pull.error, /ffmpeg: .*404/);
  await pulls(open, { method: 'DELETE', id });
});

test('private addresses, foreign schemes and foreign files are refused', { timeout: 60_000 }, async () => {
  for (const url of [webUrl('/show.ts'), 'http://localhost/', 'http://169.254.169.254/latest', 'rtmp://10.0.0.1/live/x', 'srt://[::1]:9', 'http://[::ffff:127.0.0.1]/']) {
    const refused = await add(strict, { room: 'r', url });
    assert.equal(refused.status, 403, `${url}: ${refused.text}`);
    assert.match(refused.text, /not a public address/);
  }
  for (const [url, words] of [['file:///etc/passwd', /files are not pulled here/], ['concat:a|b', /no URL that can be pulled/], ['gopher://a/', /`gopher`/]]) {
    const refused = await add(strict, { room: 'r', url });
    assert.equal(refused.status, 400, refused.text);
    assert.match(refused.text, words);
  }
  const outside = await add(open, { room: 'r', url: 'file:///../../etc/passwd' });
  assert.equal(outside.status, 400, outside.text);
});

test('only who may administer ingresses or the room pulls', { timeout: 30_000 }, async () => {
  const body = { room: 'mine', url: 'file:///show.mp4' };
  for (const [grant, status] of [[{}, 403], [{ roomAdmin: true, room: 'other' }, 403], [{ roomAdmin: true, room: 'mine' }, 201]]) {
    const made = await pulls(open, { method: 'POST', body, grant });
    assert.equal(made.status, status, made.text);
    if (made.json) {
      assert.equal((await pulls(open, { method: 'DELETE', id: made.json.id, grant: { roomAdmin: true, room: 'other' } })).status, 403);
      assert.equal((await pulls(open, { method: 'DELETE', id: made.json.id, grant })).status, 204);
    }
  }
  assert.equal((await fetch(`${open.http}/broadcast/v1/pulls`)).status, 401);
});

test('an ingress with a URL, by the LiveKit SDK', { timeout: 60_000 }, async () => {
  const client = new IngressClient(open.http, KEY, SECRET);
  const room = 'ingress';
  const wanted = { name: 'loop', roomName: room, participantIdentity: 'loop', url: 'file:///show.mp4' };
  const made = await client.createIngress(IngressInput.URL_INPUT, wanted);
  const state = async () => (await client.listIngress({ ingressId: made.ingressId }))[0]?.state.status;
  await until('the ingress to publish', async () => (await state()) === PUBLISHING, 15_000);
  assert.equal((await shown(open, made.ingressId)).state, 'live');
  isShow(await decode(['-i', `srt://127.0.0.1:${8890 + open.offset}?streamid=read:${room}`], { nine: false, seconds: 3 }), { least: 45 });
  await client.deleteIngress(made.ingressId);
  assert.equal(await shown(open, made.ingressId), undefined);
  await assert.rejects(client.createIngress(IngressInput.URL_INPUT, { ...wanted, url: 'gopher://a/' }), /`gopher` is no URL/);
});
