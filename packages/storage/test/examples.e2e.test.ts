import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const pathOf = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));

test('examples/notes.ts runs, and ends by itself', () => {
  const args = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', pathOf('examples/notes.ts')];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 });
  expect([stdout, stderr, status]).toEqual(['durable: milk\nremembered: milk\ndurable: bread\n', '', 0]);
});

test('the README shows the example as it is', () => {
  expect(readFileSync(pathOf('README.md'), 'utf8')).toContain(readFileSync(pathOf('examples/notes.ts'), 'utf8'));
});
