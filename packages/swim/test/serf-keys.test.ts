import type { Address, Aead } from '@grp/core';
import { Keyring } from '@grp/core';
import { decodeSerf, encodeSerf, isMalformed } from '@grp/memberlist-wire';
import { seededRandom } from '@grp/sim';
import { describe, expect, test } from 'vitest';
import type { KeyReport } from '../src/api.ts';
import type { KeyAction } from '../src/serf/keys.ts';
import { bytes, dropsOf, outputsOf, SerfCluster, type TestNode } from './serf-cluster.ts';

const aead: Aead = { seal: (_key, _nonce, plaintext) => plaintext, open: (_key, _nonce, sealed) => sealed };
const oldKey = new Uint8Array(32).fill(1);
const newKey = new Uint8Array(16).fill(2);
const base64 = (key: Uint8Array): string => Buffer.from(key).toString('base64');

function sealedCluster(
  options: { count?: number; loss?: number; without?: string } = {},
): SerfCluster & { rings: Map<string, Keyring> } {
  const rings = new Map<string, Keyring>();
  const cluster = new SerfCluster({
    ...options,
    keyring: (name) => {
      if (name === options.without) return undefined;
      rings.set(name, new Keyring({ aead, random: seededRandom(1), keys: [oldKey] }));
      return rings.get(name);
    },
  });
  return Object.assign(cluster, { rings });
}

function manage(cluster: SerfCluster, action: KeyAction, key?: Uint8Array): KeyReport {
  const node = cluster.node(0);
  const before = outputsOf(node, 'key-report').length;
  node.layer.manageKeys(before, action, key);
  cluster.run(5_000);
  const report = outputsOf(node, 'key-report').at(-1);
  expect(report?.ticket).toBe(before);
  return report!.report;
}

describe('key management over queries', () => {
  test('rotates the key of five members: install, use, remove', () => {
    const cluster = sealedCluster({ count: 5 });
    const done = { answered: 5, members: 5, keys: {}, errors: {} };
    expect(manage(cluster, 'list')).toEqual({ ...done, keys: { [base64(oldKey)]: 5 } });
    expect(manage(cluster, 'install', newKey)).toEqual(done);
    expect(manage(cluster, 'list').keys).toEqual({ [base64(oldKey)]: 5, [base64(newKey)]: 5 });
    expect(manage(cluster, 'use', newKey)).toEqual(done);
    for (const ring of cluster.rings.values()) expect(ring.keys()[0]).toEqual(newKey);
    expect(manage(cluster, 'remove', oldKey)).toEqual(done);
    expect(manage(cluster, 'list').keys).toEqual({ [base64(newKey)]: 5 });
    for (const node of cluster.nodes) expect(outputsOf(node, 'query')).toEqual([]); // no application sees any of it
  });

  test('ends as soon as everyone has answered', () => {
    const cluster = sealedCluster({ count: 3 });
    cluster.node(0).layer.manageKeys(1, 'list');
    cluster.run(150);
    expect(outputsOf(cluster.node(0), 'key-report')).toHaveLength(1);
  });

  test('reports who could not, and why', () => {
    const cluster = sealedCluster({ count: 4, without: 'n3' });
    cluster.rings.get('n1')!.install(newKey);
    const used = manage(cluster, 'use', newKey);
    expect(used.answered).toBe(4);
    expect(Object.keys(used.errors).toSorted()).toEqual(['n0', 'n2', 'n3']);
    expect(used.errors['n3']).toContain('no keyring');
    expect(manage(cluster, 'remove', oldKey).errors).toMatchObject({
      n0: expect.stringContaining('primary') as string,
    });
    expect(Object.keys(manage(cluster, 'install', new Uint8Array(5)).errors)).toHaveLength(4);
    expect(manage(cluster, 'list').errors).toEqual({ n3: expect.stringContaining('no keyring') as string });
  });

  test('does not wait for ever for a member that does not answer', () => {
    const cluster = sealedCluster({ count: 3, loss: 1 });
    const report = manage(cluster, 'list');
    expect(report).toEqual({ answered: 1, members: 3, keys: { [base64(oldKey)]: 1 }, errors: {} });
  });

  test('16 keys of a member with a long name are listed as far as they fit', () => {
    const ring = new Keyring({
      aead,
      random: seededRandom(1),
      keys: Array.from({ length: 16 }, (_, i) => new Uint8Array(32).fill(i)),
    });
    const cluster = new SerfCluster({ count: 1, keyring: () => ring });
    expect(Object.keys(manage(cluster, 'list').keys)).toHaveLength(16);
    const long = new SerfCluster({ count: 1, keyring: () => ring, names: () => 'n'.repeat(200) });
    const report = manage(long, 'list');
    expect(Object.keys(report.keys).length).toBeGreaterThan(10);
    expect(Object.keys(report.keys).length).toBeLessThan(16);
    const endless = new SerfCluster({ count: 1, keyring: () => ring, names: () => 'n'.repeat(850) });
    expect(manage(endless, 'list').keys).toEqual({});
  });
});

describe('other internal queries', () => {
  let nextId = 1;

  function ask(node: TestNode, name: string, payload: Uint8Array, flags = 0): void {
    const source = { address: '10.0.0.1:7946' as Address, name: 'n0' };
    const rest = { time: 5, id: nextId++, source, filters: [], relayCount: 0, timeoutMs: 1_000 };
    node.layer.receive(encodeSerf({ type: 'query', ...rest, flags, name, payload }), source.address);
  }

  test('a ping is acknowledged', () => {
    const node = new SerfCluster({ count: 2 }).node(1);
    ask(node, '_serf_ping', new Uint8Array(), 1);
    const answer = decodeSerf(node.sent[0]!.body);
    expect(answer).toMatchObject({ type: 'query-response', from: 'n1', flags: 1 });
    expect(node.sent).toHaveLength(1);
  });

  test('a name conflict is answered with the record held here, unless it is the own name or unknown', () => {
    const node = new SerfCluster({ count: 3, tags: () => ({ role: 'db' }) }).node(1);
    ask(node, '_serf_conflict', bytes('n2'));
    const answer = decodeSerf(node.sent[0]!.body);
    const inner = isMalformed(answer) || answer.type !== 'query-response' ? undefined : decodeSerf(answer.payload);
    const member = { name: 'n2', address: '10.0.0.3:7946', tags: { role: 'db' }, status: 'alive' };
    expect(inner).toMatchObject({
      type: 'conflict',
      member: { ...member, versions: new Uint8Array([1, 5, 2, 2, 5, 5]) },
    });
    for (const name of ['n1', 'nobody']) ask(node, '_serf_conflict', bytes(name));
    expect(node.sent).toHaveLength(1);
  });

  test('one that no agent knows is counted, and no application sees it', () => {
    const node = new SerfCluster({ count: 2 }).node(1);
    ask(node, '_serf_format-disk', new Uint8Array());
    expect(dropsOf(node)).toEqual({ 'internal-query': 1 });
    expect(outputsOf(node, 'query')).toEqual([]);
  });

  test('a key request that cannot be read is answered with a reason', () => {
    const node = sealedCluster({ count: 2 }).node(1);
    ask(node, '_serf_install-key', new Uint8Array([1, 2, 3]));
    const answer = decodeSerf(node.sent[0]!.body);
    const inner = isMalformed(answer) || answer.type !== 'query-response' ? undefined : decodeSerf(answer.payload);
    expect(inner).toMatchObject({ type: 'key-response', result: false });
  });

  test('an answer that is no key answer is reported as an error of its sender', () => {
    const cluster = sealedCluster({ count: 2, loss: 1 });
    const node = cluster.node(0);
    node.layer.manageKeys(1, 'list');
    const asked = decodeSerf(node.gossiped[0]!.body);
    if (isMalformed(asked) || asked.type !== 'query') throw new Error('no query');
    const { time, id } = asked;
    const body = encodeSerf({ type: 'query-response', time, id, from: 'n1', flags: 0, payload: bytes('hello') });
    node.layer.receive(body, node.address);
    expect(outputsOf(node, 'key-report')[0]?.report.errors).toEqual({ n1: 'the answer cannot be read' });
  });
});
