// A client on real sockets: it finds the leader, follows it, and repeats in a session what was not answered.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock, type Address } from '@grp/core';
import { openLog } from '@grp/storage';
import { nodeDisk } from '@grp/storage/node';
import { openNetwork, type Network } from '@grp/transport-udp';
import { afterAll, expect, test } from 'vitest';
import {
  createRaft,
  decodeMapAnswer,
  encodeMapCommand,
  MapStateMachine,
  RaftClient,
  RaftNetwork,
  type Raft,
} from '../src/index.ts';

const root = mkdtempSync(join(tmpdir(), 'grp-raft-client-'));
const clock = systemClock();
const ids = ['n1', 'n2', 'n3'];
const ends: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const end of ends) await end();
  rmSync(root, { recursive: true, force: true });
});

async function begin(id: string, network: Network, addresses: Readonly<Record<string, string>>, clients: boolean) {
  const disk = nodeDisk(join(root, id));
  const log = await openLog({ disk, clock });
  const peers = new RaftNetwork({ streams: network.streams, clock, logger: silentLogger });
  const defer = (callback: () => void): void => void setImmediate(callback);
  const config = { heartbeatMs: 60, electionTimeoutMs: 400, quorumTimeoutMs: 1_500, takeoverStableMs: 60_000 };
  const raft = createRaft(
    { log, network: peers, clock, defer },
    {
      id,
      stateMachine: new MapStateMachine(),
      config,
      clients,
      bootstrap: { voters: Object.keys(addresses), addresses },
    },
  );
  await raft.start();
  const end = async (): Promise<void> => {
    await network.close();
    await log.close();
    disk.close();
  };
  ends.push(end);
  return { id, raft, end };
}

const put = (key: string, value: string): Uint8Array => encodeMapCommand({ type: 'put', key, value });
const leads = ({ raft }: { readonly raft: Raft }): boolean => raft.status().role === 'leader';

test('many commands at a time, and each once though the leader dies', async () => {
  const networks = await Promise.all(ids.map(() => openNetwork({ bind: '127.0.0.1:0' })));
  const addresses = Object.fromEntries(ids.map((id, index) => [id, String(networks[index]?.self)]));
  const servers = await Promise.all(ids.map((id, index) => begin(id, networks[index] as Network, addresses, true)));
  const own = await openNetwork({ bind: '127.0.0.1:0' });
  const { streams } = own;
  const known = Object.values(addresses) as Address[];
  const client = new RaftClient({ streams, clock }, { servers: known, timeoutMs: 20_000 });

  const answers = await Promise.all(Array.from({ length: 300 }, (_, at) => client.propose(put(`k${at}`, 'v'))));
  expect(answers.every((answer) => decodeMapAnswer(answer).holds)).toBe(true);

  const id = await client.openSession();
  let sequence = 0;
  const step = async (): Promise<void> => {
    sequence++;
    const expected = sequence === 1 ? undefined : String(sequence - 1);
    const command = encodeMapCommand({ type: 'compare-and-set', key: 'count', expected, value: String(sequence) });
    const answer = await client.propose(command, { session: { id, sequence, acknowledged: sequence } });
    expect(decodeMapAnswer(answer).holds, `step ${sequence} is done, and once`).toBe(true);
  };
  for (let count = 0; count < 20; count++) await step();
  const dying = step();
  await servers.find(leads)?.end();
  await dying;
  for (let count = 0; count < 20; count++) await step();

  client.close();
  await expect(client.propose(put('a', 'b'))).rejects.toMatchObject({ code: 'RAFT_OUTCOME_UNKNOWN' });
  await own.close();
});

test('a group that serves no clients refuses their streams, and the client says in time that it found no leader', async () => {
  const network = await openNetwork({ bind: '127.0.0.1:0' });
  const address = network.self;
  await begin('alone', network, { alone: address }, false);
  const own = await openNetwork({ bind: '127.0.0.1:0' });
  const { streams } = own;
  const client = new RaftClient({ streams, clock }, { servers: [address], timeoutMs: 300 });
  await expect(client.propose(put('a', 'b'))).rejects.toMatchObject({ code: expect.stringMatching(/^RAFT_/) });
  client.close();
  await own.close();
});
