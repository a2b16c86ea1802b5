// A network between two UDP programs that loses, doubles and makes up datagrams.

import { createSocket } from 'node:dgram';

export class BadNetwork {
  /** What became of the datagrams, in both directions. */
  counted = { passed: 0, lost: 0, doubled: 0, made: 0 };
  #backs = new Map();
  #seed = 1;

  /**
   * Relays what comes to a free port to `port` of this machine, and the answers back.
   * @param {number} port
   * @param {{loss?: number, double?: number, garbage?: number, after?: number}} [options] shares of the
   *   datagrams, from the `after`th on; `garbage` comes to the port from a stranger
   */
  static async open(port, { loss = 0, double = 0, garbage = 0, after = 50 } = {}) {
    const network = new BadNetwork();
    Object.assign(network, { target: port, loss, double, garbage, after });
    network.front = createSocket('udp4');
    network.stranger = createSocket('udp4');
    network.front.on('message', (data, from) => network.#there(data, from));
    await new Promise((resolve) => network.front.bind(0, '127.0.0.1', resolve));
    network.port = network.front.address().port;
    return network;
  }

  close() {
    this.front.close();
    this.stranger.close();
    for (const back of this.#backs.values()) back.close();
  }

  #there(data, from) {
    let back = this.#backs.get(from.port);
    if (!back) {
      back = createSocket('udp4');
      back.on('message', (answer) => this.#pass(answer, (bytes) => this.front.send(bytes, from.port, '127.0.0.1')));
      this.#backs.set(from.port, back);
    }
    this.#pass(data, (bytes) => back.send(bytes, this.target, '127.0.0.1'));
  }

  #pass(data, send) {
    const young = this.counted.passed < this.after;
    if (!young && this.#chance(this.loss)) {
      this.counted.lost += 1;
      return;
    }
    this.counted.passed += 1;
    send(data);
    if (young) return;
    if (this.#chance(this.double)) {
      this.counted.doubled += 1;
      send(data);
    }
    if (this.#chance(this.garbage)) {
      this.counted.made += 1;
      this.stranger.send(this.#damaged(data), this.target, '127.0.0.1');
    }
  }

  /** The same with a few bytes of its header changed, and cut. */
  #damaged(data) {
    const bytes = Buffer.from(data);
    for (let i = 0; i < 4; i += 1) bytes[Math.floor(this.#random() * 12)] = Math.floor(this.#random() * 256);
    return bytes.subarray(0, Math.ceil(this.#random() * bytes.length));
  }

  #chance(share) {
    return share > 0 && this.#random() < share;
  }

  /** The same run each time (a linear congruential generator). */
  #random() {
    this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) >>> 0;
    return this.#seed / 2 ** 32;
  }
}
