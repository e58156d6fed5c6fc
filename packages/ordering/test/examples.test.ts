import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('the example of the README, by hand: FIFO order differs from member to member, total order does not', () => {
  const example = fileURLToPath(new URL('../examples/by-hand.ts', import.meta.url));
  const args = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', example];
  const output = execFileSync(process.execPath, args, { encoding: 'utf8' }).trim();
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(readFileSync(example, 'utf8'));
  expect(readme).toContain(output);
  const lines = output.split('\n');
  const screens = (order: string): Set<string> =>
    new Set(lines.filter((line) => line.startsWith(order)).map((line) => line.slice(line.indexOf(':'))));
  expect(lines).toHaveLength(6);
  expect(screens('fifo').size).toBe(2);
  expect(screens('total').size).toBe(1);
});
