// What a test does in a page: a Room of the unmodified livekit-client, a record
// of its events, and probes for what is seen and heard.

const { Room, RoomEvent, Track } = LivekitClient;

// The frame counter of tests/media/figure.py: white, black, then the bits.
const COUNTER_BITS = 10;
const COUNTER_SQUARES = 16;

class Client {
  room = null;
  /** Everything the room said: {event, detail}, oldest first. */
  events = [];
  data = [];
  streams = [];
  #seen = new Map();
  #heard = new Map();
  #sound = null;

  /** Connects; `options` are those of Room, `connect` those of Room.connect. */
  async join({ url, token, options = {}, connect = {} }) {
    this.room = new Room(options);
    for (const event of Object.values(RoomEvent)) {
      this.room.on(event, (...detail) => this.events.push({ event, detail: detail.map(describe) }));
    }
    await this.room.connect(url, token, connect);
    return this.room.localParticipant.sid;
  }

  /** Connects and expects to be refused; returns what the error said. */
  async refused(how) {
    try {
      await this.join(how);
    } catch (error) {
      return `${error.name}: ${error.message}`;
    }
    throw new Error('was let in');
  }

  /**
   * Publishes the microphone. The processing that a browser puts on speech is
   * off: it would take the other pages' sound, which is the same file, for echo.
   */
  microphone(options = {}) {
    const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    return this.room.localParticipant
      .setMicrophoneEnabled(true, plain, { dtx: false, ...options })
      .then((publication) => publication.trackSid);
  }

  /** Publishes the camera as it is, 640x360 at 30 fps. */
  camera(options = {}) {
    const resolution = { width: 640, height: 360, frameRate: 30 };
    return this.room.localParticipant
      .setCameraEnabled(true, { resolution }, options)
      .then((publication) => publication.trackSid);
  }

  /** Publishes the camera small and in one layer. */
  smallCamera() {
    const resolution = { width: 160, height: 90, frameRate: 10 };
    const videoEncoding = { maxBitrate: 80_000, maxFramerate: 10 };
    return this.room.localParticipant
      .setCameraEnabled(true, { resolution }, { simulcast: false, videoEncoding })
      .then((publication) => publication.trackSid);
  }

  /** A local publication by source. */
  publicationOfMine(source) {
    return this.room.localParticipant.getTrackPublication(source);
  }

  /** The remote participant, or undefined. */
  remote(identity) {
    return this.room.remoteParticipants.get(identity);
  }

  /** A publication by source, camera or microphone, of anybody. */
  publication(identity, source) {
    const { localParticipant } = this.room;
    const owner = identity === localParticipant.identity ? localParticipant : this.remote(identity);
    return owner?.getTrackPublication(source);
  }

  /** Events of a name whose text contains `part`. */
  said(event, part = '') {
    return this.events.filter((entry) => entry.event === event && JSON.stringify(entry.detail).includes(part));
  }

  /** What is seen of a remote camera: frames shown so far, size, counters read. */
  seen(identity, source = 'camera') {
    const track = this.publication(identity, source)?.videoTrack;
    if (!track) return null;
    if (!this.#seen.has(track)) this.#seen.set(track, this.#watch(track));
    return this.#seen.get(track);
  }

  #watch(track) {
    const element = track.attach();
    element.muted = true;
    document.body.append(element);
    const canvas = new OffscreenCanvas(16, 16);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const view = { frames: 0, width: 0, height: 0, at: 0, counter: -1, counters: [], pictures: 0, pixels: 0 };
    const onFrame = (now, frame) => {
      view.frames += 1;
      view.at = now;
      view.width = canvas.width = frame.width;
      view.height = canvas.height = frame.height;
      context.drawImage(element, 0, 0);
      const { data } = context.getImageData(0, 0, frame.width, frame.height);
      view.counter = readCounter(data, frame.width);
      if (view.counter >= 0 && view.counters.length < 2000) view.counters.push(view.counter);
      const pixels = digest(data);
      if (pixels !== view.pixels) view.pictures += 1;
      view.pixels = pixels;
      element.requestVideoFrameCallback(onFrame);
    };
    element.requestVideoFrameCallback(onFrame);
    return view;
  }

  /** Keeps every data packet from now on in `data`. */
  collectData() {
    this.data = [];
    this.room.on(RoomEvent.DataReceived, (payload, from, kind, topic) => {
      this.data.push({ from: from?.identity, topic, kind, bytes: [...payload.slice(0, 8)] });
    });
  }

  /** Keeps every finished stream of two topics from now on in `streams`. */
  collectStreams(textTopic, byteTopic) {
    this.streams = [];
    this.room.registerTextStreamHandler(textTopic, async (reader, { identity }) => {
      const text = await reader.readAll();
      const { attributes = {} } = reader.info;
      this.streams.push({ what: text.length > 100 ? 'whole' : 'words', from: identity, text, attributes });
    });
    this.room.registerByteStreamHandler(byteTopic, async (reader, { identity }) => {
      const bytes = await new Blob(await reader.readAll()).bytes();
      const digest = await this.digest(bytes);
      this.streams.push({ what: reader.info.name, from: identity, length: bytes.length, digest });
    });
  }

  /** SHA-256 in hexadecimal. */
  async digest(bytes) {
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    return [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  /** Loudness of a remote microphone: one value for each 20 ms since first asked. */
  async heard(identity, source = 'microphone') {
    const track = this.publication(identity, source)?.audioTrack;
    if (!track) return null;
    if (!this.#heard.has(track)) this.#heard.set(track, this.#listen(track));
    return (await this.#heard.get(track)).loudness;
  }

  /** The same, with the time at which the last value was taken. */
  async heardUntil(identity) {
    const loudness = await this.heard(identity);
    if (!loudness) return null;
    const { at } = await this.#heard.get(this.publication(identity, 'microphone').audioTrack);
    return { loudness, at };
  }

  /** Strongest frequency of a remote microphone right now, in hertz. */
  async pitch(identity, source = 'microphone') {
    if (!(await this.heard(identity, source))) return 0;
    const { analyser } = await this.#heard.get(this.publication(identity, source).audioTrack);
    const levels = new Uint8Array(analyser.frequencyBinCount);
    analyser.getByteFrequencyData(levels);
    const strongest = levels.indexOf(Math.max(...levels));
    return levels[strongest] < 64 ? 0 : (strongest * 24_000) / levels.length;
  }

  async #listen(track) {
    const element = track.attach();
    // Chromium pulls a remote track only when an element plays it.
    element.muted = true;
    document.body.append(element);
    this.#sound ??= openSound();
    const sound = await this.#sound;
    const source = sound.createMediaStreamSource(new MediaStream([track.mediaStreamTrack]));
    const worklet = new AudioWorkletNode(sound, 'loudness', { numberOfOutputs: 0 });
    const analyser = new AnalyserNode(sound, { fftSize: 4096 });
    source.connect(worklet);
    source.connect(analyser);
    const probe = { loudness: [], at: 0, analyser, source, worklet };
    worklet.port.onmessage = ({ data }) => {
      // Two minutes: more than any test listens.
      if (probe.loudness.length < 6000) probe.loudness.push(data);
      probe.at = performance.now();
    };
    return probe;
  }

  /** RTP statistics of everything received, from the browser itself. */
  async inbound() {
    const reports = [];
    for (const participant of this.room.remoteParticipants.values()) {
      for (const { track, source } of participant.trackPublications.values()) {
        for (const report of (await track?.getRTCStatsReport())?.values() ?? []) {
          if (report.type === 'inbound-rtp') {
            reports.push({ ...report, identity: participant.identity, source });
          }
        }
      }
    }
    return reports;
  }

  /** RTP statistics of what one local publication sends, one entry per layer. */
  async outbound(source) {
    const track = this.room.localParticipant.getTrackPublication(source)?.track;
    const reports = [...((await track?.getRTCStatsReport())?.values() ?? [])];
    const codecs = new Map(reports.filter((r) => r.type === 'codec').map((r) => [r.id, r.mimeType]));
    return reports
      .filter((r) => r.type === 'outbound-rtp')
      .map((r) => ({ ...r, mimeType: codecs.get(r.codecId) }));
  }

  /** The pairs of candidates that carry media: protocol, address and port of the far end. */
  async routes() {
    const { pcManager } = this.room.engine;
    const routes = [];
    for (const transport of [pcManager.publisher, pcManager.subscriber]) {
      const reports = await transport?.getStats();
      for (const report of reports?.values() ?? []) {
        if (report.type !== 'candidate-pair' || !report.nominated) continue;
        const { protocol, address, port } = reports.get(report.remoteCandidateId);
        routes.push({ state: report.state, protocol, address, port });
      }
    }
    return routes;
  }
}

async function openSound() {
  const sound = new AudioContext({ sampleRate: 48_000 });
  await sound.audioWorklet.addModule('/loudness.js');
  return sound;
}

/** The number in the frame's top left corner, or -1 when it cannot be read. */
function readCounter(data, width) {
  const side = width / COUNTER_SQUARES;
  const level = (place) => {
    const x = Math.floor((place + 0.5) * side);
    const y = Math.floor(side / 2);
    return data[(y * width + x) * 4 + 1];
  };
  const [white, black] = [level(0), level(1)];
  if (white - black < 100) return -1;
  let value = 0;
  for (let place = 2; place < 2 + COUNTER_BITS; place += 1) {
    value = value * 2 + (level(place) > (white + black) / 2 ? 1 : 0);
  }
  return value;
}

/** A number that changes when the picture below the counter does. */
function digest(data) {
  let sum = 0;
  for (let i = Math.floor(data.length / 4); i < data.length; i += 404) sum = (sum * 31 + data[i]) | 0;
  return sum;
}

/** Something that survives the way out of the page. */
function describe(value) {
  if (value === null || ['string', 'number', 'boolean', 'undefined'].includes(typeof value)) return value;
  if (value instanceof Uint8Array) return { bytes: [...value.slice(0, 64)], length: value.length };
  if (Array.isArray(value)) return value.map(describe);
  const { identity, sid, trackSid, source, kind, name, message, canPublish } = value;
  const known = { identity, sid, trackSid, source, kind, name, message, canPublish };
  if (Object.values(known).some((field) => field !== undefined)) return plain(known);
  try {
    return JSON.parse(JSON.stringify(value));
  } catch {
    return String(value);
  }
}

function plain(fields) {
  const simple = Object.entries(fields).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
  return Object.fromEntries(simple);
}

globalThis.client = new Client();
