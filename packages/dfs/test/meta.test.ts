import { describe, expect, test } from 'vitest';
import { listFiles, lookup, versionsOf } from '../src/meta/reads.ts';
import type { Manifest } from '../src/model.ts';
import { blobId, joinOf, Log, putOf } from './support.ts';

function namesOf(log: Log, prefix: string, after?: string, limit = 100): readonly string[] {
  const reply = listFiles(log.meta.state, { prefix, after, limit });
  return reply.kind === 'listed' ? reply.files.map(({ name }) => name) : [];
}

function manifestOf(log: Log, name: string, version?: number): Manifest | undefined {
  const reply = lookup(log.meta.state, name, version);
  return reply.kind === 'found' ? reply.manifest : undefined;
}

describe('a put', () => {
  test('becomes a version with the servers that acknowledged', () => {
    const log = new Log();
    log.join(3);
    expect(log.put('a', 1, ['n1', 'n2'])).toEqual({ kind: 'committed', version: 4, holders: ['n1', 'n2'] });
    expect(manifestOf(log, 'a')).toMatchObject({ version: 4, blob: blobId(1), holders: ['n1', 'n2'], replicas: 3 });
    expect([...log.meta.state.deficient]).toEqual([blobId(1)]);
  });

  test('needs a majority of the replicas it wants, each server once', () => {
    const log = new Log();
    log.join(3);
    expect(log.put('a', 1, ['n1', 'n1'])).toEqual({ kind: 'stale', valid: ['n1'] });
    expect(log.put('a', 2, ['n1'], { replicas: 1 })).toMatchObject({ kind: 'committed' });
  });

  test('does not count acknowledgements of an earlier life', () => {
    const log = new Log();
    const incarnations = log.join(3);
    const old = { node: 'n1', incarnation: incarnations.get('n1') as number, epoch: 3 };
    log.do(joinOf('n1', 'n1-2'));
    const now = { node: 'n2', incarnation: incarnations.get('n2') as number, epoch: 3 };
    expect(log.one(putOf({ acks: [old, now], epoch: 3 }))).toEqual({ kind: 'stale', valid: ['n2'] });
  });

  test('retried under its request id gets the version of the first time, also with its bytes sent again', () => {
    const log = new Log();
    log.join(3);
    const first = log.put('a', 1, ['n1', 'n2'], { requestId: 'same' });
    expect(log.put('a', 1, ['n1', 'n2'], { requestId: 'same' })).toEqual(first);
    expect(log.put('a', 2, ['n1', 'n3'], { requestId: 'same' })).toEqual(first);
    expect(log.meta.state.servers.get('n3')?.deletions.has(blobId(2))).toBe(true);
    expect(versionsOf(log.meta.state, 'a', 10)).toMatchObject({ versions: [{ blob: blobId(1) }] });
  });

  test('is refused once its blob was given up, also when the tombstone is forgotten', () => {
    const log = new Log({ tombstonesMax: 16 });
    log.join(3);
    const epoch = log.meta.state.position;
    log.do({ kind: 'tombstone', blob: blobId(1), holders: ['n1'] });
    expect(log.put('a', 1, ['n1', 'n2'], { epoch })).toEqual({ kind: 'tombstoned' });
    for (let blob = 100; blob < 120; blob++) log.do({ kind: 'tombstone', blob: blobId(blob), holders: [] });
    expect(log.meta.state.tombstones.has(blobId(1))).toBe(false);
    expect(log.put('a', 1, ['n1', 'n2'], { epoch, requestId: 'later' })).toEqual({ kind: 'tombstoned' });
  });

  test('under a condition that does not hold changes nothing, and its bytes go', () => {
    const log = new Log();
    log.join(3);
    expect(log.put('a', 1, ['n1', 'n2'], { ifAbsent: true })).toMatchObject({ kind: 'committed', version: 4 });
    expect(log.put('a', 2, ['n1', 'n2'], { ifAbsent: true })).toEqual({ kind: 'conflict', version: 4, deleted: false });
    expect(log.put('a', 3, ['n1', 'n2'], { ifVersion: 3 })).toEqual({ kind: 'conflict', version: 4, deleted: false });
    expect(log.put('a', 4, ['n1', 'n2'], { ifVersion: 4 })).toMatchObject({ kind: 'committed', version: 7 });
    expect([...(log.meta.state.servers.get('n1')?.deletions.keys() ?? [])]).toEqual([blobId(2), blobId(3)]);
  });

  test('beyond the quota or the number of files is refused', () => {
    const log = new Log({ quotaBytes: 250, filesMax: 2 });
    log.join(3);
    expect(log.put('a', 1, ['n1', 'n2'])).toMatchObject({ kind: 'committed' });
    expect(log.put('b', 2, ['n1', 'n2'], { bytes: 10 })).toMatchObject({ kind: 'committed' });
    expect(log.put('c', 3, ['n1', 'n2'], { bytes: 1 })).toEqual({ kind: 'full', problem: 'it has 2 files' });
    expect(log.put('a', 4, ['n1', 'n2'], { bytes: 200 })).toMatchObject({ kind: 'full' });
  });
});

describe('versions', () => {
  test('beyond those to keep are let go, their copies deleted', () => {
    const log = new Log();
    log.join(3);
    for (let blob = 1; blob <= 7; blob++) log.put('a', blob, ['n1', 'n2']);
    expect(versionsOf(log.meta.state, 'a', 10)).toMatchObject({ versions: [{ blob: blobId(7) }, {}, {}, {}, {}] });
    expect(log.meta.state.blobs.size).toBe(5);
    expect([...(log.meta.state.servers.get('n2')?.deletions.keys() ?? [])]).toEqual([blobId(1), blobId(2)]);
    log.put('a', 8, ['n1', 'n2'], { keep: 2 });
    expect(log.meta.state.blobs.size).toBe(2);
  });

  test('share no number, though they share an entry', () => {
    const log = new Log();
    const incarnations = log.join(2);
    const acks = ['n1', 'n2'].map((node) => ({ node, incarnation: incarnations.get(node) as number, epoch: 2 }));
    const results = log.do(
      putOf({ blob: blobId(1), acks, epoch: 2 }),
      putOf({ blob: blobId(2), acks, epoch: 2 }),
      putOf({ blob: blobId(3), acks, epoch: 2 }),
    );
    expect(results.map((result) => 'version' in result && result.version)).toEqual([3, 4, 5]);
    expect(log.put('a', 4, ['n1', 'n2'])).toMatchObject({ version: 6 });
  });

  test('of a removed file stay readable until it is purged', () => {
    const log = new Log();
    log.join(2);
    log.put('a', 1, ['n1', 'n2']);
    expect(log.one({ kind: 'remove', name: 'a', requestId: 'x', at: 0 })).toMatchObject({ version: 4 });
    expect(lookup(log.meta.state, 'a', undefined)).toEqual({ kind: 'not-found', deletedAt: 4 });
    expect(manifestOf(log, 'a', 3)).toMatchObject({ blob: blobId(1) });
    expect(namesOf(log, '')).toEqual([]);
    log.do({ kind: 'purge', name: 'a', version: 4 });
    expect(versionsOf(log.meta.state, 'a', 10)).toEqual({ kind: 'not-found' });
    expect(log.meta.state.blobs.size).toBe(0);
  });

  test('a removal of what is not there is none; retried it stays the same', () => {
    const log = new Log();
    log.join(2);
    expect(log.one({ kind: 'remove', name: 'a', requestId: 'x', at: 0 })).toEqual({
      kind: 'conflict',
      version: 0,
      deleted: false,
    });
    log.put('a', 1, ['n1', 'n2']);
    const removed = log.one({ kind: 'remove', name: 'a', requestId: 'y', at: 0 });
    expect(log.one({ kind: 'remove', name: 'a', requestId: 'y', at: 0 })).toEqual(removed);
  });
});

describe('servers', () => {
  test('a life that ends holds nothing any more', () => {
    const log = new Log();
    const incarnations = log.join(3);
    log.put('a', 1, ['n1', 'n2', 'n3']);
    log.do({ kind: 'down', node: 'n1', incarnation: 99 });
    expect(manifestOf(log, 'a')?.holders).toEqual(['n1', 'n2', 'n3']);
    log.do({ kind: 'down', node: 'n1', incarnation: incarnations.get('n1') as number });
    expect(manifestOf(log, 'a')?.holders).toEqual(['n2', 'n3']);
    expect(log.meta.state.deficient.size).toBe(1);
  });

  test('a life that asks to join again gets its incarnation, a new one a greater one and nothing of the old', () => {
    const log = new Log();
    const first = log.join(2).get('n1') as number;
    log.put('a', 1, ['n1', 'n2']);
    expect(log.one(joinOf('n1'))).toEqual({ kind: 'joined', incarnation: first });
    expect(log.one(joinOf('n1', 'n1-2'))).toEqual({ kind: 'joined', incarnation: 5 });
    expect(manifestOf(log, 'a')?.holders).toEqual(['n2']);
  });

  test('a copy that was ordered before its server was last told to delete it does not count', () => {
    const log = new Log();
    const incarnation = log.join(4).get('n1') as number;
    log.put('a', 1, ['n1', 'n2', 'n3']);
    const before = { node: 'n1', incarnation, epoch: log.meta.state.position };
    log.do({ kind: 'drop-holder', blob: blobId(1), node: 'n1', incarnation, onlyExcess: false, asOf: 0 });
    const epoch = log.meta.state.position;
    log.do({ kind: 'add-holders', items: [{ blob: blobId(1), ack: { ...before, epoch } }] });
    expect(manifestOf(log, 'a')?.holders).toEqual(['n2', 'n3']);
    log.do({ kind: 'deleted', node: 'n1', incarnation, items: [{ blob: blobId(1), epoch }] });
    log.do({ kind: 'add-holders', items: [{ blob: blobId(1), ack: { ...before, epoch } }] });
    expect(manifestOf(log, 'a')?.holders).toEqual(['n2', 'n3']);
    log.do({ kind: 'add-holders', items: [{ blob: blobId(1), ack: { ...before, epoch: epoch + 1 } }] });
    expect(manifestOf(log, 'a')?.holders).toEqual(['n2', 'n3', 'n1']);
  });

  test('a life that begins may bring what the one before was told to delete', () => {
    const log = new Log();
    const first = log.join(3).get('n1') as number;
    log.put('a', 1, ['n1', 'n2', 'n3']);
    log.do({ kind: 'drop-holder', blob: blobId(1), node: 'n1', incarnation: first, onlyExcess: false, asOf: 0 });
    const incarnation = log.meta.state.position + 1;
    log.do(joinOf('n1', 'n1-2'));
    log.do({ kind: 'add-holders', items: [{ blob: blobId(1), ack: { node: 'n1', incarnation, epoch: 3 } }] });
    expect(manifestOf(log, 'a')?.holders).toEqual(['n2', 'n3', 'n1']);
  });

  test('the last holder is never dropped', () => {
    const log = new Log();
    const incarnations = log.join(2);
    log.put('a', 1, ['n1', 'n2']);
    for (const [node, incarnation] of incarnations)
      log.do({ kind: 'drop-holder', blob: blobId(1), node, incarnation, onlyExcess: false, asOf: 0 });
    expect(manifestOf(log, 'a')?.holders).toEqual(['n2']);
  });
});

describe('a snapshot', () => {
  function busyLog(): Log {
    const log = new Log({ requestsMax: 16 });
    log.join(4);
    for (let blob = 1; blob <= 40; blob++) log.put(`f${blob % 6}`, blob, ['n1', 'n2', 'n3'].slice(blob % 2));
    log.do(
      { kind: 'remove', name: 'f1', requestId: 'x', at: 5 },
      { kind: 'remove', name: 'f1', requestId: 'z', at: 5 },
    );
    log.do({ kind: 'down', node: 'n2', incarnation: 2 });
    return log;
  }

  test('makes an equal copy, which goes on in the same way', () => {
    const log = busyLog();
    const copy = new Log({ requestsMax: 16 });
    copy.meta.restore(log.meta.snapshot());
    copy.index = log.index;
    expect(copy.meta.snapshot()).toEqual(log.meta.snapshot());
    expect(copy.meta.state.deficient).toEqual(new Set(log.meta.state.deficient));
    expect(copy.put('f3', 99, ['n1', 'n3'])).toEqual(log.put('f3', 99, ['n1', 'n3']));
    expect(copy.meta.snapshot()).toEqual(log.meta.snapshot());
  });

  test('that is damaged is refused, and the state stays', () => {
    const log = busyLog();
    const before = log.meta.snapshot();
    expect(() => log.meta.restore(before.subarray(0, before.length - 3))).toThrow(
      expect.objectContaining({ code: 'DFS_SNAPSHOT_INVALID' }),
    );
    expect(log.meta.snapshot()).toEqual(before);
  });

  test('is the same after an entry that is none', () => {
    const log = busyLog();
    const before = log.meta.snapshot();
    expect(log.meta.apply(new Uint8Array([255, 255, 255]), 1_000)).toEqual(new Uint8Array(0));
    expect(log.meta.snapshot()).toEqual(before);
  });
});

test('names are listed by their bytes, from one page to the next', () => {
  const log = new Log();
  log.join(2);
  const names = [
    'a',
    'a/b',
    'a/c',
    'b',
    '\u{FFFD}',
    '\u{1F600}',
    ...Array.from({ length: 1_200 }, (_, at) => `x/${at}`),
  ];
  for (const [blob, name] of names.entries()) log.put(name, blob, ['n1', 'n2']);
  expect(namesOf(log, '', undefined, 4)).toEqual(['a', 'a/b', 'a/c', 'b']);
  expect(namesOf(log, 'a/')).toEqual(['a/b', 'a/c']);
  expect(namesOf(log, '\u{FFFD}', undefined, 4)).toEqual(['\u{FFFD}']);
  const all: string[] = [];
  for (let page = namesOf(log, ''); page.length > 0; page = namesOf(log, '', all.at(-1))) all.push(...page);
  expect(all).toHaveLength(names.length);
  expect(all.slice(-2)).toEqual(['\u{FFFD}', '\u{1F600}']);
});
