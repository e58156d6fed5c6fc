import { expect, test } from 'vitest';
import { LocalHealth } from '../src/health.ts';
import { Suspicion } from '../src/suspicion.ts';

const bounds = { minMs: 1_000, refusedMinMs: 400, maxFactor: 6, needed: 3 };

test('each new accuser shortens the wait, a repeated one does not', () => {
  const suspicion = new Suspicion({ incarnation: 1, from: 'a' }, 0, bounds);
  expect(suspicion.deadline(1)).toBe(6_000);
  expect(suspicion.confirm('a')).toBe(false);
  expect(suspicion.confirm('b')).toBe(true);
  expect(suspicion.confirm('b')).toBe(false);
  expect(suspicion.deadline(1)).toBe(3_500);
  suspicion.confirm('c');
  suspicion.confirm('d');
  expect(suspicion.deadline(1)).toBe(1_000);
});

test('accusers beyond the needed ones are neither kept nor passed on', () => {
  const suspicion = new Suspicion({ incarnation: 1, from: 'a' }, 0, bounds);
  for (const accuser of ['b', 'c', 'd']) expect(suspicion.confirm(accuser)).toBe(true);
  for (let other = 0; other < 1_000; other++) expect(suspicion.confirm(`x${other}`)).toBe(false);
  expect([...suspicion.accusers()]).toEqual(['a', 'b', 'c', 'd']);
});

test('a host that refuses shortens the minimum, and only with confirmations', () => {
  const suspicion = new Suspicion({ incarnation: 1, from: 'a' }, 0, bounds);
  suspicion.witness('refused');
  expect(suspicion.deadline(1)).toBe(6_000);
  for (const accuser of ['b', 'c', 'd']) suspicion.confirm(accuser);
  expect(suspicion.deadline(1)).toBe(400);
});

test('an unwell node waits longer, and gives back the time in which it stood still', () => {
  const suspicion = new Suspicion({ incarnation: 1, from: 'a' }, 500, { ...bounds, needed: 0 });
  expect(suspicion.deadline(1)).toBe(1_500);
  expect(suspicion.deadline(3)).toBe(3_500);
  suspicion.postpone(8_000);
  expect(suspicion.deadline(1)).toBe(9_500);
});

test('health stays within its bounds', () => {
  const health = new LocalHealth(8);
  health.improve();
  expect(health.factor).toBe(1);
  health.worsen(100);
  expect(health.score).toBe(8);
  health.improve();
  expect(health.factor).toBe(8);
});
