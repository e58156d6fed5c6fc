import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { benchError } from './errors.ts';

/** What `grp bench` was told; not all of it is about groups. */
export interface GmsBenchFlags {
  readonly against?: string | undefined;
  readonly sizes?: readonly string[] | undefined;
  readonly runs?: number | undefined;
  readonly quick?: boolean | undefined;
  readonly steady?: number | undefined;
  readonly logs?: string | undefined;
}

export interface GmsBenchOptions {
  /** Take the report instead of letting the tables be printed. */
  readonly json: boolean;
  readonly signal: AbortSignal;
}

const peers: readonly string[] = ['corosync', 'none'];
// The benchmark stands beside the package it measures, which is not beside us when we were installed from a registry.
const placeFromSources = '../../../gms/bench/gms.ts';
const placeFromBuilt = '../../gms/bench/gms.ts';

/**
 * Runs the benchmark of `@grp/gms` in a process of its own, which prints its tables, or gives its report.
 * @throws GrpError BENCH_PEER_UNKNOWN, BENCH_FLAG, BENCH_NO_SOURCES, BENCH_FAILED
 */
export async function runGmsBench(
  flags: GmsBenchFlags,
  { json, signal }: GmsBenchOptions,
): Promise<{ readonly code: number; readonly report: object }> {
  const args = argumentsOf(flags);
  const place = import.meta.url.endsWith('.ts') ? placeFromSources : placeFromBuilt;
  const file = fileURLToPath(new URL(place, import.meta.url));
  if (!existsSync(file)) throw benchError('BENCH_NO_SOURCES', { context: { file } });
  const node = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', file];
  const child = spawn(process.execPath, [...node, ...args, ...(json ? ['--json'] : [])], {
    stdio: ['ignore', json ? 'pipe' : 'inherit', 'inherit'],
  });
  // It ends its members, and those of corosync, itself.
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => (text += part));
  const [code] = (await once(child, 'close')) as [number | null];
  signal.removeEventListener('abort', stop);
  if (code === 0 || code === 8) return { code, report: json ? (JSON.parse(text) as object) : {} };
  throw benchError('BENCH_FAILED', { context: { code: code ?? 1 } });
}

function argumentsOf({ against, sizes, runs, quick, steady, logs }: GmsBenchFlags): readonly string[] {
  if (against !== undefined && !peers.includes(against))
    throw benchError('BENCH_PEER_UNKNOWN', { context: { peer: against } });
  for (const [flag, value] of Object.entries({ steady, logs })) {
    if (value !== undefined) throw benchError('BENCH_FLAG', { context: { flag, name: 'gms' } });
  }
  for (const size of sizes ?? []) {
    if (!/^\d+$/.test(size) || Number(size) < 3 || Number(size) > 32)
      throw benchError('BENCH_SIZE', { context: { size } });
  }
  return [
    ...(against === undefined ? [] : ['--against', against]),
    ...(sizes === undefined ? [] : ['--sizes', sizes.join()]),
    ...(runs === undefined ? [] : ['--runs', String(runs)]),
    ...(quick === true ? ['--quick'] : []),
  ];
}
