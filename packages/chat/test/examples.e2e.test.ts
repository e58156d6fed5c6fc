import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('the example of the README: one server, one client', () => {
  const file = fileURLToPath(new URL('../examples/one-server.ts', import.meta.url));
  const flags = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning'];
  const output = execFileSync(process.execPath, [...flags, file], { encoding: 'utf8', timeout: 60_000 });
  expect(output.trim().split('\n')).toEqual(['1 ann: hello', '2 ann: is anybody there?']);
});
