import type { Address, NodeId } from '@grp/core';
import { seededRandom } from '@grp/sim';
import { assert as check, constantFrom, property, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';
import { decode, encode } from '../src/codec.ts';
import { eachPayload, segmentsOf, writeLength } from '../src/frames.ts';
import type { ControlBody, OrderedMessage } from '../src/messages.ts';
import { OwnRequests, requestMessage } from '../src/own-requests.ts';
import { Sequencer } from '../src/sequencer.ts';
import { ViewTable } from '../src/view-table.ts';

const member = { id: 'ann#1' as NodeId, name: 'ann', address: '10.0.0.1:7947' as Address };
const proposal = { epoch: 4, cut: 2 ** 40, places: [{ ...member, nextRequest: 7, isJoiner: true }] };
const ballot = { round: 3, rank: 2 };

const bodies: readonly ControlBody[] = [
  { kind: 'join', member, nextRequest: 9, group: 'g', delivery: 'safe', isForwarded: true },
  { kind: 'join-refused', reason: 'full' },
  { kind: 'leave', id: member.id, isGone: true },
  { kind: 'propose', ballot, received: 12, current: proposal },
  { kind: 'promise', ballot, received: 12, accepted: { ballot, proposal }, isSettled: true },
  { kind: 'promise', ballot, received: 0, accepted: undefined, isSettled: false },
  { kind: 'reject', promised: ballot },
  { kind: 'sync', ballot, proposal },
  { kind: 'accepted', ballot },
  { kind: 'install', proposal },
  { kind: 'need', received: 5 },
  { kind: 'resend', nextRequest: 5 },
  { kind: 'excluded', size: 3, leader: member.id },
  { kind: 'state-request', transfer: 1 },
  { kind: 'state-head', transfer: 1, sequence: 9, hash: [-5, 7], requests: [{ id: member.id, next: 3 }] },
  { kind: 'state-chunk', transfer: 1, bytes: Uint8Array.of(1, 2), isLast: true },
  { kind: 'state-credit', transfer: 1, bytes: 65_536 },
  { kind: 'state-refused', transfer: 1, isFinal: true },
];

test.each(bodies)('$kind is read as it was written', (body) => {
  const message = { ...body, lineage: 0xdead_beef, epoch: 3 };
  expect(decode(encode(message))).toEqual(message);
});

test('any bytes are a message or undefined, never an exception', () => {
  const walk = (bytes: Uint8Array, tag: number): number => {
    if (bytes.length > 1) bytes.set([tag, 1]);
    const message = decode(bytes);
    let ends = 0;
    if (message?.kind === 'ordered')
      for (const segment of segmentsOf(message)) eachPayload(bytes, segment, (_, end) => (ends = Math.max(ends, end)));
    return ends;
  };
  check(
    property(uint8Array({ maxLength: 200 }), constantFrom(0x21, 0x22, 0x23, 0x24, 0x25, 0), (bytes, tag) => {
      expect(walk(bytes, tag)).toBeLessThanOrEqual(bytes.length);
    }),
    { numRuns: 5_000 },
  );
});

test('true messages with one byte altered are a message or undefined', () => {
  const random = seededRandom(1);
  for (const body of bodies) {
    const bytes = encode({ ...body, lineage: 1, epoch: 3 });
    for (let index = 0; index < bytes.length; index++) {
      const altered = bytes.slice();
      altered[index] = random.nextU32() & 0xff;
      expect(() => decode(altered)).not.toThrow();
      expect(() => decode(bytes.subarray(0, index))).not.toThrow();
    }
  }
});

test('requests become a row with the same payloads, however long they are', () => {
  const table = new ViewTable(
    { epoch: 1, cut: 0, places: [{ ...member, nextRequest: 1, isJoiner: false }] },
    1,
    member,
  );
  const own = new OwnRequests({ frameBytes: 500, queueBytesMax: 1e9, windowBytes: 1e9 });
  const sequencer = new Sequencer(table, 500);
  const payloads = [0, 1, 127, 128, 400, 462, 463, 5_000, 70_000, 3].map((size) => new Uint8Array(size).fill(size));
  for (const payload of payloads) expect(own.append(payload)).toBeDefined();
  for (let batch = own.take(); batch !== undefined; batch = own.take()) {
    const request = decode(encode(requestMessage(batch, table.stamp, 0)));
    if (request?.kind !== 'request') throw new Error('a request is one');
    expect(sequencer.accept(0, request.first, request.count, request.frame.subarray(24))).toBe('taken');
    expect(sequencer.accept(0, request.first, request.count, request.frame.subarray(24))).toBe('duplicate');
  }
  const found: Uint8Array[] = [];
  for (let sequence = 1; ;) {
    const message = sequencer.next(sequence, 0);
    if (message === undefined) break;
    const read = decode(encode(message)) as OrderedMessage;
    expect(read.first).toBe(sequence);
    expect(read.count === 1 || read.frame.length <= 500).toBe(true);
    for (const segment of segmentsOf(read))
      eachPayload(read.frame, segment, (start, end) => found.push(read.frame.slice(start, end)));
    sequence += read.count;
  }
  expect(found).toEqual(payloads);
});

test('lengths take as many bytes as they need', () => {
  const bytes = new Uint8Array(8);
  expect([0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152].map((length) => writeLength(bytes, 0, length))).toEqual([
    1, 1, 2, 2, 3, 3, 4,
  ]);
});
