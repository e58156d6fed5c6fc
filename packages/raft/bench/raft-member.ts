// One server of the measured group, in a process of its own; forked by `raft-cluster.ts`. Its state machine is the map of the
// role `raft`. Clients reach it natively, on the port of raft, and by a gRPC stream when grpc-js is there.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { silentLogger, systemClock } from '@grp/core';
import { openLog } from '@grp/storage';
import { nodeDisk } from '@grp/storage/node';
import { openNetwork } from '@grp/transport-udp';
import { createRaft, MapStateMachine, RaftNetwork, type Raft, type RaftConfig } from '../src/index.ts';

export interface RaftMemberPlan {
  readonly id: string;
  readonly folder: string;
  readonly bind: string;
  readonly addresses: Readonly<Record<string, string>>;
  readonly grpcPort: number | undefined;
  readonly config: Partial<RaftConfig>;
}

export interface MemberStatus {
  readonly role: string;
  readonly term: number;
  readonly leader: string | undefined;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly snapshotIndex: number;
  /** Since the process began. */
  readonly cpuSeconds: number;
  readonly rssMiB: number;
  readonly termChanges: number;
  /** The longest time that this process stood still since it was asked last. */
  readonly stillMsMax: number;
}

async function main(): Promise<void> {
  const plan = JSON.parse(process.argv[2] ?? '{}') as RaftMemberPlan;
  const begun = performance.now();
  const clock = systemClock();
  const network = await openNetwork({ bind: plan.bind });
  const log = await openLog({
    disk: nodeDisk(join(plan.folder, plan.id)),
    clock,
  });
  const peers = new RaftNetwork({ streams: network.streams, clock, logger: silentLogger });
  const defer = (callback: () => void): void => void setImmediate(callback);
  const raft = createRaft(
    { log, network: peers, clock, defer },
    {
      id: plan.id,
      stateMachine: new MapStateMachine(),
      clients: true,
      config: plan.config,
      bootstrap: { voters: Object.keys(plan.addresses), addresses: plan.addresses },
    },
  );
  let term = 0;
  let termChanges = 0;
  raft.on((event) => {
    if (event.type === 'fault') throw event.error;
    if (event.type !== 'role' || event.term === term) return;
    term = event.term;
    termChanges++;
  });
  await raft.start();
  if (plan.grpcPort !== undefined) await serveGrpc(raft, plan.grpcPort);
  const delay = monitorEventLoopDelay({ resolution: 2 });
  process.on('message', ({ type }: { readonly type: string }) => {
    if (type === 'status') process.send?.({ type, ...statusOf(raft), termChanges, stillMsMax: stillMs(delay) });
    else if (type === 'watch') {
      delay.enable();
      delay.reset();
    } else if (type === 'snapshot') raft.snapshot();
    else if (type === 'stop') void raft.stop().then(() => process.send?.({ type: 'stopped' }));
    else process.exit(0); // a profiler writes its file then
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ type: 'ready', startMs: performance.now() - begun });
}

function stillMs(delay: ReturnType<typeof monitorEventLoopDelay>): number {
  const ms = Math.round(delay.max / 1e6);
  delay.reset();
  return ms;
}

function statusOf(raft: Raft): Omit<MemberStatus, 'termChanges' | 'stillMsMax'> {
  const { role, term, leader, commitIndex, appliedIndex, snapshotIndex } = raft.status();
  const { user, system } = process.cpuUsage();
  const cpuSeconds = (user + system) / 1e6;
  const rssMiB = Math.round(process.memoryUsage.rss() / 1_048_576);
  return { role, term, leader, commitIndex, appliedIndex, snapshotIndex, cpuSeconds, rssMiB };
}

const failed = new Uint8Array([9]);

interface GrpcStream {
  on(event: 'data', listener: (command: Uint8Array) => void): void;
  on(event: 'end' | 'error' | 'cancelled', listener: () => void): void;
  write(answer: Uint8Array): void;
  end(): void;
}

/** `Bench.Propose`: a stream of commands, answered in the order in which they are done. */
async function serveGrpc(raft: Raft, port: number): Promise<void> {
  // grpc-js belongs to the chat; raft itself has no such dependency.
  const grpc = createRequire(new URL('../../chat/package.json', import.meta.url))('@grpc/grpc-js') as {
    Server: new () => {
      addService(definition: object, implementation: object): void;
      bindAsync(address: string, credentials: unknown, done: (error: Error | null) => void): void;
    };
    ServerCredentials: { createInsecure(): unknown };
  };
  const same = (bytes: Buffer): Buffer => bytes;
  const server = new grpc.Server();
  const propose = {
    path: '/grp.bench.Bench/Propose',
    requestStream: true,
    responseStream: true,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
    responseDeserialize: same,
  };
  const serve = (stream: GrpcStream): void => {
    stream.on('data', (command) => {
      raft.propose(command).then(
        (answer) => stream.write(answer),
        () => stream.write(failed),
      );
    });
    stream.on('end', () => stream.end());
    stream.on('error', () => {});
  };
  server.addService({ propose }, { propose: serve });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
  });
}

await main();
