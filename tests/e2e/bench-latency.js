// From one screen to another: Chromium publishes the fake camera by WHIP and
// shows what it sends; the console's watch page plays it by each way in turn. A
// frame counter is in the picture, so the delay is read from pixels: the time at
// which a page shows a number, less the time at which the publisher showed it.
// Both pages are of one browser and share a clock. Prints a table; asserts
// nothing. `node bench-latency.js whep hls` measures these only.

import { launch, Visitor } from './harness/browser.js';
import { servePages } from './harness/pages.js';
import { Server } from './harness/server.js';

const WAYS = process.argv.length > 2 ? process.argv.slice(2) : ['whep', 'hls', 'flv'];
const SETTLE_MS = 6000;
const MEASURE_MS = 15_000;
/** Frames of the fake camera's loop, and the time between two. */
const LOOP_FRAMES = 360;
const FRAME_MS = 1000 / 30;

const server = await Server.start('bench-latency');
const pages = await servePages();
const browser = await launch();
try {
  const publisher = await Visitor.open(browser, pages.url, { name: 'publisher' });
  await publisher.evaluate(async (url) => {
    globalThis.encoder = new Encoder();
    await encoder.publish(url);
    const element = document.createElement('video');
    element.id = 'own';
    element.muted = true;
    element.srcObject = new MediaStream(encoder.connection.getSenders().map(({ track }) => track).filter(({ kind }) => kind === 'video'));
    document.body.append(element);
    await element.play();
  }, `${server.http}/whip/bench`);
  await publisher.evaluate(observe, '#own');
  console.log(`way        p50 ms    p95 ms    frames   (${MEASURE_MS / 1000} s each, after ${SETTLE_MS / 1000} s)`);
  for (const way of WAYS) await bench(publisher, way);
} finally {
  await browser.close();
  pages.close();
  await server.stop();
}

async function bench(publisher, way) {
  const viewer = await Visitor.open(browser, `${server.http}/watch/bench?by=${way}`, { name: way });
  try {
    await viewer.until('it plays', () => document.querySelector('[data-testid=watch-video]')?.currentTime > 0, null, 30_000);
    await viewer.evaluate(observe, '[data-testid=watch-video]');
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    await Promise.all([publisher, viewer].map((page) => page.evaluate(() => { globalThis.shown = []; })));
    await new Promise((resolve) => setTimeout(resolve, MEASURE_MS));
    const [sent, seen] = await Promise.all([publisher, viewer].map((page) => page.evaluate(() => globalThis.shown)));
    const delays = seen.map((frame) => delay(frame, sent)).filter((ms) => ms !== undefined).sort((a, b) => a - b);
    const at = (share) => (delays[Math.floor((delays.length - 1) * share)] ?? NaN).toFixed(0).padStart(10);
    console.log(`${way.padEnd(7)}${at(0.5)}${at(0.95)}${String(delays.length).padStart(10)}`);
  } catch (error) {
    console.log(`${way.padEnd(7)}  ${error.message}`);
  } finally {
    await viewer.close();
  }
}

/** How long before `frame` the publisher showed its number, or the one before it. */
function delay({ counter, at }, sent) {
  for (let back = 0; back < 3; back += 1) {
    const number = (counter - back + LOOP_FRAMES) % LOOP_FRAMES;
    const same = sent.filter((own) => own.counter === number && own.at <= at).at(-1);
    if (same) return at - same.at - back * FRAME_MS;
  }
  return undefined;
}

/** Runs in a page: keeps which number is shown when, as the compositor tells. */
function observe(selector) {
  const video = document.querySelector(selector);
  const canvas = new OffscreenCanvas(64, 4);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  globalThis.shown = [];
  const read = () => {
    // The counter is one row of sixteen squares across the whole width.
    const side = video.videoWidth / 16;
    context.drawImage(video, 0, 0, video.videoWidth, side, 0, 0, 64, 4);
    const { data } = context.getImageData(0, 2, 64, 1);
    const level = (place) => data[(place * 4 + 2) * 4 + 1];
    if (level(0) - level(1) < 100) return -1;
    let value = 0;
    for (let place = 2; place < 12; place += 1) value = value * 2 + (level(place) > (level(0) + level(1)) / 2 ? 1 : 0);
    return value;
  };
  const onFrame = (now, { expectedDisplayTime }) => {
    const counter = read();
    if (counter >= 0) globalThis.shown.push({ counter, at: performance.timeOrigin + expectedDisplayTime });
    video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);
}
