// Join times of livekit-client in Chromium: from the click (the call of
// Room.connect) to connected, and to the first decoded frame of a publisher
// that is there already. Prints a table; asserts nothing.

import { launch, Visitor } from './harness/browser.js';
import { servePages } from './harness/pages.js';
import { Server } from './harness/server.js';
import { MODES } from './harness/scenario.js';

const ROUNDS = 15;

const server = await Server.start('bench-join');
const pages = await servePages();
const browser = await launch();
try {
  for (const { mode, options } of MODES) {
    const room = `bench-${mode.split(' ')[0]}`;
    const publisher = await open('publisher');
    await publisher.evaluate((how) => client.join(how), await access(room, 'publisher', options));
    await publisher.evaluate(() => client.smallCamera());
    const times = [];
    for (let i = 0; i < ROUNDS; i += 1) {
      const viewer = await open(`viewer-${i}`);
      times.push(await viewer.evaluate(measure, await access(room, `viewer-${i}`, options)));
      await viewer.close();
    }
    await publisher.close();
    print(mode, times.slice(1));
  }
} finally {
  await browser.close();
  pages.close();
  await server.stop();
}

function open(name) {
  return Visitor.open(browser, pages.url, { name, context: {} });
}

async function access(room, identity, options) {
  return { url: server.ws, token: await server.token(room, identity), options };
}

/** Runs in the page: milliseconds from the click. */
async function measure({ url, token, options }) {
  const { Room, RoomEvent } = LivekitClient;
  const room = new Room(options);
  const clicked = performance.now();
  const since = () => performance.now() - clicked;
  const times = {};
  room.on(RoomEvent.SignalConnected, () => (times.signalled = since()));
  const frame = new Promise((resolve) => {
    room.on(RoomEvent.TrackSubscribed, (track) => {
      if (track.kind !== 'video') return;
      times.subscribed = since();
      const video = track.attach();
      video.muted = true;
      document.body.append(video);
      video.requestVideoFrameCallback(() => resolve((times.frame = since())));
    });
  });
  await room.connect(url, token);
  times.connected = since();
  await frame;
  await room.disconnect();
  return times;
}

function print(mode, times) {
  const ms = (key, share) => {
    const sorted = times.map((t) => t[key]).sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(0).padStart(6);
  };
  console.log(`join, livekit-client, ${mode}, ${times.length} joins    p50    p95  (ms)`);
  for (const key of ['signalled', 'connected', 'subscribed', 'frame']) {
    console.log(`  click to ${key.padEnd(12)}                       ${ms(key, 0.5)} ${ms(key, 0.95)}`);
  }
}
