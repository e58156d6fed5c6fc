import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('by hand: FIFO order differs from member to member, total order does not', () => {
  const example = fileURLToPath(new URL('../examples/by-hand.ts', import.meta.url));
  const args = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', example];
  const lines = execFileSync(process.execPath, args, { encoding: 'utf8' }).trim().split('\n');
  const screens = (order: string): Set<string> =>
    new Set(lines.filter((line) => line.startsWith(order)).map((line) => line.slice(line.indexOf(':'))));
  expect(lines).toHaveLength(6);
  expect(screens('fifo').size).toBe(2);
  expect(screens('total').size).toBe(1);
});
