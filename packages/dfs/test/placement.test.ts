import { expect, test } from 'vitest';
import type { FileServer } from '../src/model.ts';
import { placeReplicas } from '../src/placement.ts';

const gibibyte = 2 ** 30;

function servers(count: number, change: (number: number) => Partial<FileServer> = () => ({})): readonly FileServer[] {
  return Array.from({ length: count }, (_, index) => {
    const common = { id: `n${index + 1}`, incarnation: 1, address: '', zone: '', freeBytes: 100 * gibibyte, up: true };
    return { ...common, ...change(index + 1) };
  });
}

function blob(number: number): string {
  return Math.imul(number, 0x9e3779b1).toString(16).replace('-', '').padStart(8, '0') + '0'.repeat(24);
}

function shares(of: readonly FileServer[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (let number = 1; number <= 3_000; number++)
    for (const { id } of placeReplicas({ blob: blob(number), servers: of, count: 3 }))
      counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

test('spreads blobs evenly over equal servers', () => {
  for (const count of shares(servers(6)).values()) expect(Math.abs(count - 1_500)).toBeLessThan(150);
});

test('gives a server with less room less, and one without enough nothing', () => {
  const counts = shares(servers(6, (number) => (number === 1 ? { freeBytes: 2 ** 22 } : {})));
  expect(counts.get('n1')).toBeLessThan(700);
  const full = servers(3, (number) => (number === 1 ? { freeBytes: 1_000 } : {}));
  const chosen = placeReplicas({ blob: blob(1), servers: full, count: 3, bytes: 500, reserveBytes: 501 });
  expect(chosen.map(({ id }) => id).toSorted()).toEqual(['n2', 'n3']);
});

test('moves only the blobs of a server that goes', () => {
  const all = servers(6);
  for (let number = 1; number <= 500; number++) {
    const before = placeReplicas({ blob: blob(number), servers: all, count: 3 }).map(({ id }) => id);
    const after = placeReplicas({ blob: blob(number), servers: all.slice(0, 5), count: 3 }).map(({ id }) => id);
    expect(after).toEqual(expect.arrayContaining(before.filter((id) => id !== 'n6')));
  }
});

test('uses every zone before it uses one twice, also for a replica that comes later', () => {
  const all = servers(6, (number) => ({ zone: `z${number % 2}` }));
  const [first] = placeReplicas({ blob: blob(7), servers: all, count: 1 });
  const two = placeReplicas({ blob: blob(7), servers: all, count: 2 });
  expect(new Set(two.map(({ zone }) => zone)).size).toBe(2);
  const [later] = placeReplicas({ blob: blob(7), servers: all, count: 1, holders: [first?.id ?? ''] });
  expect(later?.zone).not.toBe(first?.zone);
});

test('takes servers to be avoided only when nobody else is left, and never those that are down', () => {
  const all = servers(4, (number) => ({ up: number !== 4 }));
  const chosen = placeReplicas({ blob: blob(3), servers: all, count: 3, avoid: ['n2'] }).map(({ id }) => id);
  expect(chosen).toHaveLength(3);
  expect(chosen.at(-1)).toBe('n2');
});
