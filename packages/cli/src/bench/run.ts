import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Driver } from './driver.ts';
import { grpDriver } from './grp-driver.ts';
import { Guard } from './guard.ts';
import { load, thisMachine, type Machine } from './machine.ts';
import { measureSize, type SizeResult } from './measure.ts';
import type { Plan } from './plan.ts';
import { serfDriver } from './serf-driver.ts';

/** All figures of one system. */
export interface SystemResult {
  readonly system: Driver['system'];
  readonly version: string;
  readonly sizes: readonly SizeResult[];
}

export interface BenchResult {
  readonly startedAt: string;
  readonly endedAt: string;
  readonly machine: Machine & { readonly loadBefore: number; readonly loadAfter: number };
  readonly plan: Plan;
  /** Whether our nodes ran from sources, which costs memory for the compiler that strips types, or as built. */
  readonly entry: 'sources' | 'built';
  readonly ours: SystemResult;
  /** Null: ours alone was measured. */
  readonly theirs: SystemResult | null;
  /** Ended by a signal: the figures are those that there were by then. */
  readonly interrupted: boolean;
}

export interface BenchOptions {
  readonly plan: Plan;
  /** Ours. */
  readonly version: string;
  /** Of the serf that is to be measured too. */
  readonly peerVersion: string | undefined;
  /** Keeps the logs of all members there; otherwise they are removed at the end. */
  readonly logs: string | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
}

/**
 * Measures both systems in turn, size by size, so that whatever else this machine does meets both. When it resolves, or
 * rejects, or this process is killed, none of the members is left running.
 */
export async function runBench(options: BenchOptions): Promise<BenchResult> {
  const { plan, version, peerVersion, logs, signal } = options;
  const folder = logs ?? (await mkdtemp(join(tmpdir(), 'grp-bench-')));
  const guard = new Guard();
  guard.arm();
  const startedAt = new Date().toISOString();
  const loadBefore = load();
  const ours: SizeResult[] = [];
  const theirs: SizeResult[] = [];
  try {
    for (const members of plan.sizes) {
      const dir = (system: string): string => join(folder, `${system}-${members}`);
      const common = { members, plan, guard, signal, onProgress: options.onProgress };
      ours.push(await measureSize({ driver: grpDriver(dir('grp'), version), ...common }));
      if (peerVersion !== undefined) {
        theirs.push(await measureSize({ driver: serfDriver(dir('serf'), peerVersion), ...common }));
      }
    }
  } catch (cause) {
    if (!signal.aborted) throw cause;
  } finally {
    guard.disarm();
    if (logs === undefined) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
  return {
    startedAt,
    endedAt: new Date().toISOString(),
    machine: { ...thisMachine(), loadBefore, loadAfter: load() },
    plan,
    entry: import.meta.url.endsWith('.ts') ? 'sources' : 'built',
    ours: { system: 'grp', version, sizes: ours },
    theirs: peerVersion === undefined ? null : { system: 'serf', version: peerVersion, sizes: theirs },
    interrupted: signal.aborted,
  };
}
