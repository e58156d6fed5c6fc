import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('the example of the README runs, and ends by itself', () => {
  const example = fileURLToPath(new URL('../examples/reminder.ts', import.meta.url));
  const args = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', example];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 });
  expect([stdout, stderr, status]).toEqual(['tea is ready!\n'.repeat(3), '', 0]);
});

test('the README shows the example as it is', () => {
  const read = (file: string): string => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
  const shown = /```ts\n(.*?)```/s.exec(read('README.md'))?.[1];
  expect(read('examples/reminder.ts')).toContain(shown);
});
