// A contract for a server under test, as `surecast contract new` writes it.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { serverBinary } from './paths.js';

/**
 * A contract whose term has begun with the month, in a file of its own.
 * @returns {{env: Record<string, string>, remove(): void}} what the server is started with
 */
export function contractFor(id, region) {
  const directory = mkdtempSync(join(tmpdir(), 'surecast-contract-'));
  const file = join(directory, `${id}.contract.yaml`);
  const start = `${new Date().toISOString().slice(0, 7)}-01`;
  const parties = ['--provider', 'Surecast', '--provider-mail', 'p@example.com', '--customer', 'Acme Live', '--customer-mail', 'c@example.com'];
  const text = execFileSync(serverBinary(), ['contract', 'new', 'entry', ...parties, '--start', start], { encoding: 'utf8' });
  writeFileSync(file, text.replace(/^id: .*$/m, `id: ${id}`).replaceAll(/region: .*$/gm, `region: ${region}`));
  const env = { SURECAST_GUARANTEE__CONTRACTS: file, SURECAST_GUARANTEE__REGION: region };
  return { env, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
