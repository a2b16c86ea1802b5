// What people saw, signed by their browsers, countersigned by the server, named in its log.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { serverBinary } from './harness/paths.js';
import { stage } from './harness/scenario.js';
import { until } from './harness/wait.js';

const { scenario } = stage('receipts');

/** A receipt comes at the end of the minute in which the call began. */
const MINUTE = 75_000;

scenario('two callers get receipts, the log names them, and a forged one is refused', async (scene) => {
  const url = (name) => `${scene.server.http}/call/${scene.room}?autojoin=1&name=${name}`;
  const ann = await scene.page('Ann', url('Annemarie'));
  const ben = await scene.page('Ben', url('Ben'));
  const receipts = await Promise.all([ann, ben].map((page) => firstReceipt(page)));

  for (const [page, receipt] of [[ann, receipts[0]], [ben, receipts[1]]]) {
    const said = JSON.parse(receipt.statement);
    assert.equal(said.format, 'surecast-receipt/1');
    assert.equal(said.join.ok, true, receipt.statement);
    assert.ok(said.audio.all + said.video.all > 0, receipt.statement);
    const verify = (receipt) => window.__surecast.verifyCountersignature(receipt);
    assert.equal(await page.evaluate(verify, receipt), true);
    const other = { ...receipt, statement: receipt.statement.replace('"seq":1', '"seq":2') };
    assert.equal(await page.evaluate(verify, other), false);
  }

  const token = await scene.server.token(scene.room, 'mallory');
  const { statement, signature } = receipts[0];
  const forged = statement.replace(/"good":\d+/, '"good":0');
  assert.notEqual(forged, statement);
  const refused = await post(scene, token, forged, signature);
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /signature/);
  assert.equal((await post(scene, 'no token', statement, signature)).status, 401);

  const logged = await until('the leaf in the log', async () => {
    const leaves = await exported(scene, 'receipt');
    const hashes = leaves.flatMap((leaf) => leaf.hashes ?? []);
    const wanted = await Promise.all(receipts.map((receipt) => sha256(receipt.statement)));
    return wanted.every((hash) => hashes.includes(hash)) && leaves;
  }, 60_000);
  const text = JSON.stringify(logged);
  assert.ok(!text.includes('Annemarie') && !text.includes(scene.room), 'nothing personal in the log');
}, { seconds: 180 });

function firstReceipt(page) {
  return page.until('a receipt', () => window.__surecast?.receipts[0], null, MINUTE);
}

function post(scene, token, statement, signature) {
  return fetch(`${scene.server.http}/guarantee/v1/receipts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ statement, signature }),
  });
}

/** Payloads of one kind, from the log as an outsider reads it. */
async function exported(scene, kind) {
  const args = ['evidence', 'export', '--log', `${scene.server.http}/log/`, '--kind', kind];
  const { stdout } = await promisify(execFile)(serverBinary(), args, { maxBuffer: 1 << 26 });
  return stdout
    .split('\n')
    .filter((line) => line.includes('{'))
    .map((line) => JSON.parse(line.slice(line.indexOf('{'))));
}

async function sha256(text) {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Buffer.from(digest).toString('base64');
}
