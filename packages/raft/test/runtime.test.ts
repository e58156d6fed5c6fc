// Whole servers: machine, replica, wire, streams and the log of @grp/storage, on the simulator's disks and network.
import { createWorld, type World } from '@grp/sim';
import { openLog } from '@grp/storage';
import { expect, test } from 'vitest';
import {
  createRaft,
  decodeMapAnswer,
  encodeMapCommand,
  MapStateMachine,
  RaftNetwork,
  type Raft,
  type RaftConfig,
} from '../src/index.ts';

interface App {
  readonly raft: Raft;
  readonly map: MapStateMachine;
}

const port = 7_950;
const small = { segmentBytes: 65_536, firstSegmentBytes: 65_536, entryBytesMax: 4_096, batchBytesMax: 16_384 };

function cluster(count: number, config: Partial<RaftConfig> = {}, voterCount = count): World<App> {
  const names = Array.from({ length: count }, (_, index) => `n${index + 1}`);
  const world: World<App> = createWorld<App>({
    seed: 1,
    nodes: names,
    start: async (host) => {
      const { clock, logger, random, disk, name } = host;
      const log = await openLog({ disk, clock, logger, config: small });
      const map = new MapStateMachine();
      const voters = names.slice(0, voterCount);
      const addresses = Object.fromEntries(voters.map((voter) => [voter, world.address(voter, port)]));
      const network = new RaftNetwork({ streams: host.streams(port), clock, logger });
      const raft = createRaft(
        { log, network, clock, random, logger },
        { id: name, stateMachine: map, config, ...(voters.includes(name) && { bootstrap: { voters, addresses } }) },
      );
      await raft.start();
      return { raft, map };
    },
  });
  return world;
}

function leaderOf(world: World<App>): string | undefined {
  return world.names
    .filter((name) => world.state(name) === 'running' && isUp(world, name))
    .filter((name) => world.node(name).raft.status().role === 'leader')
    .toSorted((a, b) => world.node(b).raft.status().term - world.node(a).raft.status().term)[0];
}

function isUp(world: World<App>, name: string): boolean {
  try {
    return world.node(name).raft.status().id === name;
  } catch {
    return false;
  }
}

async function led(world: World<App>): Promise<App> {
  await world.runUntil(() => leaderOf(world) !== undefined, { withinMs: 10_000, what: 'an election' });
  return world.node(leaderOf(world) as string);
}

async function settle<Value>(world: World<App>, promise: Promise<Value>): Promise<Value> {
  let isOver = false;
  const over = (): void => void (isOver = true);
  promise.then(over, over);
  await world.runUntil(() => isOver, { withinMs: 10_000, everyMs: 1 });
  return promise;
}

const put = (key: string, value: string): Uint8Array => encodeMapCommand({ type: 'put', key, value });

test('three servers: writes, reads everywhere, sessions, a refusal with the leader’s name', async () => {
  const world = cluster(3);
  const { raft, map } = await led(world);
  await settle(world, raft.propose(put('a', '1')));
  const session = await settle(world, raft.openSession());
  const options = { session: { id: session, sequence: 1, acknowledged: 1 } };
  await settle(world, raft.propose(put('b', '2'), options));
  await settle(world, raft.propose(put('b', '3'), options)); // the same number: not carried out
  expect(
    await settle(
      world,
      raft.read(() => map.get('b')),
    ),
  ).toBe('2');
  expect(
    await settle(
      world,
      raft.read(() => map.get('b'), { mode: 'lease' }),
    ),
  ).toBe('2');
  const other = world.node('n1');
  expect(
    await settle(
      world,
      other.raft.read(() => other.map.get('a')),
    ),
  ).toBe('1');
  await expect(settle(world, other.raft.propose(put('a', '9')))).rejects.toMatchObject({
    code: 'RAFT_NOT_LEADER',
    context: { leader: 'n3' },
  });
  await expect(raft.propose(new Uint8Array(2_000_000))).rejects.toMatchObject({ code: 'RAFT_COMMAND_TOO_LONG' });
});

test('power cuts of everyone, one after the other and at once: everything acknowledged is there again', async () => {
  const world = cluster(3);
  for (let round = 0; round < 4; round++) {
    const { raft } = await led(world);
    for (let count = 0; count < 10; count++) await settle(world, raft.propose(put(`k${round}.${count}`, 'x')));
    const victims = round % 2 === 0 ? world.names : [leaderOf(world) as string];
    for (const name of victims) world.crash(name, 'host');
    for (const name of victims) world.restart(name);
  }
  const { raft, map } = await led(world);
  const size = await settle(
    world,
    raft.read(() => map.size),
  );
  expect(size).toBe(40);
});

test('snapshots, and a server that was away for long: it gets one, in chunks, and goes on', async () => {
  const world = cluster(3, { snapshotEntries: 20, trailingEntries: 0, chunkBytes: 64 });
  await led(world);
  world.crash('n1', 'host');
  const { raft } = await led(world);
  for (let count = 0; count < 100; count++) {
    await settle(world, raft.propose(put(`k${count}`, 'a value of some length')));
    if (count === 50) await world.run(1_000); // nobody waits for it any longer
  }
  expect(raft.status().firstIndex).toBeGreaterThan(20);
  world.restart('n1');
  await world.runUntil(() => isUp(world, 'n1') && world.node('n1').map.size === 100, { withinMs: 10_000 });
  world.crash('n1', 'host');
  world.restart('n1');
  await world.runUntil(() => isUp(world, 'n1') && world.node('n1').map.size === 100, { withinMs: 10_000 });
});

test('a server is added, catches up, becomes a voter, and another one goes', async () => {
  const world = cluster(4, {}, 3);
  const { raft } = await led(world);
  await settle(world, raft.propose(put('a', '1')));
  const address = world.address('n4', port);
  await settle(world, raft.change([{ type: 'add-learner', id: 'n4', address }]));
  await world.runUntil(() => world.node('n4').map.get('a') === '1', { withinMs: 5_000 });
  await world.run(100); // until the leader knows
  await settle(
    world,
    raft.change([
      { type: 'promote', id: 'n4' },
      { type: 'remove', id: 'n1' },
    ]),
  );
  await world.run(1_000);
  expect(world.node('n4').raft.status().configuration).toMatchObject({ voters: ['n2', 'n3', 'n4'], outgoing: [] });
  await expect(settle(world, raft.change([{ type: 'remove', id: 'n9' }]))).rejects.toMatchObject({
    code: 'RAFT_CHANGE_REFUSED',
  });
});

test('a leader is told to stop: it hands over first; a failing disk ends a server with a fault', async () => {
  const world = cluster(3, { takeoverStableMs: 3_600_000 });
  const { raft } = await led(world);
  const first = leaderOf(world);
  await settle(world, raft.stop());
  expect(() => raft.status()).toThrow(/has stopped/);
  const second = await led(world);
  expect(leaderOf(world)).not.toBe(first);
  const faults: string[] = [];
  second.raft.on((event) => event.type === 'fault' && faults.push(event.error.code));
  world.disk(leaderOf(world) as string).setFaults({ syncError: 1 });
  const answer = settle(world, second.raft.propose(put('a', '1')));
  await expect(answer).rejects.toMatchObject({ code: 'RAFT_OUTCOME_UNKNOWN' });
  expect(faults).toEqual(['RAFT_STOPPED']);
});

test('answers of the map come through as they are', async () => {
  const world = cluster(1);
  const { raft } = await led(world);
  const wanted = { type: 'compare-and-set', key: 'k', expected: 'x', value: 'y' } as const;
  const answer = decodeMapAnswer(await settle(world, raft.propose(encodeMapCommand(wanted))));
  expect(answer).toEqual({ holds: false, value: undefined });
});
