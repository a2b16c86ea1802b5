// Pictures of the console's pages for the documentation: docs/screenshots/*.png.
// Every person has a browser of their own, because Chromium plays one file as
// the camera of all its pages.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { launch, Visitor } from './harness/browser.js';
import { root } from './harness/paths.js';
import { Server } from './harness/server.js';

const OUT = join(root, 'docs', 'screenshots');
const DESKTOP = { viewport: { width: 1440, height: 900 }, deviceScaleFactor: 1, locale: 'en-US' };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

mkdirSync(OUT, { recursive: true });
const server = await Server.start('screenshots');
const browsers = new Map();
try {
  await call();
  await show();
  await voice();
} finally {
  await Promise.all([...browsers.values()].map((browser) => browser.close()));
  await server.stop();
}

async function call() {
  const prejoin = await visit('ana', '/call/design-review', DESKTOP);
  await prejoin.page.getByTestId('name-input').fill('Ana');
  await plays(prejoin, 'local-video', 1);
  await shoot(prejoin, 'prejoin');
  await prejoin.close();

  const ana = await visit('ana', '/call/design-review?autojoin=1&name=Ana', DESKTOP);
  const bo = await visit('bo', '/call/design-review?autojoin=1&name=Bo', DESKTOP);
  await plays(ana, 'remote-video', 1);
  await plays(bo, 'remote-video', 1);
  await sharp(ana);
  await shoot(ana, 'call');
  await ana.page.getByTestId('quality-toggle').click();
  await ana.page.getByTestId('quality-panel').waitFor();
  // The plots need something to show.
  await ana.until('half a minute of statistics', () => {
    globalThis.shownSince ??= performance.now();
    return performance.now() - globalThis.shownSince > 30_000;
  }, null, 40_000);
  await shoot(ana, 'quality');
  await Promise.all([ana.close(), bo.close()]);
}

async function show() {
  const host = await visit('ana', '/show/launch-night?role=host&autojoin=1&name=Ana', DESKTOP);
  const cohost = await visit('bo', '/show/launch-night?role=cohost&autojoin=1&name=Bo', DESKTOP);
  const viewer = await visit('chen', '/show/launch-night?role=audience&autojoin=1&name=Chen', DESKTOP);
  const mobile = await visit('chen', '/show/launch-night?role=audience&autojoin=1&name=%E5%B0%8F%E9%99%88', { ...PHONE, locale: 'zh-CN' });
  await plays(viewer, 'remote-video', 2);
  for (const [who, text] of [
    [viewer, 'Good evening from Lyon!'],
    [cohost, 'We start in a minute.'],
    [mobile, '晚上好，声音很清楚'],
    [viewer, 'Picture is sharp here.'],
  ]) {
    await who.page.getByTestId('chat-input').fill(text);
    await who.page.getByTestId('chat-input').press('Enter');
    await viewer.until('the message', (text) => document.body.innerText.includes(text), text);
  }
  await sharp(viewer);
  // Last, and quickly: they fly away.
  for (let i = 0; i < 5; i += 1) await viewer.page.getByTestId('reaction-button').nth(i).click();
  await shoot(viewer, 'show-audience');
  await plays(host, 'remote-video', 1);
  await shoot(host, 'show-host');
  await plays(mobile, 'remote-video', 2);
  await shoot(mobile, 'show-phone-zh');

  const home = await visit('dara', '/', DESKTOP);
  await home.page.getByTestId('room-row').first().waitFor();
  await shoot(home, 'home');
  await home.page.getByTestId('lang-switch').click();
  await home.until('Chinese', () => /[\u4e00-\u9fff]/.test(document.querySelector('h1')?.innerText ?? ''));
  await shoot(home, 'home-zh');
  await Promise.all([host, cohost, viewer, mobile, home].map((visitor) => visitor.close()));
}

async function voice() {
  const people = [];
  for (const [who, role, name] of [
    ['ana', 'host', 'Ana'],
    ['bo', 'speaker', 'Bo'],
    ['chen', 'speaker', '小陈'],
    ['dara', 'listener', 'Dara'],
  ]) {
    people.push(await visit(who, `/voice/late-radio?role=${role}&autojoin=1&name=${encodeURIComponent(name)}`, DESKTOP));
  }
  const listener = people.at(-1);
  await listener.until('three seats taken', () => document.querySelectorAll('[data-testid="seat"]').length >= 3, null, 20_000);
  await listener.until('somebody to speak', () => document.querySelector('[data-testid="seat"][data-speaking="true"]'), null, 20_000);
  await shoot(listener, 'voice');
  await Promise.all(people.map((visitor) => visitor.close()));
}

async function visit(who, path, context) {
  if (!browsers.has(who)) browsers.set(who, await launch({ person: who }));
  return Visitor.open(browsers.get(who), server.http + path, { name: who, context });
}

async function shoot(visitor, name) {
  await visitor.page.screenshot({ path: join(OUT, `${name}.png`) });
  console.log(`docs/screenshots/${name}.png`);
}

/** As many videos of that kind play. */
function plays(visitor, testId, count) {
  return visitor.until(`${count} ${testId}`, ([testId, count]) => {
    const videos = [...document.querySelectorAll(`video[data-testid="${testId}"]`)];
    return videos.length >= count && videos.every((v) => v.videoWidth > 0 && v.getVideoPlaybackQuality().totalVideoFrames > 20);
  }, [testId, count], 30_000);
}

/** The estimate has let the better layers through. */
function sharp(visitor) {
  return visitor.until('sharp pictures', () =>
    [...document.querySelectorAll('video[data-testid="remote-video"]')].every((video) => video.videoWidth >= 640), null, 60_000);
}
