// The web console, as visitors use it, with real media.

import assert from 'node:assert/strict';

import { stage } from './harness/scenario.js';
import { until } from './harness/wait.js';

const { scenario } = stage('console');

scenario('the front page is served, in both languages, and lists live rooms', async (scene) => {
  const page = await scene.page('visitor', scene.server.http, { locale: 'en-US' });
  await page.page.getByTestId('lang-switch').click();
  await page.until('Chinese', () => /[\u4e00-\u9fff]/.test(document.body.innerText));
  await page.page.getByTestId('lang-switch').click();
  await page.until('English', () => document.documentElement.lang.startsWith('en'));
  await scene.join('ann');
  await page.until('the room in the list', (room) =>
    document.querySelector(`[data-testid="room-row"][data-room="${room}"]`), scene.room, 15_000);
});

scenario('two visitors call each other, mute, look at the quality and leave', async (scene) => {
  const url = `${scene.server.http}/call/${scene.room}`;
  const ann = await scene.page('Ann', url);
  await ann.page.getByTestId('name-input').fill('Ann');
  await ann.page.getByTestId('join-button').click();
  const ben = await scene.page('Ben', `${url}?autojoin=1&name=Ben`);
  await Promise.all([plays(ann, 'remote-video'), plays(ben, 'remote-video'), plays(ann, 'local-video')]);

  await ann.page.getByTestId('quality-toggle').click();
  await ann.page.getByTestId('quality-panel').waitFor();
  await ann.until('plots', () => document.querySelectorAll('[data-testid="quality-panel"] canvas').length > 0);

  await ann.page.getByTestId('camera-button').click();
  await ben.until('the picture to go', () => !document.querySelector('[data-testid="remote-video"]'));
  await ann.page.getByTestId('camera-button').click();
  await plays(ben, 'remote-video');
  await ann.page.getByTestId('mute-button').click();
  await muted(scene, 'Ann', true);

  await ann.page.getByTestId('leave-button').click();
  await ann.page.getByTestId('room-ended').waitFor();
  await ben.until('to be alone', () => !document.querySelector('[data-testid="remote-video"]'));
}, { seconds: 60 });

scenario('a show has a host, an audience that only watches, chat and reactions', async (scene) => {
  const url = (role, name) => `${scene.server.http}/show/${scene.room}?role=${role}&autojoin=1&name=${name}`;
  const host = await scene.page('Host', url('host', 'Host'));
  await plays(host, 'local-video');
  const viewer = await scene.page('Viewer', url('audience', 'Viewer'));
  await plays(viewer, 'remote-video');
  assert.equal(await viewer.evaluate(() => document.querySelectorAll('[data-testid="camera-button"]').length), 0);
  await host.until('one viewer', () => document.querySelector('[data-testid="audience-count"]')?.textContent === '1');

  await viewer.page.getByTestId('chat-input').fill('你好, hello!');
  await viewer.page.getByTestId('chat-input').press('Enter');
  await host.until('the message', () => document.querySelector('[data-testid="chat-list"]').innerText.includes('你好, hello!'));
  await viewer.page.getByTestId('reaction-button').first().click();
  await host.page.getByTestId('reaction-float').first().waitFor({ state: 'attached' });

  const cohost = await scene.page('Cohost', url('cohost', 'Cohost'));
  await plays(cohost, 'remote-video');
  await viewer.until('two on the stage', () => document.querySelectorAll('[data-testid="remote-video"]').length === 2, null, 15_000);
  const people = await scene.server.rooms.listParticipants(scene.room);
  const rights = Object.fromEntries(people.map((p) => [p.name, p.permission.canPublish]));
  assert.deepEqual(rights, { Host: true, Viewer: false, Cohost: true });
}, { seconds: 60 });

scenario('a voice room has seats and shows who speaks', async (scene) => {
  const url = (role, name) => `${scene.server.http}/voice/${scene.room}?role=${role}&autojoin=1&name=${name}`;
  await scene.page('Host', url('host', 'Host'));
  const listener = await scene.page('Listener', url('listener', 'Listener'));
  await listener.until('the host on a seat', () => document.querySelector('[data-testid="seat"]')?.innerText.includes('Host'), null, 15_000);
  await listener.until('the host to speak', () => document.querySelector('[data-testid="seat"][data-speaking="true"]'), null, 20_000);
});

/** A video element of that kind shows frames that go on. */
async function plays(visitor, testId) {
  await visitor.until(
    `${testId} to play`,
    (testId) => {
      const video = document.querySelector(`video[data-testid="${testId}"]`);
      return video?.videoWidth > 0 && video.getVideoPlaybackQuality().totalVideoFrames > 20;
    },
    testId,
    20_000,
  );
}

/** Waits until the server knows that a person's microphone is muted. */
async function muted(scene, name, expected) {
  await until(`the microphone of ${name} to be muted: ${expected}`, async () => {
    const people = await scene.server.rooms.listParticipants(scene.room);
    const tracks = people.find((person) => person.name === name)?.tracks ?? [];
    return tracks.some((track) => track.source === 2 && track.muted === expected);
  });
}
