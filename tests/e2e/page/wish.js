// WHIP and WHEP by hand: an RTCPeerConnection and HTTP, and probes for what is
// seen and heard. Candidates are trickled.

class Wish {
  connection = new RTCPeerConnection();
  view = { frames: 0, width: 0, pictures: 0, counter: -1, counters: [], pixels: 0 };
  loudness = [];
  events = [];
  states = [];

  constructor() {
    this.connection.onconnectionstatechange = () => this.states.push(this.connection.connectionState);
  }

  /** Offers, and takes the answer; returns the status, and the words of a refusal. */
  async open(url, token) {
    const candidates = [];
    let trickle = (candidate) => candidates.push(candidate);
    this.connection.onicecandidate = ({ candidate }) => trickle(candidate);
    await this.connection.setLocalDescription();
    const { sdp } = this.connection.localDescription;
    const headers = { 'content-type': 'application/sdp', ...(token && { authorization: `Bearer ${token}` }) };
    const response = await fetch(url, { method: 'POST', headers, body: sdp });
    if (response.status !== 201) {
      const retry = response.headers.get('retry-after');
      return { status: response.status, retry, detail: (await response.json()).detail };
    }
    this.url = new URL(response.headers.get('location'), url).href;
    this.etag = response.headers.get('etag');
    this.links = links(response.headers.get('link') ?? '', url);
    await this.connection.setRemoteDescription({ type: 'answer', sdp: await response.text() });
    trickle = (candidate) => this.trickle([candidate]);
    await this.trickle(candidates);
    return { status: 201 };
  }

  /** Sends candidates; returns the status. */
  async trickle(candidates) {
    const lines = candidates.filter((c) => c?.candidate).map((c) => `a=${c.candidate}`);
    if (candidates.includes(null)) lines.push('a=end-of-candidates');
    if (lines.length === 0) return 0;
    const section = ['m=audio 9 UDP/TLS/RTP/SAVPF 0', 'a=mid:0'];
    const { status } = await this.patch([...section, ...lines], this.etag);
    return status;
  }

  /** A PATCH with these lines. */
  patch(lines, match, type = 'application/trickle-ice-sdpfrag') {
    const headers = { 'content-type': type, ...(match && { 'if-match': match }) };
    return fetch(this.url, { method: 'PATCH', headers, body: `${lines.join('\r\n')}\r\n` });
  }

  /** New ICE credentials for the same connection; returns the pair's port before and after. */
  async restartIce() {
    await this.connection.setLocalDescription(await this.connection.createOffer({ iceRestart: true }));
    const offer = this.connection.localDescription.sdp;
    const own = ['ice-ufrag', 'ice-pwd'].map((name) => `a=${name}:${attribute(offer, name)}`);
    this.connection.onicecandidate = null;
    const response = await this.patch(own, '*');
    const fragment = await response.text();
    if (response.status !== 200) return { status: response.status, fragment };
    this.etag = response.headers.get('etag');
    let answer = this.connection.remoteDescription.sdp.replaceAll(/a=candidate:.*\r\n/g, '');
    for (const name of ['ice-ufrag', 'ice-pwd']) {
      answer = answer.replaceAll(new RegExp(`a=${name}:.*`, 'g'), `a=${name}:${attribute(fragment, name)}`);
    }
    const candidates = fragment.split('\r\n').filter((line) => line.startsWith('a=candidate:'));
    answer = answer.replace('a=ice-ufrag', `${candidates.join('\r\n')}\r\na=ice-ufrag`);
    await this.connection.setRemoteDescription({ type: 'answer', sdp: answer });
    return { status: 200, ufrag: attribute(fragment, 'ice-ufrag') };
  }

  /** Ends the session; returns the status. */
  async end() {
    const { status } = await fetch(this.url, { method: 'DELETE' });
    return status;
  }

  /** The first video stream's statistics. */
  async stats(type = 'inbound-rtp') {
    const reports = [...(await this.connection.getStats()).values()];
    return reports.filter((report) => report.type === type && report.kind === 'video');
  }
}

/** A viewer: receives one sound and one picture. */
class Viewer extends Wish {
  async watch(url, token, direction = 'recvonly') {
    this.connection.ontrack = ({ track, streams }) => this.#play(track, streams[0]);
    for (const kind of ['audio', 'video']) this.connection.addTransceiver(kind, { direction });
    return this.open(url, token);
  }

  /** Keeps the server's events from now on; `kinds` where not all are wanted. */
  async listen(kinds) {
    let url = this.links['urn:ietf:params:whep:ext:core:server-sent-events'];
    if (kinds) {
      const response = await fetch(url, { method: 'POST', body: JSON.stringify(kinds) });
      if (response.status !== 201) throw new Error(`status ${response.status}`);
      url = new URL(response.headers.get('location'), url).href;
    }
    this.source = new EventSource(url);
    for (const name of ['active', 'inactive', 'layers', 'viewercount']) {
      this.source.addEventListener(name, ({ data }) => this.events.push({ name, data: JSON.parse(data) }));
    }
  }

  /** Chooses a layer; returns the status. */
  async choose(choice) {
    const url = this.links['urn:ietf:params:whep:ext:core:layer'];
    const { status } = await fetch(url, { method: 'POST', body: JSON.stringify(choice) });
    return status;
  }

  #play(track, stream) {
    const element = document.createElement(track.kind);
    element.autoplay = element.muted = true;
    element.srcObject = stream;
    document.body.append(element);
    element.play();
    if (track.kind === 'video') this.#watch(element);
    else this.#hear(track);
  }

  #watch(element) {
    const canvas = new OffscreenCanvas(16, 16);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const { view } = this;
    const onFrame = (now, frame) => {
      view.frames += 1;
      view.width = canvas.width = frame.width;
      canvas.height = frame.height;
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
  }

  async #hear(track) {
    const sound = await openSound();
    const source = sound.createMediaStreamSource(new MediaStream([track]));
    const worklet = new AudioWorkletNode(sound, 'loudness', { numberOfOutputs: 0 });
    source.connect(worklet);
    // Two minutes: more than any test listens.
    worklet.port.onmessage = ({ data }) => this.loudness.length < 6000 && this.loudness.push(data);
    this.keep = [source, worklet];
  }
}

/** An encoder: sends the fake camera and microphone. */
class Encoder extends Wish {
  async publish(url, token, encodings) {
    const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const video = { width: 640, height: 360, frameRate: 30 };
    const camera = await navigator.mediaDevices.getUserMedia({ audio: plain, video });
    const media = encodings ? await enlarged(camera) : camera;
    for (const track of media.getTracks()) {
      const sendEncodings = track.kind === 'video' ? encodings : undefined;
      this.connection.addTransceiver(track, { direction: 'sendonly', streams: [media], sendEncodings });
    }
    return this.open(url, token);
  }
}

/** The camera at 960x540: of smaller pictures Chromium sends no three renditions. */
async function enlarged(camera) {
  const video = document.createElement('video');
  video.muted = true;
  video.srcObject = camera;
  await video.play();
  const canvas = Object.assign(document.createElement('canvas'), { width: 960, height: 540 });
  const context = canvas.getContext('2d');
  setInterval(() => context.drawImage(video, 0, 0, 960, 540), 66);
  return new MediaStream([...canvas.captureStream(15).getTracks(), ...camera.getAudioTracks()]);
}

function attribute(sdp, name) {
  return new RegExp(`a=${name}:(.*?)\r?$`, 'm').exec(sdp)?.[1];
}

/** Link headers by their relation. */
function links(header, base) {
  const all = header.matchAll(/<([^>]*)>;\s*rel="([^"]*)"/g);
  return Object.fromEntries([...all].map(([, url, rel]) => [rel, new URL(url, base).href]));
}
