import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('three servers, one of them dies', async () => {
  const file = new URL('../examples/three-servers.ts', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--conditions=@grp/source',
    '--disable-warning=ExperimentalWarning',
    file,
  ]);
  expect(stdout).toMatch(/^\w{3} leads and has written\n\w{3} leads now, and the colour is blue\n$/);
});
