// The server under test, as a user starts it: one process, its ready line, SIGTERM.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AccessToken, RoomServiceClient } from 'livekit-server-sdk';

import { logs, serverBinary } from './paths.js';
import { within } from './wait.js';

export const KEY = 'devkey';
export const SECRET = 'secret';

// Ports of the design at offset 0; UDP from 7882 up is one per shard.
const TCP_PORTS = [7880, 7881, 1935];
const UDP_PORTS = [7882, 7883, 7884, 7885, 8890];

export class Server {
  /**
   * @param {string} name names the log file
   * @param {{args?: string[], env?: Record<string, string>, dataDir?: string, offset?: number}} [options]
   */
  static async start(name, options = {}) {
    const server = new Server();
    server.name = name;
    server.logFile = join(logs, `${name}.server.log`);
    server.ownData = !options.dataDir;
    server.dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'surecast-e2e-'));
    server.offset = options.offset ?? (await freeOffset());
    await server.#spawn(options);
    return server;
  }

  async #spawn({ args = [], env = {} }) {
    const all = ['serve', '--dev', '--port-offset', String(this.offset)];
    all.push('--data-dir', this.dataDir, ...args);
    const log = createWriteStream(this.logFile);
    this.process = spawn(serverBinary(), all, { env: { ...process.env, ...env } });
    this.exited = new Promise((resolve) => {
      this.process.on('exit', (code, signal) => resolve({ code, signal }));
    });
    this.process.stderr.pipe(log, { end: false });
    const ready = new Promise((resolve, reject) => {
      let seen = '';
      this.process.stdout.on('data', (chunk) => {
        log.write(chunk);
        seen += chunk;
        const match = /surecast ready on (http:\/\/\S+)/.exec(seen);
        if (match) resolve(match[1]);
      });
      this.process.on('error', reject);
      this.exited.then(({ code }) => reject(new Error(`the server left with code ${code}\n${this.tail()}`)));
    });
    this.http = await within('the ready line of the server', ready, 20_000);
    this.ws = this.http.replace(/^http/, 'ws');
    this.rooms = new RoomServiceClient(this.http, KEY, SECRET);
  }

  /** A token for `room`; `grant` is added to `{roomJoin, room}`. */
  token(room, identity, grant = {}, options = {}) {
    const token = new AccessToken(KEY, SECRET, { identity, name: identity, ttl: '1h', ...options });
    token.addGrant({ roomJoin: true, room, ...grant });
    return token.toJwt();
  }

  /** Asks the server to stop and holds it to five seconds and exit code 0. */
  async stop() {
    if (this.process.exitCode === null) this.process.kill('SIGTERM');
    try {
      const { code } = await within('the server to stop after SIGTERM', this.exited, 5_000);
      assert.equal(code, 0, `exit code after SIGTERM\n${this.tail()}`);
    } finally {
      if (this.process.exitCode === null) this.process.kill('SIGKILL');
      if (this.ownData) rmSync(this.dataDir, { recursive: true, force: true });
    }
  }

  /** The last lines of its log. */
  tail(lines = 40) {
    const text = readFileSync(this.logFile, 'utf8').trimEnd().split('\n');
    return [`--- server log, ${this.logFile}`, ...text.slice(-lines)].join('\n');
  }
}

/** A `--port-offset` at which every port of the server is free right now. */
export async function freeOffset() {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const offset = 1000 + 20 * Math.floor(Math.random() * 2000);
    const tcp = await Promise.all(TCP_PORTS.map((port) => tcpFree(port + offset)));
    const udp = await Promise.all(UDP_PORTS.map((port) => udpFree(port + offset)));
    if ([...tcp, ...udp].every(Boolean)) return offset;
  }
  throw new Error('no port offset with free ports found in 50 attempts');
}

function tcpFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function udpFree(port) {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}
