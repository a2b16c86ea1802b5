// Native clients in processes of their own, spoken to in JSON lines.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { python } from './paths.js';
import { until, within } from './wait.js';

const KINDS = {
  'PyPI livekit': () => [python(), ['-u', script('peer.py')]],
  '@livekit/rtc-node': () => [process.execPath, [script('peer.js')]],
};

export const PEERS = Object.keys(KINDS);

const LOG_LINES = 60;

export class Peer {
  #answers = new Map();
  #next = 1;

  /** Starts the process of one kind of `PEERS`. */
  constructor(kind, name) {
    const [program, args] = KINDS[kind]();
    this.name = name;
    this.log = [];
    this.process = spawn(program, args, { env: { ...process.env, LIVEKIT_LOG_LEVEL: 'warn' } });
    createInterface({ input: this.process.stdout }).on('line', (line) => this.#onLine(line));
    createInterface({ input: this.process.stderr }).on('line', (line) => this.#keep(line));
    this.exited = new Promise((resolve) => {
      this.process.on('exit', (code) => {
        for (const { reject } of this.#answers.values()) reject(new Error(`${name} left with code ${code}`));
        resolve(code);
      });
    });
  }

  /** Has it do something and returns the answer. */
  ask(what, fields = {}, withinMs = 15_000) {
    const id = this.#next;
    this.#next += 1;
    const answer = new Promise((resolve, reject) => this.#answers.set(id, { resolve, reject }));
    this.process.stdin.write(`${JSON.stringify({ id, do: what, ...fields })}\n`);
    return within(`${this.name} to answer "${what}"`, answer, withinMs).finally(() => this.#answers.delete(id));
  }

  /** Asks again and again until `condition(answer)` is truthy, and returns that. */
  until(what, question, fields, condition, withinMs = 15_000) {
    return until(`${this.name}: ${what}`, async () => condition(await this.ask(question, fields)), withinMs);
  }

  /** Ends the process; it has ended when this resolves. */
  async close() {
    this.process.stdin.end();
    await within(`${this.name} to end`, this.exited, 5_000).catch(() => this.process.kill('SIGKILL'));
  }

  tail() {
    return [`--- log of ${this.name}`, ...this.log].join('\n');
  }

  #onLine(line) {
    let answer;
    try {
      answer = JSON.parse(line);
    } catch {
      return this.#keep(line);
    }
    const { resolve, reject } = this.#answers.get(answer.id) ?? {};
    if (answer.error) reject?.(new Error(`${this.name}: ${answer.error}`));
    else resolve?.(answer.value);
  }

  #keep(line) {
    this.log.push(line.slice(0, 300));
    if (this.log.length > LOG_LINES) this.log.shift();
  }
}

function script(name) {
  return fileURLToPath(new URL(`../peers/${name}`, import.meta.url));
}
