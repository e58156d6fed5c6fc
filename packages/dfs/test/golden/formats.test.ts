// The store's log and snapshot on the disk, and its requests on the wire, as format 1 has them. A change that makes the
// bytes others needs a new version and a golden file of its own; this one stays, and must still be read.
// GRP_GOLDEN=write makes the file of a new format.
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decodeRequest, encodeRequest } from '../../src/codec.ts';
import type { MetaRequest } from '../../src/messages.ts';
import { encodeCommands } from '../../src/meta/command-codec.ts';
import type { Command } from '../../src/meta/commands.ts';
import { DfsMeta } from '../../src/meta/meta.ts';
import { blobId, joinOf, putOf, sha256 } from '../support.ts';

const file = new URL('./formats-v1.json', import.meta.url);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

const acks = ['n1', 'n2'].map((node, index) => ({ node, incarnation: index + 1, epoch: 3 }));
/** One entry of the log each. */
const entries: readonly (readonly Command[])[] = [
  [joinOf('n1')],
  [joinOf('n2')],
  [joinOf('n3')],
  [putOf({ name: 'tea', blob: blobId(7), acks, epoch: 3 })],
  [{ kind: 'add-holders', items: [{ blob: blobId(7), ack: { node: 'n3', incarnation: 3, epoch: 3 } }] }],
  [putOf({ name: 'gone', blob: blobId(8), acks, epoch: 3 }), { kind: 'tombstone', blob: blobId(9), holders: ['n1'] }],
  [{ kind: 'remove', name: 'gone', requestId: 'r-remove', at: 2_000 }],
];
const request: MetaRequest = {
  kind: 'open-put',
  name: 'tea',
  requestId: 'r',
  replicas: 3,
  bytesHint: 10,
  avoid: ['n2'],
};

interface Golden {
  readonly log: readonly string[];
  readonly snapshot: string;
  readonly request: string;
}

function replayed(log: readonly Uint8Array[]): DfsMeta {
  const meta = new DfsMeta({}, {});
  for (const [index, entry] of log.entries()) meta.apply(entry, index + 1);
  return meta;
}

const written = entries.map((commands) => encodeCommands(commands));
if (process.env['GRP_GOLDEN'] === 'write') {
  const content: Golden = {
    log: written.map(hex),
    snapshot: hex(replayed(written).snapshot()),
    request: hex(encodeRequest(request)),
  };
  writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
}
const golden = JSON.parse(readFileSync(file, 'utf8')) as Golden;

test('a log of format 1 gives the same state', () => {
  const meta = replayed(golden.log.map(bytesOf));
  expect(hex(meta.snapshot())).toBe(golden.snapshot);
  const [tea] = meta.state.files.get('tea')?.versions ?? [];
  expect(tea).toMatchObject({ version: 4, sha256 });
  expect(meta.state.servers.size).toBe(3);
});

test('a snapshot of format 1 gives the same state', () => {
  const meta = new DfsMeta({}, {});
  meta.restore(bytesOf(golden.snapshot));
  expect(hex(meta.snapshot())).toBe(golden.snapshot);
});

test('what is written today is format 1', () => {
  expect(written.map(hex)).toEqual(golden.log);
  expect(hex(encodeRequest(request))).toBe(golden.request);
});

test('a request of format 1 is read', () => expect(decodeRequest(bytesOf(golden.request))).toEqual(request));
