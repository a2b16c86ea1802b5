// One headless Chromium whose camera and microphone are files, and pages in it.

import { chromium as playwright } from 'playwright-core';

import { chromium, mediaFile } from './paths.js';
import { until } from './wait.js';

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  // Pages of a test are all in use, whichever of them is in front.
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--autoplay-policy=no-user-gesture-required',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
  '--allow-loopback-in-peer-connection',
];

/** Launches Chromium; `person` names the media files, `flags` are added. */
export async function launch({ person = 'person', flags = [] } = {}) {
  return playwright.launch({
    executablePath: chromium(),
    headless: true,
    args: [
      ...FLAGS,
      `--use-file-for-fake-video-capture=${mediaFile(`${person}.mjpeg`)}`,
      `--use-file-for-fake-audio-capture=${mediaFile(`${person}.wav`)}`,
      ...flags,
    ],
  });
}

// What a page said last; enough to read a failure, bounded against a chatty SDK.
const CONSOLE_LINES = 60;

/** A page in a context of its own, with its console kept. */
export class Visitor {
  static async open(browser, url, { name = 'page', context: contextOptions = {} } = {}) {
    const visitor = new Visitor();
    visitor.name = name;
    visitor.console = [];
    visitor.context = await browser.newContext({ permissions: ['camera', 'microphone'], ...contextOptions });
    visitor.page = await visitor.context.newPage();
    visitor.page.on('console', (message) => visitor.#keep(`${message.type()}: ${message.text()}`));
    visitor.page.on('pageerror', (error) => visitor.#keep(`uncaught: ${error.stack ?? error}`));
    await visitor.page.goto(url);
    return visitor;
  }

  /** Runs a function in the page. */
  evaluate(body, argument) {
    return this.page.evaluate(body, argument);
  }

  /** Waits until a function evaluated in the page gives something truthy, and returns it. */
  until(what, body, argument, withinMs = 10_000) {
    return until(`${this.name}: ${what}`, () => this.page.evaluate(body, argument), withinMs);
  }

  close() {
    return this.context.close();
  }

  /** The last lines of its console. */
  tail() {
    return [`--- console of ${this.name}`, ...this.console].join('\n');
  }

  #keep(line) {
    this.console.push(line.slice(0, 400));
    if (this.console.length > CONSOLE_LINES) this.console.shift();
  }
}
