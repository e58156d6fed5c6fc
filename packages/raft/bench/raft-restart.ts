// How long a restart takes with a long log, how long a snapshot takes, and what both cost in memory.
import { measureWrites, pause, round, type RaftCluster, type RaftServer } from './raft-cluster.ts';
import { valueBytes } from './raft-writes.ts';

export interface RestartFigures {
  readonly entries: number;
  /** From the start of the process's own code until it takes part. */
  readonly startMs: number;
  /** From the fork until it has applied what it had applied before. */
  readonly caughtUpMs: number;
  readonly rssMiBBefore: number;
  readonly rssMiBAfter: number;
}

/** Of the leader, while 64 clients write. */
export interface SnapshotFigures {
  readonly entries: number;
  readonly stateMiB: number;
  readonly snapshotMs: number;
  /** The longest time that the server stood still under the same load without a snapshot, and with one. */
  readonly stillMsBefore: number;
  readonly stillMs: number;
  readonly rssMiBBefore: number;
  readonly rssMiB: number;
}

const calmMs = 3_000;

/** Fills the log, each entry with a key of its own, and kills and starts a follower. */
export async function measureRestart(
  raft: RaftCluster,
  entries: number,
): Promise<{ readonly restart: RestartFigures; readonly snapshot: SnapshotFigures }> {
  while ((await (await raft.leader()).status()).commitIndex < entries)
    await measureWrites(
      {
        over: 'native',
        targets: raft.addresses,
        clients: 1_000,
        valueBytes,
        isUnique: true,
        warmUpMs: 0,
        measureMs: 2_000,
      },
      raft.pids,
    );
  await pause(500);
  const follower = raft.servers[0] as RaftServer;
  const before = await follower.status();
  await follower.kill();
  const from = performance.now();
  await follower.start();
  const after = await until(follower, ({ appliedIndex }) => appliedIndex >= before.appliedIndex);
  const restart = {
    entries: before.appliedIndex,
    startMs: Math.round(follower.startMs),
    caughtUpMs: Math.round(performance.now() - from),
    rssMiBBefore: before.rssMiB,
    rssMiBAfter: after.rssMiB,
  };
  await until(follower, ({ appliedIndex, commitIndex }) => appliedIndex === commitIndex);
  return { restart, snapshot: await measureSnapshot(raft) };
}

async function measureSnapshot(raft: RaftCluster): Promise<SnapshotFigures> {
  const server = await raft.leader();
  const common = { over: 'native' as const, targets: raft.addresses, clients: 64, valueBytes, warmUpMs: 0 };
  const load = measureWrites({ ...common, measureMs: 20_000 }, raft.pids);
  await pause(1_000);
  server.tell('watch');
  const before = await server.status();
  await pause(calmMs);
  const calm = await server.status();
  const from = performance.now();
  server.tell('snapshot');
  let [stillMs, rssMiB] = [0, 0];
  const after = await until(server, (status) => {
    stillMs = Math.max(stillMs, status.stillMsMax);
    rssMiB = Math.max(rssMiB, status.rssMiB);
    return status.snapshotIndex > before.snapshotIndex;
  });
  const snapshotMs = round(performance.now() - from, 0);
  await load;
  const stateMiB = round((before.appliedIndex * (valueBytes + 20)) / 1_048_576, 0);
  return {
    entries: after.appliedIndex,
    stateMiB,
    snapshotMs,
    stillMsBefore: calm.stillMsMax,
    stillMs,
    rssMiBBefore: calm.rssMiB,
    rssMiB,
  };
}

async function until(server: RaftServer, is: (status: Awaited<ReturnType<RaftServer['status']>>) => boolean) {
  for (const deadline = performance.now() + 120_000; performance.now() < deadline; await pause(10)) {
    const status = await server.status();
    if (is(status)) return status;
  }
  throw new Error(`${server.plan.id} does not get there within two minutes`);
}
