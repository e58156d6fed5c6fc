// Starts and ends the processes of a measurement: our servers, etcd's, and those that write.
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RaftConfig } from '../src/index.ts';
import type { LoadFigures } from './load-loop.ts';
import type { LoadPlan } from './raft-load.ts';
import type { MemberStatus, RaftMemberPlan } from './raft-member.ts';

const memberScript = fileURLToPath(new URL('raft-member.ts', import.meta.url));
const loadScript = fileURLToPath(new URL('raft-load.ts', import.meta.url));
const answerTimeoutMs = 60_000;

/** Servers of one kind, and where they are reached. */
export interface Cluster {
  readonly name: string;
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

export interface RaftCluster extends Cluster {
  readonly servers: readonly RaftServer[];
  readonly addresses: readonly string[];
  leader(): Promise<RaftServer>;
}

/** One of our servers; it may be killed and begun again on its disk. */
export class RaftServer {
  readonly plan: RaftMemberPlan;
  readonly #nodeArgs: readonly string[];
  #child: ChildProcess | undefined;
  /** From the beginning of its script to the end of its start. */
  startMs = 0;

  constructor(plan: RaftMemberPlan, nodeArgs: readonly string[] = []) {
    this.plan = plan;
    this.#nodeArgs = nodeArgs;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  async start(): Promise<void> {
    const child = fork(memberScript, [JSON.stringify(this.plan)], {
      execArgv: [...process.execArgv, ...this.#nodeArgs],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.setMaxListeners(0);
    this.#child = child;
    const { startMs } = await answerOf<{ startMs: number }>(child, 'ready');
    this.startMs = startMs;
  }

  status(): Promise<MemberStatus> {
    return this.#ask('status');
  }

  /** Hands leadership over, and ends. */
  async stop(): Promise<void> {
    await this.#ask('stop', 'stopped');
    await this.end();
  }

  tell(type: 'watch' | 'snapshot'): void {
    this.#child?.send({ type });
  }

  /** As a power cut of the process would. */
  async kill(): Promise<void> {
    await this.#over((child) => child.kill('SIGKILL'));
  }

  async end(): Promise<void> {
    await this.#over((child) => child.connected && child.send({ type: 'end' }));
  }

  async #over(end: (child: ChildProcess) => void): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => child.kill('SIGKILL'), 3_000);
      child.once('exit', () => {
        clearTimeout(force);
        resolve();
      });
      end(child);
    });
  }

  #ask<Answer>(type: string, answer = type): Promise<Answer> {
    if (this.#child === undefined) throw new Error(`${this.plan.id} does not run`);
    const promise = answerOf<Answer>(this.#child, answer);
    this.#child.send({ type });
    return promise;
  }
}

function answerOf<Answer>(child: ChildProcess, type: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const over = (): void => {
      clearTimeout(timer);
      child.off('message', take);
      child.off('exit', fail);
    };
    const take = (message: unknown): void => {
      if ((message as { type?: string }).type !== type) return;
      over();
      resolve(message as Answer);
    };
    const fail = (): void => {
      over();
      reject(new Error(`a process ended, and did not answer "${type}"`));
    };
    const timer = setTimeout(() => {
      over();
      reject(new Error(`a process did not answer "${type}" within ${answerTimeoutMs / 1_000} s`));
    }, answerTimeoutMs);
    child.on('message', take);
    child.once('exit', fail);
  });
}

export interface ClusterOptions {
  readonly size: number;
  readonly folder: string;
  readonly config?: Partial<RaftConfig>;
  readonly hasGrpc?: boolean;
  /** For the first server, which leads as long as its priority is the greatest: `--cpu-prof` for example. */
  readonly nodeArgs?: readonly string[];
}

export async function startRaft({ size, folder, config = {}, hasGrpc = true, nodeArgs }: ClusterOptions) {
  const ports = await freePorts(size * 2);
  const ids = Array.from({ length: size }, (_, index) => `n${index + 1}`);
  const addresses = Object.fromEntries(ids.map((id, index) => [id, `127.0.0.1:${ports[index]}`]));
  const servers = ids.map((id, index) => {
    const grpcPort = hasGrpc ? (ports[size + index] as number) : undefined;
    return new RaftServer({ id, folder, bind: addresses[id] as string, addresses, grpcPort, config }, nodeArgs);
  });
  await Promise.all(servers.map((server) => server.start()));
  const cluster: RaftCluster = {
    name: 'grp',
    servers,
    addresses: Object.values(addresses),
    get pids() {
      return servers.filter(({ isRunning }) => isRunning).map(({ pid }) => pid);
    },
    leader: () => leaderOf(servers),
    stop: async () => void (await Promise.all(servers.map((server) => server.end()))),
  };
  // The greatest id takes over once all have been in good order for a while; leaders do not change after that.
  const last = servers.at(-1) as RaftServer;
  for (const deadline = performance.now() + 10_000; performance.now() < deadline; await pause(50))
    if ((await cluster.leader()) === last) break;
  return cluster;
}

async function leaderOf(servers: readonly RaftServer[]): Promise<RaftServer> {
  for (const deadline = performance.now() + 15_000; performance.now() < deadline; await pause(20)) {
    for (const server of servers) {
      if (!server.isRunning) continue;
      const { role, commitIndex } = await server.status();
      if (role === 'leader' && commitIndex > 0) return server;
    }
  }
  throw new Error('no leader within 15 s');
}

export interface EtcdCluster extends Cluster {
  readonly endpoints: readonly string[];
  leader(): Promise<number>;
  kill(index: number): Promise<void>;
  restart(index: number): Promise<void>;
}

/** Debian's etcd with its defaults: every write fsynced, 100 ms heartbeats, 1,000 ms elections. */
export async function startEtcd(size: number, folder: string): Promise<EtcdCluster> {
  const ports = await freePorts(size * 2);
  const all = Array.from({ length: size }, (_, index) => `e${index}=http://127.0.0.1:${ports[size + index]}`).join(',');
  const children: (ChildProcess | undefined)[] = [];
  const endpoints = Array.from({ length: size }, (_, index) => `127.0.0.1:${ports[index]}`);
  const start = (index: number, state: 'new' | 'existing'): void => {
    const [client, peer] = [`http://${endpoints[index]}`, `http://127.0.0.1:${ports[size + index]}`];
    const names = ['--name', `e${index}`, '--data-dir', join(folder, `etcd-${index}`)];
    const clientUrls = ['--listen-client-urls', client, '--advertise-client-urls', client];
    const peerUrls = ['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer];
    const cluster = ['--initial-cluster', all, '--initial-cluster-state', state, '--log-level', 'error'];
    const room = ['--quota-backend-bytes', '8589934592'];
    const args = [...names, ...clientUrls, ...peerUrls, ...cluster, ...room];
    children[index] = spawn('etcd', args, { stdio: 'ignore' });
  };
  for (let index = 0; index < size; index++) start(index, 'new');
  const kill = async (index: number): Promise<void> => {
    const child = children[index];
    children[index] = undefined;
    if (child === undefined || child.exitCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  };
  const cluster: EtcdCluster = {
    name: 'etcd',
    endpoints,
    get pids() {
      return children.flatMap((child) => (child?.pid === undefined ? [] : [child.pid]));
    },
    leader: () => etcdLeader(endpoints, children),
    kill,
    restart: async (index) => start(index, 'existing'),
    stop: async () => void (await Promise.all(endpoints.map((_, index) => kill(index)))),
  };
  await cluster.leader();
  return cluster;
}

interface EtcdStatus {
  readonly header?: { readonly member_id?: string };
  readonly leader?: string;
}

async function etcdLeader(endpoints: readonly string[], children: readonly unknown[]): Promise<number> {
  for (const deadline = performance.now() + 20_000; performance.now() < deadline; await pause(50)) {
    for (const [index, endpoint] of endpoints.entries()) {
      if (children[index] === undefined) continue;
      try {
        const response = await fetch(`http://${endpoint}/v3/maintenance/status`, { method: 'POST', body: '{}' });
        const { header, leader } = (await response.json()) as EtcdStatus;
        if (leader !== undefined && leader === header?.member_id) return index;
      } catch {
        // It is not there yet.
      }
    }
  }
  throw new Error('etcd has no leader within 20 s');
}

export interface CellFigures {
  readonly writesPerSecond: number;
  readonly failures: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Cores: processor seconds per second. */
  readonly serverCores: number;
  /** Of all servers together, µs of processor time per write. */
  readonly serverUsPerWrite: number;
  readonly loadCores: number;
}

/** Runs writers against servers for a while. */
export function measureWrites(plan: Omit<LoadPlan, 'connections'>, pids: readonly number[]): Promise<CellFigures> {
  return measureLoad(loadScript, plan, pids, plan.over === 'native');
}

/** The same with any script that ends in `runLoad`; its first argument is the plan. */
export async function measureLoad(
  script: string,
  plan: { readonly clients: number; readonly [key: string]: unknown },
  pids: readonly number[],
  isOneConnection = false,
): Promise<CellFigures> {
  const processes = plan.clients >= 256 ? 2 : 1;
  const clients = plan.clients / processes;
  // A native client sends all that its process asks for over one stream.
  const connections = isOneConnection ? 1 : connectionsFor(plan.clients) / processes;
  const children = Array.from({ length: processes }, () =>
    fork(script, [JSON.stringify({ ...plan, clients, connections })], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    }),
  );
  const figures = children.map((child) => answerOf<LoadFigures>(child, 'figures'));
  await Promise.all(children.map((child) => answerOf(child, 'measuring')));
  const before = cpuSecondsOf(pids);
  const at = performance.now();
  const all = await Promise.all(figures);
  const seconds = (performance.now() - at) / 1_000;
  const cpuSeconds = cpuSecondsOf(pids) - before;
  const latencies = all.flatMap((one) => one.latencies).toSorted((a, b) => a - b);
  const rank = (share: number): number => round((latencies[Math.floor(latencies.length * share)] ?? 0) / 1_000, 2);
  const sum = (of: (one: LoadFigures) => number): number => all.reduce((total, one) => total + of(one), 0);
  const writesPerSecond = sum((one) => one.writes / one.seconds);
  return {
    writesPerSecond: Math.round(writesPerSecond),
    failures: sum((one) => one.failures),
    p50Ms: rank(0.5),
    p99Ms: rank(0.99),
    serverCores: round(cpuSeconds / seconds, 2),
    serverUsPerWrite: Math.round((cpuSeconds / seconds / writesPerSecond) * 1e6),
    loadCores: round(
      sum((one) => one.cpuSeconds / one.seconds),
      2,
    ),
  };
}

// As etcd's own benchmark is run: more clients share a connection when there are many.
function connectionsFor(clients: number): number {
  if (clients >= 1_000) return 32;
  if (clients >= 256) return 16;
  if (clients >= 64) return 8;
  return clients >= 16 ? 4 : 1;
}

/** Processor seconds that processes have used so far, as Linux counts them. */
export function cpuSecondsOf(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
    } catch {
      // It has ended.
    }
  }
  return ticks / 100;
}

/** What the disk itself gives: 4 KiB written over zeros and synced, again and again, for a while. */
export function syncsPerSecond(folder: string, forMs = 500): number {
  const descriptor = openSync(join(folder, 'disk'), 'w+');
  const page = new Uint8Array(4_096);
  for (let at = 0; at < 2_048; at++) writeSync(descriptor, page, 0, page.length, at * page.length);
  fdatasyncSync(descriptor);
  const from = performance.now();
  let count = 0;
  for (; performance.now() - from < forMs; count++) {
    writeSync(descriptor, page, 0, page.length, (count % 2_048) * page.length);
    fdatasyncSync(descriptor);
  }
  closeSync(descriptor);
  return Math.round((count * 1_000) / (performance.now() - from));
}

export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer();
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
