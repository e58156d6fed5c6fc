import { describe, expect, test } from 'vitest';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { seededRandom } from '@grp/sim';
import { below } from '@grp/core';
import { logConfig } from '../src/index.ts';
import { crc32 } from '../src/crc32.ts';
import { EntryIndex } from '../src/entry-index.ts';
import { frameHeaderBytes, isPayloadWhole, readHeader, viewOf, writeFrame } from '../src/frame.ts';
import { TailCache } from '../src/tail-cache.ts';
import { entry } from './world.ts';

test('the checksum is that of zlib, for every length and beginning', () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, at) => (at * 37) & 255);
  for (let from = 0; from < 20; from++)
    for (let to = from; to <= 300; to += 7)
      expect(crc32(bytes, from, to, from * 99_991)).toBe(zlibCrc32(bytes.subarray(from, to), from * 99_991));
});

describe('a frame', () => {
  const bytes = new Uint8Array(128);
  const fields = {
    ...{ type: 2, epoch: 7, index: 2 ** 40 + 5, term: 2 ** 33, previous: 0xdead_beef, batchStart: 64 },
    payload: Uint8Array.of(1, 2, 3, 4, 5),
  };
  const crc = writeFrame(viewOf(bytes), bytes, 8, 42, fields);

  test('is read as it was written', () => {
    const { payload, ...rest } = fields;
    expect(readHeader(viewOf(bytes), bytes, 8, 42)).toMatchObject({
      ...rest,
      lengthBytes: payload.length,
      paddedBytes: 8,
      crc,
    });
  });

  test('is not read as one of another segment, nor at another place', () => {
    for (const id of [0, 41, 43]) expect(readHeader(viewOf(bytes), bytes, 8, id)).toBeUndefined();
    for (const at of [0, 7, 9, 16, 120]) expect(readHeader(viewOf(bytes), bytes, at, 42)).toBeUndefined();
  });

  test('with any bit flipped is not whole', () => {
    for (let bit = 0; bit < (frameHeaderBytes + 8) * 8; bit++) {
      const flipped = bytes.slice();
      const at = 8 + (bit >> 3);
      flipped[at] = (flipped[at] as number) ^ (1 << (bit & 7));
      const header = readHeader(viewOf(flipped), flipped, 8, 42);
      expect(header !== undefined && isPayloadWhole(flipped, 8, header)).toBe(false);
    }
  });
});

test('the index is what a plain list is, whatever happens to it', () => {
  const random = seededRandom('index');
  const index = new EntryIndex();
  let first = 1;
  let list: { term: number; segment: number; offset: number; bytes: number }[] = [];
  let term = 1;
  for (let step = 0; step < 20_000; step++) {
    const kind = below(random, 100);
    const last = first + list.length - 1;
    if (kind < 90) {
      term += kind < 5 ? 1 : 0;
      const item = { term, segment: 1 + below(random, 3), offset: step, bytes: below(random, 500) };
      index.push(item.term, item.segment, item.offset, item.bytes);
      list.push(item);
    } else if (kind < 93) {
      const from = first + below(random, list.length + 1);
      index.truncate(from);
      list = list.slice(0, from - first);
    } else if (kind < 96) {
      const to = first - 1 + below(random, Math.min(list.length + 3, 200));
      index.dropTo(to);
      list = list.slice(to + 1 - first);
      first = Math.max(first, to + 1);
    } else if (kind < 98 && list.length > 0) {
      const at = below(random, list.length);
      const item = { term: term + 100, segment: below(random, 2) * 2, offset: 9, bytes: 9 };
      index.replace(first + at, item.term, item);
      list[at] = item;
    } else if (kind === 99 && below(random, 20) === 0) {
      index.reset(last + 10);
      [first, list] = [last + 11, []];
    }
    if (step % 200 !== 0) continue;
    expect([index.first, index.last]).toEqual([first, first + list.length - 1]);
    const seen = list.map((_, at) => ({ term: index.term(first + at), ...index.position(first + at) }));
    expect(seen).toEqual(list);
    for (const segment of [1, 2, 3])
      expect(index.liveCount(segment)).toBe(list.filter((item) => item.segment === segment).length);
    expect(index.holeCount).toBe(list.filter((item) => item.segment === 0).length);
  }
});

test('the cache keeps the newest that fit, and never lets go what is not written', () => {
  const cache = new TailCache(1_000);
  for (let index = 1; index <= 100; index++) cache.push(entry(index));
  expect(cache.get(1)).toEqual(entry(1));
  cache.trim(50);
  expect([cache.get(50), cache.get(51)]).toEqual([undefined, entry(51)]);
  cache.trim(100);
  expect(cache.bytes).toBeLessThanOrEqual(1_000);
  expect([cache.get(90), cache.get(100), cache.get(101)]).toEqual([undefined, entry(100), undefined]);
  cache.truncate(99);
  expect([cache.get(98), cache.get(99)]).toEqual([entry(98), undefined]);
  cache.pin(entry(3, 2));
  cache.pin(entry(98, 2));
  expect([cache.get(3), cache.get(98)]).toEqual([entry(3, 2), entry(98, 2)]);
  cache.unpin();
  expect([cache.get(3), cache.get(98)]).toEqual([undefined, entry(98, 2)]);
});

test('settings that do not fit together are all named', () => {
  expect(() => logConfig.resolve({ segmentBytes: 8_192 })).toThrow('firstSegmentBytes must be at most segmentBytes');
  expect(() => logConfig.resolve({ firstSegmentBytes: 1_048_576 })).toThrow('must fit into firstSegmentBytes');
});
