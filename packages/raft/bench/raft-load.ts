// Writes as fast as its share of the clients can, each of them one write after the other; forked by `raft-cluster.ts`.
import { systemClock, type Address } from '@grp/core';
import { openNetwork } from '@grp/transport-udp';
import { encodeMapCommand, RaftClient } from '../src/index.ts';
import { Http2Client, protoBytes } from './http2-client.ts';
import { runLoad, type LoadWrite } from './load-loop.ts';

export interface LoadPlan {
  readonly over: 'native' | 'grpc' | 'etcd';
  /** Native: all servers; otherwise the leader alone. */
  readonly targets: readonly string[];
  readonly clients: number;
  readonly connections: number;
  readonly valueBytes: number;
  /** Each write has a key of its own: the state grows. Native alone. */
  readonly isUnique?: boolean;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

async function native({ targets, clients, connections, valueBytes, isUnique }: LoadPlan): Promise<LoadWrite[]> {
  const { streams } = await openNetwork({ bind: '127.0.0.1:0' });
  const ports = { streams, clock: systemClock() };
  const pool = Array.from({ length: connections }, () => new RaftClient(ports, { servers: targets as Address[] }));
  const value = 'v'.repeat(valueBytes);
  return Array.from({ length: clients }, (_, index) => {
    const client = pool[index % pool.length] as RaftClient;
    let count = 0;
    const once = encodeMapCommand({ type: 'put', key: keyOf(index), value });
    return (done) => {
      const command =
        isUnique === true ? encodeMapCommand({ type: 'put', key: `${keyOf(index)}${count++}`, value }) : once;
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

function grpcStreams(plan: LoadPlan): LoadWrite[] {
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
function etcdPuts(plan: LoadPlan): LoadWrite[] {
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
  await runLoad(writes, plan);
}

await main();
