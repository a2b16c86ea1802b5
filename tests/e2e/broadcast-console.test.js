// The console's pages for broadcasting, with real encoders: what the go live page says
// is what ffmpeg is given, and the watch page plays it by every door.

import assert from 'node:assert/strict';

import { publish } from './harness/encoder.js';
import { stage } from './harness/scenario.js';

const { scenario } = stage('broadcast-console');

scenario('the go live page says what to enter, and shows what then arrives by RTMP', async (scene) => {
  const studio = await goLive(scene);
  await studio.until('to wait for the encoder', () => document.querySelector('[data-testid="health"]').dataset.state === 'waiting');
  const server = await secret(studio, 'rtmp-server');
  const key = await secret(studio, 'rtmp-key');
  assert.match(server, /^rtmp:\/\/127\.0\.0\.1:\d+\/live$/);
  assert.match(key, new RegExp(`^${scene.room}\\?token=[\\w.-]+$`));

  sends(scene, publish(['-f', 'flv', `${server}/${key}`]));
  await studio.until('the facts of the stream', () => {
    const fact = (name) => document.querySelector(`[data-testid="health-${name}"]`)?.textContent;
    return fact('video-codec') === 'H.264' && fact('audio-codec') === 'AAC' && Number(fact('fps')) > 20 && fact('group') === '1.0 s';
  }, null, 30_000);
  await studio.until('plots', () => document.querySelectorAll('[data-testid="health-plots"] canvas').length === 4);
  assert.equal(await studio.page.getByTestId('on-air').textContent(), 'Live');
}, { seconds: 60 });

scenario('the page gives advice about a stream that could be better', async (scene) => {
  const studio = await goLive(scene);
  const url = await secret(studio, 'rtmp-url');
  const extra = ['-g', '300', '-keyint_min', '300'];
  sends(scene, publish(['-f', 'flv', url], { video: 'h264 with B-frames', audio: 'none', extra }));
  const advice = (about) => studio.until(`advice about ${about}`, (about) =>
    document.querySelector(`[data-testid="advice"] [data-about="${about}"]`)?.innerText, about, 30_000);
  assert.match(await advice('notInRoom'), /B-frames/);
  await advice('noAudio');
  await advice('keyframes');
}, { seconds: 60 });

scenario('the address for SRT is one that ffmpeg takes', async (scene) => {
  const studio = await goLive(scene);
  await studio.page.getByTestId('protocol-srt').click();
  const url = await secret(studio, 'srt-url');
  sends(scene, publish(['-f', 'mpegts', url]));
  await studio.until('the codec', () => document.querySelector('[data-testid="health-video-codec"]')?.textContent === 'H.264', null, 30_000);
}, { seconds: 60 });

scenario('the watch page waits, and plays by each door as soon as somebody is live', async (scene) => {
  const pages = {};
  for (const by of ['whep', 'hls', 'flv']) pages[by] = await watch(scene, `?by=${by}`);
  await pages.flv.page.getByTestId('watch-waiting').waitFor();
  const studio = await goLive(scene);
  sends(scene, publish(['-f', 'flv', await secret(studio, 'rtmp-url')]));
  for (const [by, page] of Object.entries(pages)) {
    const view = await plays(page, by);
    assert.ok(view.reading.delayMs > 0 && view.reading.delayMs < 10_000, `${by}: a delay of ${view.reading.delayMs} ms`);
    assert.equal(view.reading.width, 640, `${by}: ${view.reading.width} pixels wide`);
  }
  await studio.until('three viewers', () => Number(document.querySelector('[data-testid="health-viewers"]')?.textContent) >= 2, null, 20_000);
  await pages.whep.page.getByTestId('watch-stats').click();
  await pages.whep.until('statistics', () => document.querySelector('[data-stat="door"] dd')?.textContent === 'WebRTC');
}, { seconds: 90 });

scenario('what WebRTC cannot show plays by the next door', async (scene) => {
  const studio = await goLive(scene);
  sends(scene, publish(['-f', 'flv', await secret(studio, 'rtmp-url')], { video: 'h264 with B-frames' }));
  const view = await plays(await watch(scene), 'hls');
  assert.equal(view.picker.attempts[0]?.door, 'whep');
}, { seconds: 60 });

scenario('a link that does not hold is refused in words', async (scene) => {
  const page = await watch(scene, '#token=a.b.c');
  await page.page.getByTestId('watch-denied').waitFor();
});

/** The go live page of the test's room. */
function goLive(scene) {
  return scene.page('studio', `${scene.server.http}/golive/${scene.room}`, { locale: 'en-US' });
}

function watch(scene, rest = '') {
  return scene.page(`viewer${rest}`, `${scene.server.http}/watch/${scene.room}${rest}`, { locale: 'en-US' });
}

/** A value of the page that may be hidden. */
async function secret(studio, testId) {
  const field = studio.page.getByTestId(testId);
  await field.waitFor();
  const reveal = studio.page.getByTestId(`${testId}-reveal`);
  if (await reveal.count()) await reveal.click();
  return field.textContent();
}

function sends(scene, encoder) {
  scene.defer(() => encoder.stop());
  return encoder;
}

/** The page shows decoded pictures by this door; what it knows then. */
function plays(page, by) {
  return page.until(`pictures by ${by}`, (by) => {
    const { view } = globalThis.__surecastWatch ?? {};
    const video = document.querySelector('[data-testid="watch-video"]');
    const decoded = video.getVideoPlaybackQuality().totalVideoFrames > 20 && video.videoWidth > 0;
    if (view?.picker.phase !== 'playing' || view.picker.door !== by || !decoded || view.reading?.delayMs == null) return null;
    return structuredClone(view);
  }, by, 40_000);
}
