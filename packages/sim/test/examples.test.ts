import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const path = (name: string): string => new URL(`../${name}`, import.meta.url).pathname;

async function output(name: string): Promise<string> {
  const { stdout } = await run(process.execPath, ['--conditions=@grp/source', path(`examples/${name}.ts`)]);
  return stdout;
}

test('the example of the README runs, and says what the README says', async () => {
  const readme = await readFile(path('README.md'), 'utf8');
  expect(readme).toContain(await readFile(path('examples/heartbeats.ts'), 'utf8'));
  for (const line of (await output('heartbeats')).trim().split('\n')) expect(readme).toContain(line);
});

test('the storm of the examples forgets nothing', async () => {
  expect(await output('storm')).toMatch(/^20 seeds, [1-9]\d* power cuts, nothing forgotten\n$/);
});
