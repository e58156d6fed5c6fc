import { expect, test } from 'vitest';
import { freeMemory } from '../src/index.ts';

test('memory that bytes have for themselves is given back', () => {
  const bytes = new Uint8Array(16_384).fill(1);
  freeMemory(bytes);
  expect([bytes.length, bytes.buffer.byteLength]).toEqual([0, 0]);
});

test('memory that is small, or that others see too, stays', () => {
  const all = new Uint8Array(40_000).fill(1);
  const kept = [new Uint8Array(100), all.subarray(1), new Uint8Array(new SharedArrayBuffer(20_000))];
  for (const bytes of kept) freeMemory(bytes);
  expect(kept.map(({ length }) => length)).toEqual([100, 39_999, 20_000]);
});
