import { below, chance, pick, type Address, type Random } from '@grp/core';
import { encodeMessage, sealDatagram } from '@grp/memberlist-wire';
import { expect, test } from 'vitest';
import { Cluster, liveThrough } from './support/cluster.ts';
import { heldMebibytes } from './support/memory.ts';
import { bombs, forge, mutate } from './support/mutate.ts';

const key = new Uint8Array(32).fill(7);
const config = { membersMax: 300, broadcastsMax: 128 };
const stranger = '203.0.113.9:4000' as Address;

interface Attack {
  readonly cluster: Cluster;
  readonly count: number;
  readonly payload: (random: Random) => Uint8Array;
}

/** Datagrams rain on every member, from strangers and as if from members, while the cluster goes about its work. */
function attack({ cluster, count, payload }: Attack): void {
  const { world, names } = cluster;
  const { random } = world;
  for (let sent = 0; sent < count; sent++) {
    const from = chance(random, 0.5) ? stranger : cluster.address(pick(random, names) as string);
    cluster.inject(pick(random, names) as string, from, payload(random));
    if (sent % 100 === 99) {
      cluster.sent.length = 0;
      world.runFor(10);
    }
  }
}

function expectBounded(cluster: Cluster): void {
  expect(cluster.faults).toEqual([]);
  for (const name of cluster.names) {
    const swim = cluster.node(name);
    expect(swim.members().length).toBeLessThanOrEqual(config.membersMax);
    expect(swim.health().broadcastsQueued).toBeLessThanOrEqual(config.broadcastsMax);
    expect(swim.bandwidth().messages.length).toBeLessThan(20);
    expect(swim.bandwidth().peers.length).toBeLessThan(1_025);
    // Reasons are ours to name; a peer that could choose them would push the others out of the table.
    expect(Object.keys(swim.health().dropped).length).toBeLessThan(60);
  }
}

function capture(options: ConstructorParameters<typeof Cluster>[0]): { cluster: Cluster; genuine: Uint8Array[] } {
  const cluster = new Cluster({ config, ...options }).form();
  cluster.sent.length = 0;
  liveThrough(cluster);
  const genuine = cluster.sent.map(({ payload }) => payload);
  cluster.sent.length = 0;
  cluster.events.length = 0;
  return { cluster, genuine };
}

test('without a key: 60,000 altered, random and forged datagrams are survived, and the lists come right', () => {
  const { cluster, genuine } = capture({ seed: 2 });
  const { world } = cluster;
  const forger = { names: cluster.names, address: (name: string) => cluster.address(name) };
  const blasts = bombs();
  const payload = (random: Random): Uint8Array => {
    if (chance(random, 0.02)) return pick(random, blasts) as Uint8Array;
    if (chance(random, 0.3)) return sealDatagram([encodeMessage(forge(random, forger))], { crc: chance(random, 0.5) });
    return mutate(random, genuine);
  };
  attack({ cluster, count: 20_000, payload });
  cluster.events.length = 0; // what the test itself keeps
  const heldBefore = heldMebibytes();
  attack({ cluster, count: 40_000, payload });
  cluster.events.length = 0;
  expect(heldMebibytes() - heldBefore).toBeLessThan(4);
  expectBounded(cluster);
  // Nobody can be kept out for good: when it is over, every member is alive in every list again.
  const tookMs = world.runUntilSync(() => cluster.isWhole(), { withinMs: 60_000 });
  expect(tookMs).toBeLessThan(60_000);
  world.runFor(60_000);
  expect(cluster.isWhole()).toBe(true);
  expectBounded(cluster);
  world.runFor(240_000); // ghosts are found out one after the other
  for (const name of cluster.names) expect(cluster.node(name).health().broadcastsQueued).toBe(0);
  expect(Object.keys(cluster.allDrops())).toEqual(
    expect.arrayContaining([
      ...['unknown-source', 'unknown-sequence', 'unknown-member', 'stale', 'misdirected', 'unproven-address'],
      ...['incarnation-limit', 'member-size', 'versions', 'truncated', 'crc', 'nested', 'unknown-type', 'trailing'],
    ]),
  );
});

test('with a key: 60,000 altered, random, forged and replayed datagrams change no list and end no member', () => {
  const { cluster, genuine } = capture({ seed: 3, key });
  const { world } = cluster;
  const forger = { names: cluster.names, address: (name: string) => cluster.address(name) };
  const before = cluster.names.map((name) => listOf(cluster, name));
  const heldBefore = heldMebibytes();
  attack({
    cluster,
    count: 60_000,
    payload: (random) => {
      const kind = below(random, 10);
      if (kind === 0) return sealDatagram([encodeMessage(forge(random, forger))], {}); // plaintext
      if (kind < 4) return pick(random, genuine) as Uint8Array; // word for word
      return mutate(random, genuine);
    },
  });
  expect(heldMebibytes() - heldBefore).toBeLessThan(4);
  world.runFor(30_000);
  expectBounded(cluster);
  expect(cluster.eventsOf('down', 'leave', 'join', 'forget')).toEqual([]);
  expect(cluster.names.map((name) => listOf(cluster, name))).toEqual(before);
  const drops = cluster.allDrops();
  for (const reason of ['decrypt', 'plaintext', 'stale', 'unknown-sequence'])
    expect(drops[reason]).toBeGreaterThan(100);
  // What opens with the key was said by a member once: it is never malformed.
  for (const reason of ['unknown-type', 'type', 'out-of-range', 'crc', 'nested']) expect(drops[reason]).toBeUndefined();
});

/** Who is alive in a list, with which life. */
function listOf(cluster: Cluster, name: string): string[] {
  const members = cluster.node(name).members();
  return members.map(({ id, status }) => `${id} ${status}`).toSorted();
}
