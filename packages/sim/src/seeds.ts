import type { Violation } from './history.ts';
import { simError } from './errors.ts';

/** What one run of a scenario came to. */
export interface SeedOutcome {
  /** `world.traceHash()` at the end. */
  readonly traceHash: string;
  readonly violations?: readonly Violation[];
  /** How often things happened (`storm.report()`); summed over all seeds. */
  readonly counts?: Readonly<Record<string, number>>;
}

/** Which seeds are run, and how often each. */
export interface SeedsOptions {
  /** First and last seed, both included. */
  readonly from: number;
  readonly to: number;
  /** Builds a fresh world from the seed, runs it, and judges it. What it throws is a failure of this seed. */
  readonly run: (seed: number) => Promise<SeedOutcome> | SeedOutcome;
  /** The command that runs one seed alone, printed with its failure (default: a call of `runSeeds`). */
  readonly replay?: (seed: number) => string;
  /** Every so many seeds one is run twice and its hashes are compared (default 1: each); 0: none. */
  readonly repeatEvery?: number;
  /** Stops after so many failures (default 10). */
  readonly failuresMax?: number;
}

/** A seed that failed, and why. */
export interface SeedFailure {
  readonly seed: number;
  /** What went wrong, one line each. */
  readonly reasons: readonly string[];
  readonly replay: string;
  readonly cause?: unknown;
}

/** What a range of seeds came to. */
export interface SeedsReport {
  readonly seedCount: number;
  readonly repeatedCount: number;
  readonly failures: readonly SeedFailure[];
  /** Sums over all seeds. A fault that is 0 here was never tested. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Runs a scenario from many seeds, one after the other, some twice, and collects what fails. */
export async function runSeeds(options: SeedsOptions): Promise<SeedsReport> {
  const { from, to, repeatEvery = 1, failuresMax = 10 } = options;
  const failures: SeedFailure[] = [];
  const counts: Record<string, number> = {};
  let [seedCount, repeatedCount] = [0, 0];
  for (let seed = from; seed <= to && failures.length < failuresMax; seed++) {
    seedCount++;
    const isRepeated = repeatEvery > 0 && (seed - from) % repeatEvery === 0;
    if (isRepeated) repeatedCount++;
    const failure = await runSeed(options, seed, isRepeated, counts);
    if (failure !== undefined) failures.push(failure);
  }
  return { seedCount, repeatedCount, failures, counts };
}

/**
 * Throws when a seed failed, with each reason and each replay command, or when one of `mustHappen` never happened.
 * @throws GrpError SIM_SEEDS_FAILED
 */
export function assertSeeds(
  report: SeedsReport,
  { mustHappen = [] }: { readonly mustHappen?: readonly string[] } = {},
) {
  const lines = report.failures.flatMap(({ seed, reasons, replay }) => [
    `seed ${seed}: ${reasons.slice(0, 5).join('; ')}${reasons.length > 5 ? `; and ${reasons.length - 5} more` : ''}`,
    `  replay: ${replay}`,
  ]);
  const vacuous = mustHappen.filter((name) => (report.counts[name] ?? 0) === 0);
  if (vacuous.length > 0) lines.push(`never happened in any seed: ${vacuous.join(', ')}`);
  if (lines.length === 0) return;
  const { seedCount, failures } = report;
  const context = { failureCount: failures.length, seedCount, report: lines.join('\n') };
  throw simError('SIM_SEEDS_FAILED', { context, cause: failures[0]?.cause });
}

async function runSeed(
  { run, replay = defaultReplay }: SeedsOptions,
  seed: number,
  isRepeated: boolean,
  counts: Record<string, number>,
): Promise<SeedFailure | undefined> {
  try {
    const outcome = await run(seed);
    for (const [name, count] of Object.entries(outcome.counts ?? {})) counts[name] = (counts[name] ?? 0) + count;
    const reasons = (outcome.violations ?? []).map(({ checker, message }) => `${checker}: ${message}`);
    if (isRepeated) {
      const again = await run(seed);
      if (again.traceHash !== outcome.traceHash)
        reasons.push(`not deterministic: ${outcome.traceHash.slice(0, 12)}, then ${again.traceHash.slice(0, 12)}`);
    }
    return reasons.length === 0 ? undefined : { seed, reasons, replay: replay(seed) };
  } catch (cause) {
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    return { seed, reasons: [reason], replay: replay(seed), cause };
  }
}

function defaultReplay(seed: number): string {
  return `runSeeds({ …, from: ${seed}, to: ${seed} })`;
}
