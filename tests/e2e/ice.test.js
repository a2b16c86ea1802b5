// Media over TCP for those whose network lets no UDP through.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { launch } from './harness/browser.js';
import { countersAdvance, hears, sees } from './harness/media.js';
import { MODES, stage } from './harness/scenario.js';

const { scenario } = stage('ice');

/** A second browser, which Chromium's own policy keeps from using UDP. */
let walled;
before(async () => {
  walled = await launch({ flags: ['--webrtc-ip-handling-policy=disable_non_proxied_udp'] });
});
after(() => walled?.close());

for (const { mode, options } of MODES) {
  scenario(`a page without UDP calls over TCP, ${mode}`, async (scene) => {
    const free = await scene.join('free', { options });
    const blocked = await scene.join('blocked', { options, browser: walled });
    for (const page of [blocked, free]) {
      await page.evaluate(() => Promise.all([client.microphone(), client.camera()]));
    }
    countersAdvance(await sees(blocked, 'free', { withinMs: 25_000 }));
    countersAdvance(await sees(free, 'blocked'));
    await hears(blocked, 'free');
    const routes = await blocked.evaluate(() => client.routes());
    assert.ok(routes.length > 0 && routes.every(({ protocol }) => protocol === 'tcp'), JSON.stringify(routes));
    assert.deepEqual([...new Set(routes.map(({ port }) => port))], [7881 + scene.server.offset]);
    const other = await free.evaluate(() => client.routes());
    assert.ok(other.every(({ protocol }) => protocol === 'udp'), JSON.stringify(other));
  }, { seconds: 60 });
}
