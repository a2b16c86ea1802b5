// Join times of livekit-client in Chromium: from the click (the call of
// Room.connect) to connected, and to the first decoded frame of a publisher
// that is there already, with the stages between. "Fresh" is the first join of
// a page that has just loaded, "again" the second one of the same page: the
// difference is what the browser needs to get going. The floor is a connection
// between two RTCPeerConnections of one page, without any server. Prints
// tables; asserts nothing.

import { launch, Visitor } from './harness/browser.js';
import { servePages } from './harness/pages.js';
import { Server } from './harness/server.js';
import { MODES } from './harness/scenario.js';

const ROUNDS = 15;

// Longer than the server holds a key frame request back after the one before,
// so that each join is measured by itself.
const APART_MS = 1000;

const STAGES = {
  offered: 'the WebSocket is asked for',
  opened: 'the WebSocket is open',
  signalled: 'signalled',
  answered: 'the answer is applied',
  ice: 'ICE connected',
  transport: 'transport connected',
  connected: 'Room.connect returns',
  subscribed: 'subscribed',
  frame: 'first decoded frame',
};

const server = await Server.start('bench-join');
const pages = await servePages();
const browser = await launch();
try {
  for (const { mode, options } of MODES) await benchMode(mode, options);
  await benchFloor();
} finally {
  await browser.close();
  pages.close();
  await server.stop();
}

async function benchMode(mode, options) {
  const room = `bench-${mode.split(' ')[0]}`;
  const publisher = await open('publisher');
  await publisher.evaluate((how) => client.join(how), await access(room, 'publisher', options));
  await publisher.evaluate(() => client.smallCamera());
  const [fresh, again] = [[], []];
  for (let i = 0; i < ROUNDS; i += 1) {
    const viewer = await open(`viewer-${i}`);
    for (const times of [fresh, again]) {
      times.push(await viewer.evaluate(measure, await access(room, `viewer-${i}`, options)));
      await new Promise((resolve) => setTimeout(resolve, APART_MS));
    }
    await viewer.close();
  }
  await publisher.close();
  print(`livekit-client, ${mode}`, STAGES, { fresh, again });
}

async function benchFloor() {
  const [fresh, again] = [[], []];
  for (let i = 0; i < ROUNDS; i += 1) {
    const page = await open('floor');
    for (const times of [fresh, again]) times.push(await page.evaluate(measureFloor));
    await page.close();
  }
  print('two RTCPeerConnections of one page', { connected: 'transport connected' }, { fresh, again });
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
  const native = { RTCPeerConnection, WebSocket };
  const clicked = performance.now();
  const times = {};
  const mark = (stage) => (times[stage] ??= performance.now() - clicked);
  window.RTCPeerConnection = class extends native.RTCPeerConnection {
    constructor(...configuration) {
      super(...configuration);
      this.addEventListener('signalingstatechange', () => this.remoteDescription && mark('answered'));
      this.addEventListener('iceconnectionstatechange', () => this.iceConnectionState === 'connected' && mark('ice'));
      this.addEventListener('connectionstatechange', () => this.connectionState === 'connected' && mark('transport'));
    }
  };
  window.WebSocket = class extends native.WebSocket {
    constructor(...address) {
      super(...address);
      mark('offered');
      this.addEventListener('open', () => mark('opened'));
    }
  };
  room.on(RoomEvent.SignalConnected, () => mark('signalled'));
  const frame = new Promise((resolve) => {
    room.on(RoomEvent.TrackSubscribed, (track) => {
      if (track.kind !== 'video') return;
      mark('subscribed');
      const video = track.attach();
      video.muted = true;
      document.body.append(video);
      video.requestVideoFrameCallback(() => resolve(mark('frame')));
    });
  });
  await room.connect(url, token);
  mark('connected');
  await frame;
  await room.disconnect();
  Object.assign(window, native);
  return times;
}

/** Runs in the page: what connecting costs the browser alone. */
async function measureFloor() {
  const clicked = performance.now();
  const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
  for (const [from, to] of [[a, b], [b, a]]) {
    from.onicecandidate = ({ candidate }) => candidate && to.addIceCandidate(candidate);
  }
  const connected = new Promise((resolve) => {
    a.onconnectionstatechange = () => a.connectionState === 'connected' && resolve();
  });
  a.createDataChannel('floor');
  await a.setLocalDescription(await a.createOffer());
  await b.setRemoteDescription(a.localDescription);
  await b.setLocalDescription(await b.createAnswer());
  await a.setRemoteDescription(b.localDescription);
  await connected;
  a.close();
  b.close();
  return { connected: performance.now() - clicked };
}

function print(what, stages, { fresh, again }) {
  console.log(`${what}: ${ROUNDS} joins each, ms    fresh p50    p95   again p50    p95`);
  for (const [stage, words] of Object.entries(stages)) {
    const cells = [fresh, again].flatMap((times) => [0.5, 0.95].map((share) => quantile(times, stage, share)));
    console.log(`  click to ${words.padEnd(30)} ${cells.map((cell) => cell.padStart(9)).join('')}`);
  }
}

function quantile(times, stage, share) {
  const sorted = times.map((t) => t[stage]).filter((t) => t !== undefined).sort((a, b) => a - b);
  if (sorted.length === 0) return '-';
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(0);
}
