// Writes as fast as its share of the clients can, each of them one write after the other; forked by `raft-cluster.ts`.
import { systemClock, type Address } from '@grp/core';
import { openNetwork } from '@grp/transport-udp';
import { encodeMapCommand, RaftClient } from '../src/index.ts';
import { Http2Client, protoBytes } from './http2-client.ts';

export interface LoadPlan {
  readonly over: 'native' | 'grpc' | 'etcd';
  /** Native: all servers; otherwise the leader alone. */
  readonly targets: readonly string[];
  readonly clients: number;
  readonly connections: number;
  readonly valueBytes: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface LoadFigures {
  readonly writes: number;
  readonly failures: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** µs, all or a sample. */
  readonly latencies: readonly number[];
}

/** Writes once, then calls back. */
type Write = (done: (isOk: boolean) => void) => void;

const latenciesMax = 20_000;

async function native({ targets, clients, connections, valueBytes }: LoadPlan): Promise<Write[]> {
  const { streams } = await openNetwork({ bind: '127.0.0.1:0' as Address });
  const ports = { streams, clock: systemClock() };
  const pool = Array.from({ length: connections }, () => new RaftClient(ports, { servers: targets as Address[] }));
  const value = 'v'.repeat(valueBytes);
  return Array.from({ length: clients }, (_, index) => {
    const client = pool[index % pool.length] as RaftClient;
    const command = encodeMapCommand({ type: 'put', key: keyOf(index), value });
    return (done) => {
      client.propose(command).then(
        () => done(true),
        () => done(false),
      );
    };
  });
}

function connectionsOf({ targets, connections }: LoadPlan): Http2Client[] {
  const [host = '', port] = (targets[0] as string).split(':');
  return Array.from({ length: connections }, () => new Http2Client(host, Number(port)));
}

function grpcStreams(plan: LoadPlan): Write[] {
  const pool = connectionsOf(plan);
  const value = 'v'.repeat(plan.valueBytes);
  return Array.from({ length: plan.clients }, (_, index) => {
    const client = pool[index % pool.length] as Http2Client;
    const command = Buffer.from(encodeMapCommand({ type: 'put', key: keyOf(index), value }));
    let waiting: ((isOk: boolean) => void) | undefined;
    const send = client.stream(client.headers('/grp.bench.Bench/Propose'), {
      onMessage: (message) => waiting?.(message[0] === 1),
      onEnd: () => waiting?.(false),
    });
    return (done) => {
      waiting = done;
      send(command);
    };
  });
}

/** etcd's KV.Put: `message PutRequest { bytes key = 1; bytes value = 2; }`. */
function etcdPuts(plan: LoadPlan): Write[] {
  const pool = connectionsOf(plan);
  const value = Buffer.alloc(plan.valueBytes, 'v');
  return Array.from({ length: plan.clients }, (_, index) => {
    const client = pool[index % pool.length] as Http2Client;
    const headers = client.headers('/etcdserverpb.KV/Put');
    const message = Buffer.concat([protoBytes(1, Buffer.from(keyOf(index))), protoBytes(2, value)]);
    return (done) => client.unary(headers, message, { onMessage: () => {}, onEnd: done });
  });
}

function keyOf(index: number): string {
  return `key-${process.pid}-${index}`.padEnd(16, '.').slice(0, 16);
}

async function main(): Promise<void> {
  const plan = JSON.parse(process.argv[2] ?? '{}') as LoadPlan;
  const writes =
    plan.over === 'native' ? await native(plan) : plan.over === 'grpc' ? grpcStreams(plan) : etcdPuts(plan);
  let [count, failures, isMeasuring, isOver] = [0, 0, false, false];
  const latencies: number[] = [];
  const oneIn = Math.max(1, Math.round(plan.clients / 8));
  for (const [index, write] of writes.entries()) {
    const isTimed = index % oneIn === 0;
    let from = 0;
    const next = (): void => {
      if (isTimed) from = performance.now();
      write(answered);
    };
    const answered = (isOk: boolean): void => {
      if (isOver) return;
      if (isMeasuring) {
        if (isOk) count++;
        else failures++;
        if (isTimed && isOk && latencies.length < latenciesMax) latencies.push((performance.now() - from) * 1_000);
      }
      if (isOk) next();
      else setTimeout(next, 5);
    };
    next();
  }
  await new Promise((resolve) => setTimeout(resolve, plan.warmUpMs));
  isMeasuring = true;
  const [from, cpu] = [performance.now(), process.cpuUsage()];
  process.send?.({ type: 'measuring' });
  await new Promise((resolve) => setTimeout(resolve, plan.measureMs));
  isOver = true;
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - from) / 1_000;
  const figures: LoadFigures = { writes: count, failures, seconds, cpuSeconds: (user + system) / 1e6, latencies };
  process.send?.({ type: 'figures', ...figures }, () => process.exit(0));
}

await main();
