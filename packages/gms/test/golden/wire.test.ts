// Bytes as format 1 has them on the wire. A change that makes them others needs a new version and a golden file of its
// own; this one stays, and must still be read. GRP_GOLDEN=write makes the file of a new format.
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { NodeId } from '@grp/core';
import { decode, encode } from '../../src/codec.ts';
import type { GroupMessage, Proposal } from '../../src/messages.ts';

interface Case {
  readonly value: object;
  readonly write: () => Uint8Array;
  readonly read: (bytes: Uint8Array) => unknown;
}

const stamp = { lineage: 7, epoch: 3 };
const member = { id: 'n1#1700000000000' as NodeId, name: 'n1', address: '10.0.0.1:7947' as never };
const proposal: Proposal = { epoch: 4, places: [{ ...member, nextRequest: 9, isJoiner: false }], cut: 120 };
const ballot = { round: 2, rank: 1 };
const messages: Readonly<Record<string, GroupMessage>> = {
  ack: { kind: 'ack', ...stamp, received: 4_294_967_296 },
  stable: { kind: 'stable', ...stamp, stable: 5, last: 9 },
  join: { kind: 'join', ...stamp, member, nextRequest: 1, group: 'default', delivery: 'safe', isForwarded: true },
  'join-refused': { kind: 'join-refused', ...stamp, reason: 'full' },
  leave: { kind: 'leave', ...stamp, id: member.id, isGone: false },
  propose: { kind: 'propose', ...stamp, ballot, received: 118, current: proposal },
  promise: { kind: 'promise', ...stamp, ballot, received: 118, accepted: { ballot, proposal }, isSettled: false },
  reject: { kind: 'reject', ...stamp, promised: ballot },
  sync: { kind: 'sync', ...stamp, ballot, proposal },
  accepted: { kind: 'accepted', ...stamp, ballot },
  install: { kind: 'install', ...stamp, proposal },
  need: { kind: 'need', ...stamp, received: 3 },
  resend: { kind: 'resend', ...stamp, nextRequest: 4 },
  excluded: { kind: 'excluded', ...stamp, size: 3, leader: member.id },
  'state-request': { kind: 'state-request', ...stamp, transfer: 1 },
  'state-head': {
    kind: 'state-head',
    ...stamp,
    transfer: 1,
    sequence: 120,
    hash: [1, 2],
    requests: [{ id: member.id, next: 9 }],
  },
  'state-chunk': { kind: 'state-chunk', ...stamp, transfer: 1, bytes: Uint8Array.of(1, 2, 3), isLast: true },
};
const cases: Readonly<Record<string, Case>> = Object.fromEntries(
  Object.entries(messages).map(([name, value]) => [name, { value, write: () => encode(value), read: decode }]),
);

const file = new URL('./wire-v1.json', import.meta.url);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
if (process.env['GRP_GOLDEN'] === 'write') {
  const written = Object.entries(cases).map(([name, { write }]) => [name, hex(write())]);
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(written), undefined, 2)}\n`);
}
const golden = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, string>>;

test('every golden message has a case', () => expect(Object.keys(golden)).toEqual(Object.keys(cases)));

test.each(Object.entries(cases))('%s', (name, { value, write, read }) => {
  expect(read(Uint8Array.from(Buffer.from(golden[name] ?? '', 'hex')))).toEqual(value);
  expect(hex(write())).toBe(golden[name]);
});
