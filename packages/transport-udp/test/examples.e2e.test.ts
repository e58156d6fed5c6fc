import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const pathOf = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));

test.each([
  ['examples/hello.ts', 'listening, UDP and TCP: true\nanswer: hello\n'],
  ['examples/echo.ts', 'datagram: hello\nstream: a longer story (ended)\n'],
])('%s runs, and ends by itself', (file, expected) => {
  const args = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', pathOf(file)];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 });
  expect([stdout, stderr, status]).toEqual([expected, '', 0]);
});

test('the README shows the example as it is', () => {
  expect(readFileSync(pathOf('README.md'), 'utf8')).toContain(readFileSync(pathOf('examples/hello.ts'), 'utf8'));
});
