// Where things lie in the checkout.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

export const root = fileURLToPath(new URL('../../../', import.meta.url));
export const cache = join(root, '.cache');
export const media = join(cache, 'media');
export const logs = join(cache, 'logs', 'e2e');
mkdirSync(logs, { recursive: true });

/** The server under test: `E2E_SERVER`, else the development build. */
export function serverBinary() {
  const path = process.env.E2E_SERVER ?? join(root, 'target', 'debug', 'surecast');
  return mustExist(path, 'build it with `cargo build -p surecast-server`, or run `cargo xtask test`');
}

/** The browser: `CHROMIUM`, else Debian's. */
export function chromium() {
  const candidates = process.env.CHROMIUM
    ? [process.env.CHROMIUM]
    : ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  const path = candidates.find((candidate) => existsSync(candidate)) ?? candidates[0];
  return mustExist(path, 'install it with `apt-get install chromium`, or name one in CHROMIUM');
}

/** Python of the virtual environment that has the PyPI clients. */
export function python() {
  return mustExist(join(cache, 'venv', 'bin', 'python'), 'run `cargo xtask test`, which makes it');
}

/** FFmpeg 9, which PyPI brings: it speaks WHIP and Enhanced RTMP. Debian's own is `ffmpeg`. */
export function ffmpeg9() {
  ffmpeg9.path ??= execFileSync(python(), [
    '-c',
    'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())',
  ]).toString().trim();
  return ffmpeg9.path;
}

/** A file that `tests/media/make.py` made. */
export function mediaFile(name) {
  return mustExist(join(media, name), 'run `cargo xtask test`, which makes it');
}

function mustExist(path, remedy) {
  if (!existsSync(path)) throw new Error(`${path} does not exist: ${remedy}`);
  return path;
}
