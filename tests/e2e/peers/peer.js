// A participant on npm's `@livekit/rtc-node`, told what to do by a test.
// It speaks the same lines as peer.py.

import { createInterface } from 'node:readline';

import {
  AudioFrame,
  AudioSource,
  AudioStream,
  DataPacketKind,
  LocalAudioTrack,
  LocalVideoTrack,
  Room,
  RoomEvent,
  TrackKind,
  TrackPublishOptions,
  TrackSource,
  VideoBufferType,
  VideoFrame,
  VideoSource,
  VideoStream,
  dispose,
} from '@livekit/rtc-node';

const [WIDTH, HEIGHT, FPS] = [640, 360, 15];
// The frame counter of tests/media/figure.py.
const COUNTER_BITS = 10;
const SQUARE = WIDTH / 16;
const [RATE, TONE_HZ] = [48_000, 440];
// 20 ms, as the test's envelope has it.
const WINDOW = RATE / 50;

class Peer {
  room = new Room();
  views = {};
  loudness = {};
  data = [];
  texts = [];

  constructor() {
    this.room.on(RoomEvent.TrackSubscribed, (track, _, { identity }) => {
      const work = track.kind === TrackKind.KIND_VIDEO ? this.#watch(track, identity) : this.#listen(track, identity);
      work.catch((error) => console.error(error));
    });
    this.room.on(RoomEvent.DataReceived, (bytes, from, kind, topic) => {
      this.data.push({ from: from?.identity, topic, reliable: kind === DataPacketKind.KIND_RELIABLE, bytes: [...bytes] });
    });
    this.room.registerTextStreamHandler('notes', async (reader, { identity }) => {
      this.texts.push({ from: identity, text: await reader.readAll() });
    });
  }

  async join({ url, token }) {
    await this.room.connect(url, token, { autoSubscribe: true, dynacast: false });
    const me = this.room.localParticipant;
    me.registerRpcMethod('greet', async ({ payload, callerIdentity }) => `${payload}, ${callerIdentity}`);
    return me.sid;
  }

  /** A moving picture with the frame counter, and a tone. */
  async publish() {
    const video = new VideoSource(WIDTH, HEIGHT);
    const audio = new AudioSource(RATE, 1);
    film(video);
    hum(audio).catch((error) => console.error(error));
    const me = this.room.localParticipant;
    const camera = LocalVideoTrack.createVideoTrack('camera', video);
    const microphone = LocalAudioTrack.createAudioTrack('microphone', audio);
    const seen = await me.publishTrack(
      camera,
      new TrackPublishOptions({ source: TrackSource.SOURCE_CAMERA, simulcast: false }),
    );
    const heard = await me.publishTrack(
      microphone,
      new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE, dtx: false }),
    );
    return [seen.sid, heard.sid];
  }

  async seen({ identity }) {
    return this.views[identity] ?? null;
  }

  async heard({ identity }) {
    return this.loudness[identity] ?? [];
  }

  async received() {
    return { data: this.data, texts: this.texts };
  }

  async people() {
    return [...this.room.remoteParticipants.keys()];
  }

  async send_data({ data, reliable, topic }) {
    await this.room.localParticipant.publishData(new Uint8Array(data), { reliable, topic });
  }

  async send_text({ text }) {
    await this.room.localParticipant.sendText(text, { topic: 'notes' });
  }

  async call({ identity, payload }) {
    return this.room.localParticipant.performRpc({ destinationIdentity: identity, method: 'greet', payload });
  }

  async leave() {
    await this.room.disconnect();
  }

  async #watch(track, identity) {
    const view = { frames: 0, width: 0, height: 0, counters: [] };
    this.views[identity] = view;
    for await (const { frame } of new VideoStream(track)) {
      const { data, width, height } = frame.convert(VideoBufferType.I420);
      view.frames += 1;
      Object.assign(view, { width, height });
      view.counters.push(readCounter(data, width));
    }
  }

  async #listen(track, identity) {
    const loudness = [];
    this.loudness[identity] = loudness;
    for await (const { data } of new AudioStream(track, { sampleRate: RATE, numChannels: 1, frameSizeMs: 20 })) {
      const sum = data.reduce((sum, sample) => sum + (sample / 32768) ** 2, 0);
      loudness.push(Math.round(Math.sqrt(sum / data.length) * 1e5) / 1e5);
    }
  }
}

function film(source) {
  let number = 0;
  setInterval(() => {
    source.captureFrame(new VideoFrame(draw(number), WIDTH, HEIGHT, VideoBufferType.RGBA));
    number += 1;
  }, 1000 / FPS);
}

async function hum(source) {
  for (let at = 0; ; at += WINDOW) {
    const wave = Int16Array.from({ length: WINDOW }, (_, i) => 8000 * Math.sin((2 * Math.PI * TONE_HZ * (at + i)) / RATE));
    // Waits by itself when the queue of the source is full.
    await source.captureFrame(new AudioFrame(wave, RATE, 1, WINDOW));
  }
}

/** Stripes that wander, with the counter in the corner. */
function draw(number) {
  const bits = [1, 0];
  for (let bit = COUNTER_BITS - 1; bit >= 0; bit -= 1) bits.push(((number % 360) >> bit) & 1);
  const row = (counter) => {
    const row = Buffer.alloc(WIDTH * 4, 255);
    for (let x = 0; x < WIDTH; x += 1) {
      const bit = counter ? bits[Math.floor(x / SQUARE)] : undefined;
      const stripe = Math.floor((x + 8 * number) / 32) % 2 ? 200 : 60;
      const colour = bit === undefined ? [stripe, (number * 5) % 200, 120] : Array(3).fill(bit ? 235 : 20);
      row.set(colour, x * 4);
    }
    return row;
  };
  const [top, rest] = [row(true), row(false)];
  const rows = Array.from({ length: HEIGHT }, (_, y) => (y < SQUARE ? top : rest));
  return new Uint8Array(Buffer.concat(rows));
}

function readCounter(luma, width) {
  const side = width / 16;
  const level = (place) => luma[Math.floor(side / 2) * width + Math.floor((place + 0.5) * side)];
  const [white, black] = [level(0), level(1)];
  if (white - black < 80) return -1;
  let value = 0;
  for (let place = 2; place < 2 + COUNTER_BITS; place += 1) {
    value = value * 2 + (level(place) > (white + black) / 2 ? 1 : 0);
  }
  return value;
}

const peer = new Peer();
for await (const line of createInterface({ input: process.stdin })) {
  const { id, do: what, ...rest } = JSON.parse(line);
  const answer = await peer[what](rest).then((value) => ({ id, value }), (error) => ({ id, error: String(error) }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await dispose();
process.exit(0);
