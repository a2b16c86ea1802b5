// Every codec that Chromium encodes arrives decoded.

import assert from 'node:assert/strict';

import { decodes, sees } from './harness/media.js';
import { MODES, stage } from './harness/scenario.js';

const { scenario } = stage('codecs');

// What Debian's Chromium encodes in software.
const CODECS = ['vp8', 'h264', 'vp9', 'av1'];

for (const { mode, options } of MODES) {
  for (const codec of CODECS) {
    scenario(`${codec}, ${mode}`, async (scene) => {
      const [ann, ben] = await Promise.all([scene.join('ann', { options }), scene.join('ben', { options })]);
      await ann.evaluate((videoCodec) => client.camera({ videoCodec, backupCodec: false }), codec);
      const mimeType = `video/${codec}`;
      await ann.until(`to send ${codec}`, async (mimeType) =>
        (await client.outbound('camera')).some((r) => r.mimeType?.toLowerCase() === mimeType), mimeType);
      await sees(ben, 'ann', { withinMs: 20_000 });
      await decodes(ben, 'ann');
      assert.equal((await ben.evaluate(() => client.publication('ann', 'camera').mimeType)).toLowerCase(), mimeType);
    });
  }
}

scenario('sound without redundancy', async (scene) => {
  const [ann, ben] = await Promise.all([scene.join('ann'), scene.join('ben')]);
  await ann.evaluate(() => client.microphone({ red: false }));
  await ben.until('sound', async () => (await client.heard('ann'))?.some((level) => level > 0.02), null, 15_000);
});

scenario('a backup codec serves whoever lacks the first', async (scene) => {
  const [ann, ben] = await Promise.all([scene.join('ann'), scene.join('ben')]);
  await ann.evaluate(() => client.camera({ videoCodec: 'vp9', backupCodec: { codec: 'vp8' } }));
  await sees(ben, 'ann', { withinMs: 20_000 });
});
