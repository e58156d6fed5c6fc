import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { rounded } from './statistics.ts';

/** Where a benchmark ran, as far as its figures depend on it. */
export interface Machine {
  readonly system: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
}

export function thisMachine(): Machine {
  const processors = cpus();
  return {
    system: `${type()} ${release()}`,
    processor: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryBytes: totalmem(),
    node: process.versions.node,
  };
}

/** Processes that want to run, on average over the last minute. */
export function load(): number {
  return rounded(loadavg()[0] ?? 0, 2);
}
