import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { simProtocols, type RunReport, type SimProtocol } from '@grp/lab';
import { invocation } from '../invocation.ts';
import { simError } from './errors.ts';

/** What to run. */
export interface SimPlan {
  readonly protocol: string;
  readonly scenario: string;
  readonly from: number;
  readonly to: number;
  readonly nodeCount: number;
  readonly loss: number;
  readonly durationMs: number;
  readonly isTraced: boolean;
}

/** One broken property, and the command that breaks it again. */
export interface SimViolation {
  readonly seed: number;
  readonly checker: string;
  /** Virtual ms. */
  readonly atMs: number;
  readonly message: string;
  readonly replay: string;
}

export interface SimResult {
  readonly protocol: string;
  readonly scenario: string;
  readonly seeds: { readonly from: number; readonly to: number; readonly run: number };
  readonly nodes: number;
  readonly loss: number;
  readonly durationMs: number;
  readonly violations: readonly SimViolation[];
  /** Each figure of the scenario over all seeds. */
  readonly figures: Readonly<Record<string, { readonly min: number; readonly mean: number; readonly max: number }>>;
  /** How often things happened, over all seeds; what never did is left out. */
  readonly counts: Readonly<Record<string, number>>;
  /** Of a single seed, the same in both runs unless `deterministic` is false. */
  readonly traceHash?: string;
  readonly deterministic?: boolean;
  readonly interrupted: boolean;
}

/** The recorded events of a single seed. */
export type SimTrace = RunReport['trace'] | undefined;

const violationsMax = 1_000;
/** About 200 bytes each. */
const recordMax = 1_000_000;

/** The scenario of this name, or the protocol's first. @throws GrpError SIM_PROTOCOL, SIM_SCENARIO */
export function scenarioOf(protocol: string, name: string | undefined): string {
  const { scenarios } = protocolOf(protocol);
  const scenario = name === undefined ? scenarios[0] : scenarios.find((known) => known === name);
  if (scenario !== undefined) return scenario;
  throw simError('SIM_SCENARIO', { context: { scenario: name ?? '', protocol, scenarios: scenarios.join(', ') } });
}

function protocolOf(name: string): SimProtocol {
  const protocol = Object.hasOwn(simProtocols, name) ? simProtocols[name] : undefined;
  if (protocol !== undefined) return protocol;
  throw simError('SIM_PROTOCOL', { context: { protocol: name, protocols: Object.keys(simProtocols).join(', ') } });
}

/** Runs the seeds one after the other until all are done or `signal` asks to end; a single one is run twice. */
export async function runSimSeeds(
  plan: SimPlan,
  signal: AbortSignal,
  onProgress: (line: string) => void,
): Promise<{ readonly result: SimResult; readonly trace: SimTrace }> {
  const summary = new Summary(plan);
  let last: RunReport | undefined;
  for (let seed = plan.from; seed <= plan.to && !signal.aborted; seed++) {
    last = runOne(plan, seed, plan.isTraced);
    summary.add(seed, last);
    onProgress(`seed ${seed} of ${plan.from}..${plan.to}: ${summary.violations.length} violations`);
    await new Promise((resolve) => setImmediate(resolve)); // signals and the terminal get their turn
  }
  const isSingle = plan.from === plan.to && last !== undefined;
  if (!isSingle) return { result: summary.result(signal.aborted), trace: undefined };
  const { traceHash, trace } = last as RunReport;
  const deterministic = runOne(plan, plan.from, false).traceHash === traceHash;
  if (!deterministic) summary.violate(plan.from, 'determinism', 0, 'a second run had another trace hash');
  return { result: { ...summary.result(signal.aborted), traceHash, deterministic }, trace };
}

function runOne(plan: SimPlan, seed: number, isTraced: boolean): RunReport {
  const { protocol, scenario, nodeCount, loss, durationMs } = plan;
  return protocolOf(protocol).run(scenario, {
    seed,
    nodeCount,
    loss,
    durationMs,
    ...(isTraced && { trace: { recordMax } }),
  });
}

/** The command that runs one seed of this plan again. */
export function replayCommand({ protocol, scenario, nodeCount, loss, durationMs }: SimPlan, seed: number): string {
  const share = loss === 0 ? '' : ` --loss ${loss}`;
  return `${invocation()} sim run ${protocol} --seed ${seed} --scenario ${scenario} --nodes ${nodeCount}${share} --duration ${durationMs}ms`;
}

class Summary {
  readonly violations: SimViolation[] = [];
  readonly #plan: SimPlan;
  readonly #figures = new Map<string, { min: number; max: number; sum: number; count: number }>();
  readonly #counts = new Map<string, number>();
  #run = 0;

  constructor(plan: SimPlan) {
    this.#plan = plan;
  }

  add(seed: number, { violations, figures, counts }: RunReport): void {
    this.#run++;
    for (const { checker, at, message } of violations) this.violate(seed, checker, at, message);
    for (const [name, value] of Object.entries(figures)) {
      const { min, max, sum, count } = this.#figures.get(name) ?? { min: value, max: value, sum: 0, count: 0 };
      this.#figures.set(name, {
        min: Math.min(min, value),
        max: Math.max(max, value),
        sum: sum + value,
        count: count + 1,
      });
    }
    for (const [kind, count] of Object.entries(counts)) {
      if (count > 0) this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + count);
    }
  }

  violate(seed: number, checker: string, at: number, message: string): void {
    if (this.violations.length >= violationsMax) return;
    this.violations.push({ seed, checker, atMs: Math.round(at), message, replay: replayCommand(this.#plan, seed) });
  }

  result(interrupted: boolean): SimResult {
    const { protocol, scenario, from, to, nodeCount: nodes, loss, durationMs } = this.#plan;
    const figures = [...this.#figures].map(([name, { min, max, sum, count }]) => [
      name,
      { min: round(min), mean: round(sum / count), max: round(max) },
    ]);
    return {
      protocol,
      scenario,
      seeds: { from, to, run: this.#run },
      nodes,
      loss,
      durationMs,
      violations: this.violations,
      figures: Object.fromEntries(figures) as SimResult['figures'],
      counts: Object.fromEntries(this.#counts),
      interrupted,
    };
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Writes the trace of a single seed: a head line, then one line per event. @throws GrpError SIM_TRACE_UNWRITABLE */
export async function writeTrace(
  file: string,
  plan: SimPlan,
  { traceHash }: SimResult,
  trace: SimTrace,
): Promise<void> {
  const { protocol, scenario, from: seed, nodeCount: nodes, loss, durationMs } = plan;
  const { events = [], omittedCount = 0 } = trace ?? {};
  const head = {
    schema: 'grp.sim.trace/1',
    protocol,
    scenario,
    seed,
    nodes,
    loss,
    durationMs,
    traceHash,
    omitted: omittedCount,
  };
  const lines = function* (): Generator<string> {
    yield `${JSON.stringify(head)}\n`;
    for (const event of events) yield `${JSON.stringify(event)}\n`;
  };
  try {
    await pipeline(Readable.from(lines()), createWriteStream(file));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw simError('SIM_TRACE_UNWRITABLE', { context: { file, reason }, cause });
  }
}
