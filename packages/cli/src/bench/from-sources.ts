import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { benchError } from './errors.ts';

/** What `grp bench` was told; not each benchmark takes all of it. */
export interface BenchFlags {
  readonly against?: string | undefined;
  readonly sizes?: readonly string[] | undefined;
  readonly runs?: number | undefined;
  readonly quick?: boolean | undefined;
  readonly steady?: number | undefined;
  readonly logs?: string | undefined;
}

interface SourceBench {
  /** Below `packages/`. */
  readonly file: string;
  /** Peer → what the benchmark is told so that it measures against it. */
  readonly peers: Readonly<Record<string, readonly string[]>>;
  /** Flags that say something about it, besides `--against`. */
  readonly takes: readonly (keyof BenchFlags)[];
  /** Whether it prints tables unless it is told `--json`; the others print their report as JSON in any case. */
  readonly hasTables: boolean;
}

/** The benchmarks that stand beside the package they measure. */
export const sourceBenches: Readonly<Record<string, SourceBench>> = {
  gms: {
    file: 'gms/bench/gms.ts',
    peers: { corosync: ['--against', 'corosync'], none: ['--against', 'none'] },
    takes: ['sizes', 'runs', 'quick'],
    hasTables: true,
  },
  ordering: { file: 'ordering/bench/ordering.ts', peers: { none: [] }, takes: [], hasTables: false },
  isis: { file: 'ordering/bench/isis.ts', peers: { none: [] }, takes: [], hasTables: false },
  messenger: { file: 'messenger/bench/messenger.ts', peers: { ngircd: [] }, takes: [], hasTables: false },
  raft: {
    file: 'raft/bench/raft.ts',
    peers: { etcd: [], none: ['--over', 'native,grpc'] },
    takes: ['sizes'],
    hasTables: true,
  },
  chat: { file: 'chat/bench/chat.ts', peers: { etcd: [] }, takes: ['sizes'], hasTables: true },
  wal: { file: 'storage/bench/wal.ts', peers: { none: [] }, takes: [], hasTables: true },
  dfs: { file: 'dfs/bench/dfs.ts', peers: { ceph: ['--ceph'], none: [] }, takes: [], hasTables: true },
};

export interface SourceBenchOptions {
  /** Take the report instead of letting it be printed. */
  readonly json: boolean;
  readonly signal: AbortSignal;
}

/**
 * Runs a benchmark of a package in a process of its own, which prints its tables, or gives its report.
 * @throws GrpError BENCH_PEER_UNKNOWN, BENCH_PEER_MISSING, BENCH_FLAG, BENCH_SIZE, BENCH_NO_SOURCES, BENCH_FAILED
 */
export async function runSourceBench(
  name: string,
  flags: BenchFlags,
  { json, signal }: SourceBenchOptions,
): Promise<{ readonly code: number; readonly report: object }> {
  const bench = sourceBenches[name];
  if (bench === undefined) throw benchError('BENCH_UNKNOWN', { context: { name } });
  const args = argumentsOf(name, bench, flags);
  const packages = import.meta.url.endsWith('.ts') ? '../../../' : '../../';
  // Not beside us when we were installed from a registry.
  const file = fileURLToPath(new URL(`${packages}${bench.file}`, import.meta.url));
  if (!existsSync(file)) throw benchError('BENCH_NO_SOURCES', { context: { name, file } });
  const isTaken = json && bench.hasTables ? ['--json'] : [];
  const node = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', file];
  const child = spawn(process.execPath, [...node, ...args, ...isTaken], {
    stdio: ['ignore', json ? 'pipe' : 'inherit', 'inherit'],
  });
  // It ends its members, and those of its peer, itself.
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => (text += part));
  const [code] = (await once(child, 'close')) as [number | null];
  signal.removeEventListener('abort', stop);
  if (code !== 0 && code !== 8) throw benchError('BENCH_FAILED', { context: { code: code ?? 1 } });
  return { code, report: json ? { schema: `grp.bench.${name}/1`, ...(JSON.parse(text) as object) } : {} };
}

/** What the benchmark itself is told. @throws GrpError BENCH_PEER_UNKNOWN, BENCH_PEER_MISSING, BENCH_FLAG, BENCH_SIZE */
export function argumentsOf(name: string, { peers, takes }: SourceBench, flags: BenchFlags): readonly string[] {
  const { against, ...others } = flags;
  if (against !== undefined && !Object.hasOwn(peers, against))
    throw benchError('BENCH_PEER_UNKNOWN', { context: { peer: against, name, peers: Object.keys(peers).join(', ') } });
  for (const [flag, value] of Object.entries(others)) {
    if (value === undefined || value === false || takes.includes(flag as keyof BenchFlags)) continue;
    throw benchError('BENCH_FLAG', {
      context: { flag, name, takes: takes.map((one) => `--${one}`).join(', ') || 'no flags but --against' },
    });
  }
  for (const size of flags.sizes ?? []) {
    if (!/^\d+$/.test(size) || Number(size) < 3 || Number(size) > 32)
      throw benchError('BENCH_SIZE', { context: { size } });
  }
  const command = against === undefined ? undefined : commandsOfPeers[against];
  if (command !== undefined) requirePeer(command);
  return [
    ...(against === undefined ? [] : (peers[against] ?? [])),
    ...(flags.sizes === undefined ? [] : ['--sizes', flags.sizes.join()]),
    ...(flags.runs === undefined ? [] : ['--runs', String(flags.runs)]),
    ...(flags.quick === true ? ['--quick'] : []),
  ];
}

/** Without these their benchmarks measure ours alone, which is not what was asked for. */
const commandsOfPeers: Readonly<Record<string, string>> = { etcd: 'etcd', ngircd: 'ngircd', ceph: 'ceph-osd' };

function requirePeer(command: string): void {
  if (spawnSync(command, ['--version']).error !== undefined)
    throw benchError('BENCH_PEER_MISSING', { context: { command } });
}
