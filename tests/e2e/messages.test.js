// Data packets, text and byte streams, calls of a remote method.

import assert from 'node:assert/strict';

import { MODES, stage } from './harness/scenario.js';

const { scenario } = stage('messages');

for (const { mode, options } of MODES) {
  const three = (scene) => Promise.all(['ann', 'ben', 'cy'].map((identity) => scene.join(identity, { options })));

  scenario(`data packets reach all, or the chosen, ${mode}`, async (scene) => {
    const [ann, ben, cy] = await three(scene);
    await Promise.all([ben, cy].map((page) => page.evaluate(() => client.collectData())));
    for (const reliable of [true, false]) {
      const topic = reliable ? 'reliable' : 'lossy';
      await ann.evaluate(({ topic, reliable }) =>
        client.room.localParticipant.publishData(new Uint8Array([1, 2, 3]), { topic, reliable }), { topic, reliable });
      for (const page of [ben, cy]) {
        const got = await page.until(`the ${topic} packet`, (topic) => client.data.find((d) => d.topic === topic), topic);
        assert.deepEqual(got, { from: 'ann', topic, kind: reliable ? 0 : 1, bytes: [1, 2, 3] });
      }
    }
    await ann.evaluate(async () => {
      const send = (value, destinationIdentities) =>
        client.room.localParticipant.publishData(new Uint8Array([value]), { topic: 'chosen', reliable: true, destinationIdentities });
      await send(7, ['cy']);
      await send(8, []);
    });
    const chosen = (page) => page.until('the packet for all', () => {
      const chosen = client.data.filter((d) => d.topic === 'chosen').map((d) => d.bytes[0]);
      return chosen.includes(8) && chosen;
    });
    assert.deepEqual(await chosen(ben), [8], 'ben was not chosen');
    assert.deepEqual(await chosen(cy), [7, 8]);
  });

  scenario(`reliable packets keep their order and none is lost, ${mode}`, async (scene) => {
    const [ann, ben] = await three(scene);
    await ben.evaluate(() => client.collectData());
    await ann.evaluate(async () => {
      for (let i = 0; i < 300; i += 1) {
        const bytes = new Uint8Array(1000).fill(i % 256);
        await client.room.localParticipant.publishData(bytes, { reliable: true, topic: String(i) });
      }
    });
    const topics = await ben.until('300 packets', () => client.data.length >= 300 && client.data.map((d) => d.topic));
    assert.deepEqual(topics, Array.from({ length: 300 }, (_, i) => String(i)));
  });

  scenario(`one without the right to send data is not heard, ${mode}`, async (scene) => {
    const ben = await scene.join('ben', { options });
    const mute = await scene.join('mute', { options, grant: { canPublishData: false } });
    await ben.evaluate(() => client.collectData());
    const ann = await scene.join('ann', { options });
    const send = (page) => page.evaluate(() =>
      client.room.localParticipant.publishData(new Uint8Array([9]), { reliable: true }).catch(() => {}));
    await send(mute);
    await send(ann);
    await ben.until('the packet of ann', () => client.data.some((d) => d.from === 'ann'));
    assert.equal(await ben.evaluate(() => client.data.some((d) => d.from === 'mute')), false);
  });

  scenario(`text and byte streams arrive whole, ${mode}`, async (scene) => {
    const [ann, ben] = await three(scene);
    await ben.evaluate(() => client.collectStreams('notes', 'files'));
    const sent = await ann.evaluate(async () => {
      const me = client.room.localParticipant;
      const text = '直播 live '.repeat(5000);
      await me.sendText(text, { topic: 'notes', attributes: { tone: 'warm' } });
      const writer = await me.streamText({ topic: 'notes' });
      for (const word of ['one ', 'two ', 'three']) await writer.write(word);
      await writer.close();
      const bytes = crypto.getRandomValues(new Uint8Array(60_000));
      const file = await me.streamBytes({ topic: 'files', name: 'noise.bin' });
      await file.write(bytes);
      await file.close();
      return { text, digest: await client.digest(bytes) };
    });
    const streams = await ben.until('three streams', () => client.streams.length === 3 && client.streams, null, 15_000);
    const [long, short, file] = ['whole', 'words', 'noise.bin'].map((what) => streams.find((s) => s.what === what));
    assert.equal(long.text, sent.text);
    assert.deepEqual([long.from, long.attributes.tone], ['ann', 'warm']);
    assert.equal(short.text, 'one two three');
    assert.deepEqual([file.length, file.digest], [60_000, sent.digest]);
  });

  scenario(`a method of another page is called, both ways, ${mode}`, async (scene) => {
    const [ann, ben] = await three(scene);
    for (const page of [ann, ben]) {
      await page.evaluate(() => {
        client.room.registerRpcMethod('greet', async ({ callerIdentity, payload }) => `${payload}, ${callerIdentity}`);
        client.room.registerRpcMethod('fail', async () => {
          throw new LivekitClient.RpcError(1234, 'no luck', 'details');
        });
      });
    }
    const call = (page, destinationIdentity, method) =>
      page.evaluate(async ({ destinationIdentity, method }) => {
        const call = { destinationIdentity, method, payload: 'hello', responseTimeout: 8000 };
        return client.room.localParticipant.performRpc(call).catch(({ code, message, data }) => ({ code, message, data }));
      }, { destinationIdentity, method });
    await ann.until('ben to be there', () => client.remote('ben'));
    await ben.until('ann to be there', () => client.remote('ann'));
    assert.equal(await call(ann, 'ben', 'greet'), 'hello, ann');
    assert.equal(await call(ben, 'ann', 'greet'), 'hello, ben');
    assert.deepEqual(await call(ann, 'ben', 'fail'), { code: 1234, message: 'no luck', data: 'details' });
    assert.equal((await call(ann, 'ben', 'missing')).code, 1400, 'UNSUPPORTED_METHOD');
  });
}
