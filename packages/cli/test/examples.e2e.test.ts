import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('the example of the README runs', async () => {
  const example = fileURLToPath(new URL('../examples/local-cluster.ts', import.meta.url));
  const args = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', example];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout).toMatch(/ n1 lists n3 as down\n$/);
});
