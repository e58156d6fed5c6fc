import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('the README’s example: three members, one order', () => {
  const file = fileURLToPath(new URL('../examples/hello.ts', import.meta.url));
  const flags = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning'];
  const output = execFileSync(process.execPath, [...flags, file], { encoding: 'utf8', timeout: 60_000 });
  const lines = output.trim().split('\n');
  expect(lines).toHaveLength(5);
  expect(
    lines
      .slice(0, 3)
      .map((line) => line.slice(2))
      .toSorted(),
  ).toEqual(['ann', 'bob', 'eve'].map((name) => `hello from ${name}`));
  expect(lines.slice(3)).toEqual(['4 goodbye', 'same order everywhere: true']);
});
