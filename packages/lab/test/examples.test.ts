import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const path = (name: string): string => new URL(`../${name}`, import.meta.url).pathname;

test('the example of the README runs, and says what the README says', async () => {
  const readme = await readFile(path('README.md'), 'utf8');
  expect(readme).toContain(await readFile(path('examples/bad-days.ts'), 'utf8'));
  const args = ['--conditions=@grp/source', path('examples/bad-days.ts')];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(readme).toContain(stdout.trim());
});
