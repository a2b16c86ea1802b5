// Plays HLS with hls.js or shaka, and tells how.

const video = document.getElementById('video');
const errors = [];
let player;
let analyser;

/** How far the picture is behind the clock, by the dates of the playlist. */
function latency() {
  const date = player.playingDate?.getTime?.();
  return date ? Date.now() - date : null;
}

/** The level of what is heard, 0 to 1. */
function loudness() {
  if (!analyser) {
    const context = new AudioContext();
    analyser = context.createAnalyser();
    const source = context.createMediaElementSource(video);
    source.connect(analyser);
    analyser.connect(context.destination);
    context.resume();
  }
  const samples = new Float32Array(analyser.fftSize);
  analyser.getFloatTimeDomainData(samples);
  return Math.max(...samples.map(Math.abs));
}

window.hlsPage = {
  errors,
  loudness,
  playHlsJs(url) {
    player = new Hls({ lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.5 });
    player.on(Hls.Events.ERROR, (_, data) => errors.push(`${data.type} ${data.details} fatal=${data.fatal} ${data.response?.code ?? ''}`));
    player.loadSource(url);
    player.attachMedia(video);
  },
  async playShaka(url) {
    shaka.polyfill.installAll();
    const it = new shaka.Player();
    await it.attach(video);
    // Looking for captions, Shaka 5.2 fetches the last segment whole, which at the
    // live edge is there in parts only, and fails of that.
    const manifest = { hls: { disableClosedCaptionsDetection: true } };
    it.configure({ streaming: { lowLatencyMode: true }, manifest });
    it.addEventListener('error', (event) => errors.push(`shaka ${event.detail.code}`));
    player = { get playingDate() { return it.getPlayheadTimeAsDate(); } };
    await it.load(url);
  },
  state() {
    const quality = video.getVideoPlaybackQuality();
    return {
      frames: quality.totalVideoFrames,
      dropped: quality.droppedVideoFrames,
      width: video.videoWidth,
      time: video.currentTime,
      latency: player && latency(),
      // Behind the end of the playlist in seconds, as hls.js has it.
      edge: player?.latency,
      loudness: loudness(),
      buffered: video.buffered.length ? video.buffered.end(video.buffered.length - 1) - video.currentTime : 0,
      errors: errors.slice(-10),
    };
  },
};
