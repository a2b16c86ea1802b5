// The console's pages for broadcasting, with real encoders: what the go live page says
// is what ffmpeg is given, and the watch page plays it by every door.

import assert from 'node:assert/strict';

import { publish } from './harness/encoder.js';
import { stage } from './harness/scenario.js';

const { scenario } = stage('broadcast-console');

scenario('the go live page says what to enter, and shows what then arrives', async (scene) => {
  const studio = await goLive(scene, 'srt');
  await studio.until('to wait for the encoder', () => document.querySelector('[data-testid="health"]').dataset.state === 'waiting');
  publishes(scene, ['-f', 'mpegts', await value(studio, 'srt-url')]);
  await arrives(studio);
  await studio.until('plots', () => document.querySelectorAll('[data-testid="health-plots"] canvas').length === 4);
  assert.equal(await studio.page.getByTestId('on-air').textContent(), 'Live');
}, { seconds: 60 });

scenario('server and stream key for RTMP are ones that ffmpeg takes', async (scene) => {
  if (!(await has(scene, 'rtmp'))) return;
  const studio = await goLive(scene, 'rtmp');
  const server = await value(studio, 'rtmp-server');
  const key = await value(studio, 'rtmp-key');
  assert.match(key, new RegExp(`^${scene.room}\\?token=[\\w.-]+$`));
  assert.equal(await value(studio, 'rtmp-url'), `${server}/${key}`);
  publishes(scene, ['-f', 'flv', `${server}/${key}`]);
  await arrives(studio);
}, { seconds: 60 });

scenario('the page gives advice about a stream that could be better', async (scene) => {
  const studio = await goLive(scene, 'srt');
  const output = ['-f', 'mpegts', await value(studio, 'srt-url')];
  publishes(scene, output, { video: 'h264 with B-frames', audio: 'none', extra: ['-g', '300', '-keyint_min', '300'] });
  const advice = (about) => studio.until(`advice about ${about}`, (about) =>
    document.querySelector(`[data-testid="advice"] [data-about="${about}"]`)?.innerText, about, 30_000);
  assert.match(await advice('notInRoom'), /B-frames/);
  await advice('noAudio');
  await advice('keyframes');
}, { seconds: 60 });

scenario('the watch page waits, and plays by each door as soon as somebody is live', async (scene) => {
  const pages = {};
  for (const by of await doors(scene)) pages[by] = await watch(scene, `?by=${by}`);
  await Promise.all(Object.values(pages).map((page) => page.page.getByTestId('watch-waiting').waitFor()));
  const studio = await goLive(scene, 'srt');
  publishes(scene, ['-f', 'mpegts', await value(studio, 'srt-url')]);
  for (const [by, page] of Object.entries(pages)) {
    const { reading } = await plays(page, by);
    assert.ok(reading.delayMs > 0 && reading.delayMs < 10_000, `${by}: a delay of ${reading.delayMs} ms`);
    await page.page.getByTestId('watch-stats').click();
    await page.until('the size in the statistics', () => /^\d+×\d+$/.test(document.querySelector('[data-stat="resolution"] dd')?.textContent));
  }
  await studio.until('the viewers', (least) =>
    Number(document.querySelector('[data-testid="health-viewers"]')?.textContent) >= least, Object.keys(pages).length, 20_000);
}, { seconds: 90 });

scenario('what WebRTC cannot show plays by the next door', async (scene) => {
  if (!(await has(scene, 'hls'))) return;
  const studio = await goLive(scene, 'srt');
  publishes(scene, ['-f', 'mpegts', await value(studio, 'srt-url')], { video: 'h264 with B-frames' });
  const view = await plays(await watch(scene), 'hls');
  assert.equal(view.picker.attempts[0]?.door, 'whep');
}, { seconds: 60 });

scenario('a link for viewers lets watch, and another one does not', async (scene) => {
  const studio = await goLive(scene, 'srt');
  await studio.page.getByTestId('share-button').click();
  const link = await value(studio, 'share-link');
  assert.ok(link.startsWith(`${scene.server.http}/watch/${scene.room}#token=`), link);
  const invited = await scene.page('invited', link);
  await invited.page.getByTestId('watch-waiting').waitFor();
  const stranger = await watch(scene, '#token=a.b.c');
  await stranger.page.getByTestId('watch-denied').waitFor();
});

/** The go live page of the test's room, with the settings for this protocol. */
async function goLive(scene, protocol) {
  const studio = await scene.page('studio', `${scene.server.http}/golive/${scene.room}`, { locale: 'en-US' });
  await studio.page.getByTestId(`protocol-${protocol}`).click();
  return studio;
}

function watch(scene, rest = '') {
  return scene.page(`viewer${rest}`, `${scene.server.http}/watch/${scene.room}${rest}`, { locale: 'en-US' });
}

/** A value to copy, which may be hidden. */
async function value(studio, testId) {
  const field = studio.page.getByTestId(testId);
  await field.waitFor();
  const reveal = studio.page.getByTestId(`${testId}-reveal`);
  if (await reveal.count()) await reveal.click();
  return field.textContent();
}

function publishes(scene, output, options) {
  const encoder = publish(output, options);
  scene.defer(() => encoder.stop());
}

/** What ffmpeg sends: H.264 at 30 frames a second with a keyframe each second, and AAC. */
function arrives(studio) {
  return studio.until('the facts of the stream', () => {
    const fact = (name) => document.querySelector(`[data-testid="health-${name}"]`)?.textContent;
    const sound = fact('audio-codec') === 'AAC';
    return sound && fact('video-codec') === 'H.264' && Number(fact('fps')) > 15 && fact('group') === '1.0 s';
  }, null, 30_000);
}

/** The doors for players that this server has. */
async function doors(scene) {
  const found = [];
  for (const door of ['whep', 'hls', 'flv']) if (await has(scene, door)) found.push(door);
  return found;
}

/** Whether the server has this door: what nobody answers ends as `not found`. */
async function has(scene, door) {
  const { http } = scene.server;
  if (door === 'rtmp') return ((await (await fetch(`${http}/console/config.json`)).json()).rtmpPort ?? 0) > 0;
  const path = { whep: '/whep/none', hls: '/hls/none/index.m3u8', flv: '/flv/none.flv' }[door];
  const answer = await fetch(http + path);
  return (await answer.text()) !== 'not found\n';
}

/** The page shows decoded pictures by this door; what it knows then. */
function plays(page, by) {
  return page.until(`pictures by ${by}`, (by) => {
    const { view } = globalThis.__surecastWatch ?? {};
    const video = document.querySelector('[data-testid="watch-video"]');
    const decoded = video?.getVideoPlaybackQuality().totalVideoFrames > 20 && video.videoWidth > 0;
    if (view?.picker.phase !== 'playing' || view.picker.door !== by || !decoded || view.reading?.delayMs == null) return null;
    return structuredClone(view);
  }, by, 40_000);
}
