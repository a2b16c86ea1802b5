// Encoders and players that are ffmpeg: what they send is the fake camera's and
// microphone's file; what they play is decoded, counted and listened to.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';

import { ffmpeg9, mediaFile } from './paths.js';
import { within } from './wait.js';

const VIDEO = {
  // Without B-frames, and a keyframe each second.
  h264: ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', 'baseline', '-pix_fmt', 'yuv420p'],
  'h264 with B-frames': ['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '2', '-pix_fmt', 'yuv420p'],
  hevc: ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error:bframes=0', '-pix_fmt', 'yuv420p'],
  av1: ['-c:v', 'libaom-av1', '-usage', 'realtime', '-cpu-used', '8', '-lag-in-frames', '0', '-row-mt', '1', '-pix_fmt', 'yuv420p'],
  vp8: ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8'],
  vp9: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8'],
  none: ['-vn'],
};
const AUDIO = {
  aac: ['-c:a', 'aac', '-b:a', '96k', '-ar', '48000', '-ac', '2'],
  'aac at 44.1 kHz': ['-c:a', 'aac', '-b:a', '96k', '-ar', '44100', '-ac', '2'],
  opus: ['-c:a', 'libopus', '-b:a', '64k', '-ar', '48000', '-ac', '2'],
  mp3: ['-c:a', 'libmp3lame', '-b:a', '96k', '-ar', '44100', '-ac', '2'],
  none: ['-an'],
};

/** A running ffmpeg: its log, and its end. */
export class Ffmpeg {
  /** @param {string[]} args @param {{program?: string}} [options] `program`: Debian's, unless told otherwise */
  constructor(args, { program = 'ffmpeg' } = {}) {
    this.log = '';
    this.command = [program, ...args].join(' ');
    this.process = spawn(program, ['-hide_banner', '-nostdin', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.process.stderr.on('data', (chunk) => { this.log = (this.log + chunk).slice(-20_000); });
    this.exited = new Promise((resolve) => this.process.on('exit', (code) => resolve(code)));
  }

  /** Ends it as a user does; has ended when this resolves. */
  async stop(signal = 'SIGINT') {
    if (this.process.exitCode === null) this.process.kill(signal);
    await within('ffmpeg to end', this.exited, 5_000).catch(() => this.process.kill('SIGKILL'));
  }
}

/**
 * Publishes the fake camera and microphone in real time, over and over.
 * @param {string[]} output format options and URL, `['-f', 'flv', 'rtmp://…']`
 * @param {{video?: keyof VIDEO, audio?: keyof AUDIO, nine?: boolean, extra?: string[]}} [options]
 *   `nine`: with FFmpeg 9
 */
export function publish(output, { video = 'h264', audio = 'aac', nine = false, extra = [] } = {}) {
  const args = ['-loglevel', 'warning', '-re', '-stream_loop', '-1', '-r', '30', '-i', mediaFile('person.mjpeg')];
  args.push('-re', '-stream_loop', '-1', '-i', mediaFile('person.wav'));
  args.push('-map', '0:v', '-map', '1:a', ...VIDEO[video], ...AUDIO[audio]);
  if (video !== 'none') args.push('-b:v', '800k', '-g', '30', '-r', '30');
  args.push(...extra, ...output);
  return new Ffmpeg(args, { program: nine ? ffmpeg9() : 'ffmpeg' });
}

/**
 * Plays `seconds` of something, decodes it, and tells what came.
 * @param {string[]} input options and URL
 * @returns {Promise<{frames: number, volume: number, log: string}>} decoded frames; mean volume in dB, -91 where silent
 */
export async function decode(input, { seconds = 4, nine = true, withinMs = 30_000, video = true } = {}) {
  const maps = video ? ['-map', '0:v?', '-map', '0:a?'] : ['-map', '0:a'];
  const args = ['-loglevel', 'info', ...input, '-t', String(seconds), ...maps];
  args.push('-af', 'volumedetect', '-progress', 'pipe:1', '-f', 'null', '-');
  const player = new Ffmpeg(args, { program: nine ? ffmpeg9() : 'ffmpeg' });
  let progress = '';
  player.process.stdout.on('data', (chunk) => { progress += chunk; });
  try {
    await within(`${player.command}\nto play ${seconds} s`, player.exited, withinMs);
  } catch (error) {
    throw new Error(`${error.message}\n--- its log\n${player.log}`);
  } finally {
    if (player.process.exitCode === null) player.process.kill('SIGKILL');
  }
  const frames = Number(/.*\bframe=(\d+)/s.exec(progress)?.[1] ?? 0);
  const volume = Number(/mean_volume: (-?[\d.]+) dB/.exec(player.log)?.[1] ?? -91);
  return { frames, volume, log: player.log };
}

/** Pictures moved and something was said. */
export function isShow({ frames, volume, log }, { video = true, audio = true, least = 60 } = {}) {
  if (video) assert.ok(frames >= least, `${frames} frames decoded, ${least} expected\n${log}`);
  if (audio) assert.ok(volume > -45, `mean volume ${volume} dB: nothing to hear\n${log}`);
}
