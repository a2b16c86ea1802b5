/** Made-up streams, as the server writes them: `good`, `trouble`, and nothing in other rooms. */

const BEGAN = Date.now() - 754_000;

export function stream(room: string, nowMs: number): object | undefined {
  const seconds = Math.floor((nowMs - BEGAN) / 1000);
  const wave = Math.sin(seconds / 7);
  const video = {
    number: 0, kind: 'video', codec: 'H.264', width: 1920, height: 1080, rate: 0, channels: 0, fps: 30,
    bitrate: 4_500_000 + Math.round(180_000 * wave), group_seconds: 2, drift_ms: Math.round(12 * wave), frames: 30 * seconds, not_in_room: null,
  };
  const audio = {
    ...video, number: 1, kind: 'audio', codec: 'AAC', width: 0, height: 0, rate: 48_000, channels: 2, fps: 46.9,
    bitrate: 160_000, group_seconds: null, frames: 47 * seconds,
  };
  const encoder = { protocol: 'rtmp', from: '203.0.113.24:51934', identity: 'encoder', seconds, tracks: [video, audio] };
  switch (room) {
    case 'good':
      return { room, live: true, readers: 214, encoders: [encoder] };
    case 'trouble': {
      const words = 'H.264 with B-frames cannot go to WebRTC: set the encoder to 0 B-frames, or tune zerolatency';
      const bitrate = seconds % 9 < 3 ? 700_000 : 4_300_000;
      const bad = { ...video, bitrate, fps: 29.9, group_seconds: 8.3, drift_ms: -2100, not_in_room: words };
      return { room, live: true, readers: 3, encoders: [{ ...encoder, protocol: 'srt', tracks: [bad] }] };
    }
    default:
      return undefined;
  }
}
