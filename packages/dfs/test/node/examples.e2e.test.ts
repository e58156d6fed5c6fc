import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('examples/three-servers.ts runs, and ends by itself', () => {
  const file = fileURLToPath(new URL('../../examples/three-servers.ts', import.meta.url));
  const args = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', file];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 });
  const expected = 'put: 8 bytes on at least 2 servers\none server less: buy milk\n';
  expect([stdout, stderr, status]).toEqual([expected, '', 0]);
});
