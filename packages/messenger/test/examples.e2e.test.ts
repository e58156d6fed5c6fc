import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('the README’s example says what it promises', () => {
  const file = fileURLToPath(new URL('../examples/tea.ts', import.meta.url));
  const flags = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning'];
  const output = execFileSync(process.execPath, [...flags, file], { encoding: 'utf8', timeout: 60_000 });
  expect(output).toBe('1 ann: milk?\n2 bob: just a little\n');
});
