import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('the example of the README runs, and ends by itself', () => {
  const example = fileURLToPath(new URL('../examples/echo.ts', import.meta.url));
  const args = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', example];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 });
  expect([stdout, stderr, status]).toEqual(['datagram: hello\nstream: a longer story (ended)\n', '', 0]);
});
