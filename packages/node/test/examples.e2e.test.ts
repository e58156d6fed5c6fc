import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const folder = fileURLToPath(new URL('../examples/', import.meta.url));
const outputs: Readonly<Record<string, string>> = { 'embed.ts': 'bob is alive, ann is alive\n' };

test('every example has its output here', async () => {
  expect(await readdir(folder)).toEqual(Object.keys(outputs));
});

test.each(Object.entries(outputs))('%s runs and prints what it should', async (file, output) => {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--conditions=@grp/source', folder + file], { timeout: 60_000 });
  expect(stdout).toBe(output);
});
