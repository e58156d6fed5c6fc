// Three servers on real disks and real sockets, in one process: writes, a leader that falls silent, and a restart from disk.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock } from '@grp/core';
import { openLog, type Log } from '@grp/storage';
import { nodeDisk, type NodeDisk } from '@grp/storage/node';
import { openNetwork, type Network } from '@grp/transport-udp';
import { afterAll, expect, test } from 'vitest';
import { createRaft, encodeMapCommand, MapStateMachine, RaftNetwork, type Raft } from '../src/index.ts';

interface Server {
  readonly id: string;
  readonly raft: Raft;
  readonly map: MapStateMachine;
  readonly network: Network;
  readonly disk: NodeDisk;
  readonly log: Log;
}

const root = mkdtempSync(join(tmpdir(), 'grp-raft-'));
const voters = ['n1', 'n2', 'n3'];
const running = new Map<string, Server>();
const clock = systemClock();

afterAll(async () => {
  for (const id of [...running.keys()]) await end(id);
  rmSync(root, { recursive: true, force: true });
});

async function begin(id: string, network: Network, addresses: Readonly<Record<string, string>>): Promise<void> {
  const disk = nodeDisk(join(root, id));
  const log = await openLog({ disk, clock, config: { segmentBytes: 8_388_608 } });
  const map = new MapStateMachine();
  const peers = new RaftNetwork({ streams: network.streams, clock, logger: silentLogger });
  const defer = (callback: () => void): void => void setImmediate(callback);
  // This process is all three servers, and the machine may be busy: slower than in earnest.
  const config = { heartbeatMs: 60, electionTimeoutMs: 400, quorumTimeoutMs: 1_500, takeoverStableMs: 60_000 };
  const raft = createRaft(
    { log, network: peers, clock, defer },
    { id, stateMachine: map, config, bootstrap: { voters, addresses } },
  );
  await raft.start();
  running.set(id, { id, raft, map, network, disk, log });
}

/** As a crash: nobody is told. */
async function end(id: string): Promise<void> {
  const { network, log, disk } = running.get(id) as Server;
  running.delete(id);
  await network.close();
  await log.close();
  disk.close();
}

async function leader(): Promise<Server> {
  for (;;) {
    const leading = [...running.values()].filter(({ raft }) => raft.status().role === 'leader');
    const [first] = leading.toSorted((a, b) => b.raft.status().term - a.raft.status().term);
    if (first !== undefined) return first;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function put(key: string): Promise<void> {
  const { raft } = await leader();
  await raft.propose(encodeMapCommand({ type: 'put', key, value: key }), { timeoutMs: 20_000 });
}

test('writes, a silent death of the leader, and a restart that catches up', async () => {
  const networks = await Promise.all(voters.map(() => openNetwork({ bind: '127.0.0.1:0' })));
  const addresses = Object.fromEntries(voters.map((id, index) => [id, String(networks[index]?.self)]));
  for (const [index, id] of voters.entries()) await begin(id, networks[index] as Network, addresses);
  await put('first');
  for (let batch = 0; batch < 10; batch++)
    await Promise.all(Array.from({ length: 100 }, (_, index) => put(`k${batch}.${index}`)));
  const dead = (await leader()).id;
  const bind = addresses[dead] as string;
  await end(dead);
  await put('after');
  await begin(dead, await openNetwork({ bind }), addresses);
  const { map, raft } = running.get(dead) as Server;
  const size = async (): Promise<number> => {
    for (;;) {
      try {
        return await raft.read(() => map.size, { timeoutMs: 20_000 });
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50)); // it does not know its leader yet
      }
    }
  };
  expect(await size()).toBe(1_002);
});
