import { below, pick, type Address, type ByteStream, type Random } from '@grp/core';
import { encodeMessage, encodeStream } from '@grp/memberlist-wire';
import { expect, test } from 'vitest';
import type { Swim } from '../src/index.ts';
import { Cluster, liveThrough, port } from './support/cluster.ts';
import { joined, mutate, noise } from './support/mutate.ts';
import { node, pushPull } from './support/solo.ts';

const key = new Uint8Array(32).fill(7);

/** A host that speaks no protocol at all: it dials, writes what it likes, and ends, aborts or keeps still. */
class Intruder {
  readonly #cluster: Cluster;
  /** Bytes that came back. */
  receivedBytes = 0;
  openCount = 0;
  refusedCount = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    cluster.world.addNode('intruder', (): Swim => undefined as never);
  }

  dial(to: Address, bytes: Uint8Array, ending: 'end' | 'abort' | 'hang'): ByteStream {
    const { world } = this.#cluster;
    const streams = (this.#streams ??= world.host('intruder').streams(port));
    this.openCount++;
    const stream = streams.dial(to, {
      onOpen: () => {
        if (ending === 'end') stream.end();
        if (ending === 'abort') stream.abort();
      },
      onData: ({ length }) => void (this.receivedBytes += length),
      onClose: (reason) => {
        this.openCount--;
        if (reason === 'refused' || reason === 'reset') this.refusedCount++;
      },
    });
    stream.write(bytes);
    return stream;
  }

  #streams: ReturnType<ReturnType<Cluster['world']['host']>['streams']> | undefined;
}

function huge(random: Random): Uint8Array {
  const nodes = Uint8Array.of(0xce, 0xff, 0xff, 0xff, 0xff);
  const map = (name: string): Uint8Array => joined(Uint8Array.of(0xa0 | name.length), new TextEncoder().encode(name));
  return pick(random, [
    // a push-pull of four thousand million nodes, of as many bytes of state, a user message as long, a sealed one
    joined(Uint8Array.of(6, 0x81), map('Nodes'), nodes, noise(random, 200)),
    joined(Uint8Array.of(6, 0x81), map('UserStateLen'), nodes),
    joined(Uint8Array.of(8, 0x81), map('UserMsgLen'), nodes),
    Uint8Array.of(10, 0xff, 0xff, 0xff, 0xff, 1, 2, 3),
    Uint8Array.of(244, 255, 1, 2),
    joined(Uint8Array.of(6), new Uint8Array(3_000).fill(0x91)), // arrays in arrays
  ]) as Uint8Array;
}

function hostile(random: Random, genuine: readonly Uint8Array[]): Uint8Array {
  const kind = below(random, 5);
  if (kind === 0) return huge(random);
  return kind === 1 ? (pick(random, genuine) as Uint8Array) : mutate(random, genuine); // word for word, or altered
}

test.each([
  ['without a key', undefined],
  ['with a key', key],
])('%s: 5,000 hostile streams are survived, and a member can still join', (_, clusterKey) => {
  const cluster = new Cluster({
    seed: 4,
    count: 5,
    config: { membersMax: 300, streamTimeoutMs: 2_000 },
    ...(clusterKey && { key: clusterKey }),
  }).form();
  liveThrough(cluster);
  const genuine = [...cluster.streamed];
  expect(genuine.length).toBeGreaterThan(20);
  const intruder = new Intruder(cluster);
  const { world } = cluster;
  const { random } = world;
  cluster.events.length = 0;
  // 16 MiB of zeros in a few KiB.
  const bomb = encodeStream({ type: 'user', body: new Uint8Array(16 * 1_048_576) }, { compress: true });
  expect(bomb.length).toBeLessThan(60_000);
  for (let count = 0; count < 5_000; count++) {
    const bytes = count % 1_000 === 0 ? bomb : hostile(random, genuine);
    const ending = pick(random, ['end', 'end', 'abort', 'hang'] as const) as 'end';
    intruder.dial(cluster.address(`n${1 + below(random, 5)}`), bytes, ending);
    if (count % 50 === 49) {
      cluster.sent.length = 0;
      world.runFor(100);
    }
  }
  world.runFor(10_000);
  expect(cluster.faults).toEqual([]);
  expect(intruder.openCount).toBe(0); // whoever hangs is cut off in time
  const drops = cluster.allDrops();
  const expected =
    clusterKey === undefined ? ['stream: truncated', 'stream: type'] : ['stream: decrypt', 'stream: plaintext'];
  for (const reason of ['stream-timeout', 'stream: too-long', 'stream: label', ...expected.slice(clusterKey ? 0 : 1)])
    expect([reason, (drops[reason] ?? 0) > 0]).toEqual([reason, true]);
  // Only who holds the key can say anything about anybody.
  expect(clusterKey === undefined ? [] : cluster.eventsOf('down', 'leave', 'join')).toEqual([]);
  for (const name of ['n1', 'n2', 'n3', 'n4', 'n5'])
    expect(cluster.node(name).members().length).toBeLessThanOrEqual(300);
  world.runUntilSync(() => wholeAmong(cluster, ['n1', 'n2', 'n3', 'n4', 'n5']), { withinMs: 60_000 });
});

function wholeAmong(cluster: Cluster, names: readonly string[]): boolean {
  return names.every((observer) => {
    const alive = cluster
      .node(observer)
      .members()
      .filter(({ status }) => status === 'alive');
    return names.every((name) => alive.some((member) => member.name === name));
  });
}

function liveIn(cluster: Cluster, name: string): string {
  const live = cluster
    .node(name)
    .members()
    .filter(({ status }) => status === 'alive' || status === 'suspect');
  return live
    .map((member) => member.name)
    .toSorted()
    .join(' ');
}

test('streams from outside are limited in number and in time; one more is refused and counted', () => {
  const cluster = new Cluster({ count: 2, config: { streamsMax: 8, streamTimeoutMs: 1_000 } }).form();
  const intruder = new Intruder(cluster);
  for (let count = 0; count < 20; count++) intruder.dial(cluster.address('n1'), Uint8Array.of(6), 'hang');
  cluster.world.runFor(500);
  expect([intruder.openCount, intruder.refusedCount]).toEqual([8, 12]);
  expect(cluster.drops('n1')).toMatchObject({ 'streams-limit': 12 });
  cluster.world.runFor(1_000);
  expect(intruder.openCount).toBe(0);
  expect(cluster.drops('n1')).toMatchObject({ 'stream-timeout': 8 });
  // Room again for those who mean it.
  cluster.world.addNode('n3');
  cluster.join('n3');
  cluster.world.runUntilSync(() => wholeAmong(cluster, ['n1', 'n2', 'n3']), { withinMs: 5_000 });
});

test('incomplete requests hold a bounded number of bytes, all streams together', () => {
  const cluster = new Cluster({ count: 1, config: { streamTimeoutMs: 100_000 } });
  const intruder = new Intruder(cluster);
  // The beginning of a user message of 19 MiB, and most of it.
  const start = encodeStream({ type: 'user', body: new Uint8Array(19 * 1_048_576) }, {}).subarray(0, 18 * 1_048_576);
  for (let count = 0; count < 6; count++) intruder.dial(cluster.address('n1'), start, 'hang');
  cluster.world.runFor(60_000);
  expect(cluster.drops('n1')['stream-bytes-limit']).toBeGreaterThanOrEqual(2);
  expect(cluster.drops('n1')['stream-bytes-limit']).toBeLessThanOrEqual(3);
  expect(cluster.faults).toEqual([]);
});

test('a flood of joins fills the list to its limit and no further; who was there before stays', () => {
  const cluster = new Cluster({ count: 3, config: { membersMax: 100 } }).form();
  const intruder = new Intruder(cluster);
  for (let flood = 0; flood < 50; flood++) {
    const nodes = Array.from({ length: 40 }, (_, index) =>
      node(`ghost-${flood}-${index}`, { address: `10.9.${flood}.${index + 1}:7946` as Address }),
    );
    intruder.dial(cluster.address('n1'), encodeStream(pushPull(nodes, true), {}), 'hang');
  }
  cluster.world.runFor(3_000);
  expect(cluster.node('n1').members()).toHaveLength(100);
  expect(cluster.drops('n1')['members-limit']).toBeGreaterThan(1_500);
  expect(cluster.faults).toEqual([]);
  expect(wholeAmong(cluster, ['n1', 'n2', 'n3'])).toBe(true);
  cluster.world.runUntilSync(() => ['n1', 'n2', 'n3'].every((name) => liveIn(cluster, name) === 'n1 n2 n3'), {
    withinMs: 600_000,
  });
  expect(cluster.eventsOf('down').filter((line) => / n\d$/.test(line))).toEqual([]);
});

test('a stream answers a ping for this member, and nothing but a hang-up for anything else', () => {
  const cluster = new Cluster({ count: 1 });
  const intruder = new Intruder(cluster);
  const ask = (bytes: Uint8Array): number => {
    const before = intruder.receivedBytes;
    intruder.dial(cluster.address('n1'), bytes, 'end');
    cluster.world.runFor(100);
    return intruder.receivedBytes - before;
  };
  expect(ask(encodeStream({ type: 'ping', sequence: 5, node: 'n1', source: undefined }, {}))).toBeGreaterThan(5);
  expect(ask(encodeStream({ type: 'ping', sequence: 5, node: 'n2', source: undefined }, {}))).toBe(0);
  expect(ask(encodeStream({ type: 'ack', sequence: 5, payload: new Uint8Array(9) }, {}))).toBe(0);
  expect(ask(encodeStream({ type: 'error', message: 'no' }, {}))).toBe(0);
  expect(ask(encodeStream({ type: 'user', body: new Uint8Array(9) }, {}))).toBe(0);
  expect(ask(encodeMessage({ type: 'suspect', incarnation: 1, node: 'n1', from: 'x' }))).toBe(0);
  expect(cluster.drops('n1')).toEqual({ 'stream-request': 3, 'serf: serf-type': 1, 'stream: unknown-type': 1 });
});

test.each([
  ['junk', Uint8Array.of(99, 1, 2, 3), 'stream: unknown-type'],
  ['nothing', new Uint8Array(0), undefined],
])('a seed that answers with %s and keeps the stream open is cut off', async (_, answer, reason) => {
  const cluster = new Cluster({ count: 1, config: { streamTimeoutMs: 1_000 } });
  let open = 0;
  cluster.world.addNode('seed', (host): Swim => {
    host.streams(port).onAccept((stream) => {
      open++;
      return { onData: () => void (answer.length > 0 && stream.write(answer)), onClose: () => void open-- };
    });
    return undefined as never;
  });
  const joined = cluster
    .node('n1')
    .join([cluster.address('seed')])
    .catch((error: { code: string }) => error.code);
  await cluster.world.run(100);
  expect(open).toBe(reason === undefined ? 1 : 0);
  await cluster.world.run(1_500);
  expect([open, await joined, cluster.faults]).toEqual([0, 'SWIM_JOIN_FAILED', []]);
  expect(Object.keys(cluster.drops('n1'))).toEqual(reason === undefined ? [] : [reason]);
});
