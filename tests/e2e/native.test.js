// Native SDKs beside a browser page: sound, picture, data, text, calls, both ways.

import assert from 'node:assert/strict';

import { countersAdvance, matchSpeech, sees } from './harness/media.js';
import { PEERS } from './harness/peer.js';
import { stage } from './harness/scenario.js';

const { scenario } = stage('native');

for (const kind of PEERS) {
  scenario(`${kind} and a browser page exchange everything`, (scene) => exchange(scene, kind, true), { seconds: 80 });
}
scenario('PyPI livekit with two connections', (scene) => exchange(scene, PEERS[0], false), { seconds: 80 });

for (const kind of PEERS) {
  scenario(`two of ${kind} exchange data`, async (scene) => {
    const [one, two] = await Promise.all([scene.peer(kind, 'one'), scene.peer(kind, 'two')]);
    await one.until('the other', 'people', {}, (people) => people.includes('two'));
    await one.ask('send_data', { data: [4, 2], reliable: true, topic: 'pair' });
    await two.until('the packet', 'received', {}, ({ data }) => data.length === 1 && data[0].from === 'one');
    assert.equal(await one.ask('call', { identity: 'two', payload: 'hello' }), 'hello, one');
  });
}

async function exchange(scene, kind, single) {
  const page = await scene.join('page');
  const peer = await scene.peer(kind, 'native', single);
  await page.evaluate(() => {
    client.collectData();
    client.collectStreams('notes', 'files');
    client.room.registerRpcMethod('greet', async ({ callerIdentity, payload }) => `${payload}, ${callerIdentity}`);
  });
  await Promise.all([page.evaluate(() => Promise.all([client.microphone(), client.camera()])), peer.ask('publish')]);

  countersAdvance(await sees(page, 'native', { withinMs: 20_000 }));
  await page.until('the tone of 440 Hz', async () => Math.abs((await client.pitch('native')) - 440) < 25, null, 15_000);
  await peerSeesAndHears(peer);
  await messages(page, peer);
  await peer.ask('leave');
  await page.until('the native peer to be gone', () => !client.remote('native'));
}

async function peerSeesAndHears(peer) {
  const view = await peer.until('frames of the page', 'seen', { identity: 'page' }, (view) => view?.frames > 45 && view, 20_000);
  countersAdvance({ ...view, counters: view.counters.filter((counter) => counter >= 0) });
  const heard = (loudness) => {
    const match = matchSpeech(loudness);
    return match && match.correlation > 0.75 && match.quiet < 0.1 * match.loud;
  };
  await peer.until('the speech of the page', 'heard', { identity: 'page' }, heard, 25_000);
}

async function messages(page, peer) {
  for (const reliable of [true, false]) {
    const topic = reliable ? 'reliable' : 'lossy';
    await page.evaluate(({ topic, reliable }) =>
      client.room.localParticipant.publishData(new Uint8Array([1, 2]), { topic, reliable }), { topic, reliable });
    const got = await peer.until(`the ${topic} packet`, 'received', {}, ({ data }) => data.find((d) => d.topic === topic));
    assert.deepEqual(got, { from: 'page', topic, reliable, bytes: [1, 2] });
    await peer.ask('send_data', { data: [3, 4], reliable, topic });
    const back = await page.until(`the ${topic} packet`, (topic) => client.data.find((d) => d.topic === topic), topic);
    assert.deepEqual(back, { from: 'native', topic, kind: reliable ? 0 : 1, bytes: [3, 4] });
  }
  const text = 'Grüße 你好 '.repeat(4000);
  await page.evaluate((text) => client.room.localParticipant.sendText(text, { topic: 'notes' }), text);
  await peer.until('the text', 'received', {}, ({ texts }) => texts.some((t) => t.from === 'page' && t.text === text));
  await peer.ask('send_text', { text });
  await page.until('the text', (text) => client.streams.some((s) => s.from === 'native' && s.text === text), text);

  assert.equal(await peer.ask('call', { identity: 'page', payload: 'hello' }), 'hello, native');
  const answer = await page.evaluate(() =>
    client.room.localParticipant.performRpc({ destinationIdentity: 'native', method: 'greet', payload: 'hello' }));
  assert.equal(answer, 'hello, page');
}
