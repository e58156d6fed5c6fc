import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '@grp/sim';
import { decodeReply, decodeRequest, encodeReply, encodeRequest } from '../src/codec.ts';
import { EntrySchema, ResultsSchema, SnapshotSchema } from './gen/grp/dfs/v1/log_pb.ts';
import { ReplySchema, RequestSchema } from './gen/grp/dfs/v1/service_pb.ts';
import { decodeCommands, decodeResults, encodeCommands, encodeResults } from '../src/meta/command-codec.ts';
import type { Command, Result } from '../src/meta/commands.ts';
import type { MetaReply, MetaRequest } from '../src/messages.ts';
import type { FileServer, Manifest } from '../src/model.ts';
import { messageBytesMax } from '../src/validate.ts';
import { blobId, joinOf, Log, putOf, sha256 } from './support.ts';

const blob = blobId(0xabcdef);
const ack = { node: 'n1', incarnation: 2 ** 40, epoch: 300 };
const server: FileServer = {
  id: 'n1',
  incarnation: 7,
  address: '127.0.0.1:7952',
  zone: 'z',
  freeBytes: 2 ** 50,
  up: true,
};
const view = { epoch: 9, servers: [server] };
const manifest: Manifest = {
  name: 'ä'.repeat(200),
  version: 12,
  blob,
  bytes: 2 ** 45,
  sha256,
  holders: ['n1', 'n2'],
  replicas: 3,
  at: 1_700_000_000_000,
};

const requests: readonly MetaRequest[] = [
  {
    kind: 'open-put',
    name: 'a',
    requestId: 'r',
    replicas: 3,
    keep: 5,
    bytesHint: 0,
    avoid: ['n9'],
    ifVersion: 0,
    ifAbsent: false,
  },
  { kind: 'open-put', name: 'a', requestId: 'r', avoid: [] },
  { kind: 'commit-put', name: 'a/b', requestId: 'r', blob, epoch: 5, bytes: 0, sha256, acks: [ack, ack], ifVersion: 4 },
  { kind: 'abandon-put', blob, holders: ['n1'] },
  { kind: 'add-holders', items: [{ blob, ack }] },
  { kind: 'lookup', name: 'x', version: 3 },
  { kind: 'lookup', name: 'x' },
  { kind: 'list', prefix: '', after: 'b', limit: 10 },
  { kind: 'versions', name: 'x', limit: 1 },
  { kind: 'remove', name: 'x', requestId: 'q' },
  { kind: 'stat', name: '\u{1F600}' },
  { kind: 'servers' },
  { kind: 'repair-status' },
  {
    kind: 'hold-report',
    node: 'n1',
    incarnation: 1,
    asOf: 2,
    after: blob,
    blobs: [{ blob, epoch: 1, bytes: 2, sha256 }],
  },
  { kind: 'rot-report', node: 'n1', incarnation: 1, blob },
  { kind: 'join', node: 'n1', life: 'l', address: 'h:1', zone: '', freeBytes: 5 },
  { kind: 'heartbeat', node: 'n1', incarnation: 1, freeBytes: 0 },
];

const status = {
  idle: true,
  files: 1,
  versions: 2,
  blobs: 3,
  underReplicated: 4,
  lost: 5,
  copying: 6,
  copiesDone: 7,
  copyBytesDone: 8,
  deletionsPending: 9,
  rotReported: 10,
  servers: [server],
};

const replies: readonly MetaReply[] = [
  { kind: 'placement', blob, epoch: 1, targets: [server, server], writeQuorum: 2 },
  { kind: 'committed', version: 5, holders: ['n1'], serversChangedAt: 3 },
  { kind: 'conflict', version: 0, deleted: false },
  { kind: 'stale-epoch', view, valid: ['n1'] },
  { kind: 'tombstoned' },
  { kind: 'not-leader' },
  { kind: 'not-leader', leader: 'h:2' },
  { kind: 'failed', code: 'DFS_BUSY', message: 'no', outcomeUnknown: true },
  { kind: 'found', manifest, holders: [server] },
  { kind: 'not-found', deletedAt: 3 },
  { kind: 'listed', files: [{ name: 'a', version: 1, bytes: 2, at: 3, holders: ['n1'] }], more: true },
  { kind: 'versions-listed', versions: [{ ...manifest, blob: undefined, sha256: '', holders: [] }] },
  { kind: 'servers-listed', view: { epoch: 0, servers: [] } },
  { kind: 'repair-status-reply', status },
  { kind: 'done' },
  { kind: 'unwanted', epoch: 4, blobs: [blob, blob] },
  { kind: 'joined', incarnation: 8 },
  { kind: 'expelled' },
  { kind: 'alive', epoch: 77 },
];

const commands: readonly Command[] = [
  putOf({ acks: [ack], ifAbsent: true, keep: 3, at: 55 }),
  { kind: 'remove', name: 'a', requestId: 'r', ifVersion: 5, at: 1 },
  { kind: 'tombstone', blob, holders: ['n1'] },
  { kind: 'add-holders', items: [{ blob, ack }] },
  { kind: 'drop-holder', blob, node: 'n1', incarnation: 4, onlyExcess: true, asOf: 6 },
  { kind: 'deleted', node: 'n1', incarnation: 4, items: [{ blob, epoch: 5 }] },
  joinOf('n1'),
  { kind: 'down', node: 'n1', incarnation: 4 },
  { kind: 'purge', name: 'a', version: 9 },
];

const results: readonly Result[] = [
  { kind: 'committed', version: 1, holders: ['n1'] },
  { kind: 'conflict', version: 1, deleted: true },
  { kind: 'stale', valid: ['n2'] },
  { kind: 'tombstoned' },
  { kind: 'full', problem: 'so' },
  { kind: 'joined', incarnation: 6 },
  { kind: 'done' },
];

const strict = { readUnknownFields: false } as const;

describe('what is written is read again, and is what the schema in proto/ says', () => {
  test.each(requests.map((request) => [request.kind, request] as const))('request %s', (_, request) => {
    const bytes = encodeRequest(request);
    expect(decodeRequest(bytes)).toEqual(request);
    expect(toBinary(RequestSchema, fromBinary(RequestSchema, bytes, strict))).toEqual(bytes);
  });

  test.each(replies.map((reply) => [reply.kind, reply] as const))('reply %s', (_, reply) => {
    const bytes = encodeReply(reply);
    expect(decodeReply(bytes)).toEqual(reply);
    expect(toBinary(ReplySchema, fromBinary(ReplySchema, bytes, strict))).toEqual(bytes);
  });

  test('log entries and their results', () => {
    const bytes = encodeCommands(commands);
    expect(decodeCommands(bytes)).toEqual(commands);
    expect(toBinary(EntrySchema, fromBinary(EntrySchema, bytes, strict))).toEqual(bytes);
    const answer = encodeResults(results);
    expect(decodeResults(answer)).toEqual(results);
    expect(toBinary(ResultsSchema, fromBinary(ResultsSchema, answer, strict))).toEqual(answer);
  });

  test('snapshots', () => {
    const log = new Log();
    log.join(4);
    for (let number = 1; number < 30; number++) log.put(`f${number % 4}`, number, ['n1', 'n2', 'n3', 'n4']);
    log.do({ kind: 'remove', name: 'f1', requestId: 'x', at: 2 }, { kind: 'tombstone', blob, holders: ['n3'] });
    log.do({ kind: 'drop-holder', blob: blobId(29), node: 'n1', incarnation: 1, onlyExcess: false, asOf: 0 });
    const bytes = log.meta.snapshot();
    expect(toBinary(SnapshotSchema, fromBinary(SnapshotSchema, bytes, strict))).toEqual(bytes);
  });
});

describe('bytes from a peer', () => {
  const samples = [...requests.map(encodeRequest), ...replies.map(encodeReply), encodeCommands(commands)];
  const decoders = [decodeRequest, decodeReply, decodeCommands, decodeResults];

  test('cut off or changed anywhere give a message or nothing, never an exception', () => {
    const random = seededRandom('wire');
    for (const sample of samples)
      for (let trial = 0; trial < 60; trial++) {
        const bytes = sample.slice(0, trial % 2 === 0 ? random.nextU32() % (sample.length + 1) : undefined);
        for (let flips = trial % 5; flips > 0 && bytes.length > 0; flips--)
          bytes[random.nextU32() % bytes.length] = random.nextU32() & 0xff;
        for (const decode of decoders) expect(() => decode(bytes)).not.toThrow();
      }
  });

  test('with lying lengths, numbers above 2⁵³ and texts that are no UTF-8 are nothing', () => {
    const stat = (bytes: readonly number[]): Uint8Array => new Uint8Array([0x4a, bytes.length, ...bytes]);
    expect(decodeRequest(stat([0x0a, 1, 0x61]))).toEqual({ kind: 'stat', name: 'a' });
    expect(decodeRequest(stat([0x0a, 1, 0xff]))).toBeUndefined();
    expect(decodeRequest(stat([0x0a, 9, 0x61]))).toBeUndefined();
    expect(decodeRequest(new Uint8Array([0x4a, 200, 1]))).toBeUndefined();
    const number = [0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    expect(decodeRequest(new Uint8Array([0x2a, number.length, ...number]))).toBeUndefined();
  });

  test('of a later version: fields that are not known are skipped, a kind that is not known is nothing', () => {
    expect(decodeRequest(new Uint8Array([0x4a, 8, 0x0a, 1, 0x61, 0xfa, 0x01, 2, 1, 2]))).toEqual({
      kind: 'stat',
      name: 'a',
    });
    expect(decodeRequest(new Uint8Array([0xfa, 0x07, 0]))).toBeUndefined();
    expect(decodeCommands(new Uint8Array([0x0a, 3, 0xfa, 0x07, 0]))).toBeUndefined();
  });

  test('beyond the limit of a message are not looked at', () => {
    expect(decodeRequest(new Uint8Array(messageBytesMax + 1))).toBeUndefined();
    expect(decodeReply(new Uint8Array(messageBytesMax + 1))).toBeUndefined();
  });
});
