// A test with a server, a browser and pages, and a failure that explains itself.

import { after, before, test } from 'node:test';

import { launch, Visitor } from './browser.js';
import { servePages } from './pages.js';
import { Peer } from './peer.js';
import { Server } from './server.js';
import { within } from './wait.js';

/** The two ways in which livekit-client connects. */
export const MODES = [
  { mode: 'one connection', options: {} },
  { mode: 'two connections', options: { singlePeerConnection: false } },
];

/**
 * The stage of one test file: one server and one browser for all its tests.
 * @param {string} name names the log
 * @param {{flags?: string[], server?: object}} [options] Chromium flags; options of Server.start
 */
export function stage(name, { flags = [], server: serverOptions } = {}) {
  const stage = { name, rooms: 0 };
  before(async () => {
    stage.server = await Server.start(name, await resolve(serverOptions));
    stage.pages = await servePages();
    stage.browser = await launch({ flags });
  });
  after(async () => {
    await stage.browser?.close();
    stage.pages?.close();
    await stage.server?.stop();
  });
  stage.scenario = (title, body, { seconds = 40 } = {}) =>
    test(title, () => play(stage, body, seconds));
  return stage;
}

async function play(stage, body, seconds) {
  const scene = new Scene(stage);
  try {
    await within('the end of this test', body(scene), seconds * 1000);
  } catch (error) {
    // The reporter prints the stack, which an error takes down when it is made.
    error.stack = `${error.stack}\n${scene.explain()}`;
    throw error;
  } finally {
    await scene.close();
  }
}

async function resolve(options) {
  return typeof options === 'function' ? options() : options;
}

/** What one test has in hand; everything it opened is closed with it. */
class Scene {
  #stage;
  #visitors = [];
  #closers = [];

  constructor(stage) {
    this.#stage = stage;
    stage.rooms += 1;
    /** A room of its own for each test. */
    this.room = `${stage.name}-${stage.rooms}`;
  }

  get server() {
    return this.#stage.server;
  }

  /** An open test page that has not joined. */
  async page(name, url = this.#stage.pages.url, context = {}, browser = this.#stage.browser) {
    const visitor = await Visitor.open(browser, url, { name, context });
    this.#visitors.push(visitor);
    return visitor;
  }

  /** A page that has joined the test's room as `identity`. */
  async join(identity, { options = {}, grant = {}, token = {}, connect = {}, browser } = {}) {
    const visitor = await this.page(identity, undefined, undefined, browser);
    const how = await this.how(identity, { options, grant, token, connect });
    visitor.sid = await visitor.evaluate((how) => client.join(how), how);
    visitor.identity = identity;
    return visitor;
  }

  /** A native client of one kind of `PEERS` that has joined the test's room. */
  async peer(kind, identity, single = true) {
    const peer = new Peer(kind, identity);
    this.#visitors.push(peer);
    const token = await this.server.token(this.room, identity);
    await peer.ask('join', { url: this.server.ws, token, single });
    return peer;
  }

  /** Arguments of the page's `client.join`. */
  async how(identity, { options = {}, grant = {}, token = {}, connect = {} } = {}) {
    return {
      url: this.server.ws,
      token: await this.server.token(this.room, identity, grant, token),
      options,
      connect,
    };
  }

  /** Runs `close` when the test is over. */
  defer(close) {
    this.#closers.push(close);
  }

  explain() {
    return [...this.#visitors.map((visitor) => visitor.tail()), this.server.tail()].join('\n');
  }

  async close() {
    for (const close of this.#closers) await close();
    await Promise.all(this.#visitors.map((visitor) => visitor.close()));
  }
}
