import { expect, test } from 'vitest';
import { describeEntry } from '../src/index.ts';
import { encodeCommands } from '../src/meta/command-codec.ts';
import type { Command } from '../src/meta/commands.ts';
import { DfsMeta } from '../src/meta/meta.ts';
import { blobId, joinOf, putOf } from './support.ts';

test('an entry is told in a sentence for each command, with what it came to', () => {
  const meta = new DfsMeta();
  let index = 0;
  const told = (...commands: Command[]): readonly string[] => {
    const entry = encodeCommands(commands);
    return describeEntry(entry, meta.apply(entry, ++index));
  };
  expect(told(joinOf('n1'), joinOf('n2'), joinOf('n3'))).toEqual(['n1 joined', 'n2 joined', 'n3 joined']);
  const ack = (node: string, incarnation: number) => ({ node, incarnation, epoch: 3 });
  const put = putOf({ name: 'a.txt', blob: blobId(1), epoch: 3, acks: [ack('n1', 1), ack('n2', 2)] });
  expect(told(put)).toEqual(['put a.txt: version 4 on n1, n2']);
  expect(told(putOf({ name: 'a.txt', requestId: 'b', blob: blobId(2), epoch: 4, acks: [ack('n1', 1)] }))).toEqual([
    'put a.txt: stale',
  ]);
  const short = blobId(1).slice(0, 8);
  expect(told({ kind: 'add-holders', items: [{ blob: blobId(1), ack: { ...ack('n3', 3), epoch: 4 } }] })).toEqual([
    `copy of ${short} on n3`,
  ]);
  const drop = { blob: blobId(1), node: 'n1', incarnation: 1, onlyExcess: false, asOf: 0 } as const;
  expect(told({ kind: 'drop-holder', ...drop })).toEqual([`no copy of ${short} on n1`]);
  expect(told({ kind: 'deleted', node: 'n1', incarnation: 1, items: [] })).toEqual(['n1 deleted 0']);
  expect(told({ kind: 'tombstone', blob: blobId(9), holders: [] })).toEqual([`${blobId(9).slice(0, 8)} given up`]);
  expect(told({ kind: 'down', node: 'n1', incarnation: 1 })).toEqual(['n1 down']);
  expect(told({ kind: 'remove', name: 'a.txt', requestId: 'r', ifVersion: 2, at: 1 })).toEqual([
    'remove a.txt: conflict with version 4',
  ]);
  expect(told({ kind: 'purge', name: 'a.txt', version: 9 })).toEqual(['a.txt forgotten']);
});

test('bytes that are no entry are told by nothing, and an answer that is none leaves the outcome open', () => {
  const entry = encodeCommands([putOf({ name: 'a' })]);
  expect(describeEntry(new Uint8Array([255, 255, 1]), new Uint8Array())).toEqual([]);
  expect(describeEntry(entry, new Uint8Array([255]))).toEqual(['put a: unknown']);
});
