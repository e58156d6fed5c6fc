// Long judgement of the file store in the simulator: chaos and every scenario, five to seven nodes, from many seeds. Two
// processes share the work. `npm run soak -- dfs-seeds [--seeds N] [--first SEED] [--duration MS]`.
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dfsScenarios, runDfsScenario, type DfsRunReport } from '../src/index.ts';
import { inProcess } from './support/shards.ts';

interface Plan {
  readonly seeds: number;
  readonly first: number;
  readonly duration: number;
}

interface Outcome {
  readonly runs: number;
  readonly figures: Readonly<Record<string, number>>;
  readonly counts: Readonly<Record<string, number>>;
  readonly violations: readonly string[];
}

const script = fileURLToPath(import.meta.url);
const shards = 2;
const violationsMax = 100;

/** Of ten seeds seven are chaos, the others go through the scenarios in turn. */
function runOf({ first, duration }: Plan, run: number): { readonly label: string; readonly report: DfsRunReport } {
  const seed = first + run;
  const scenario = run % 10 < 7 ? 'chaos' : (dfsScenarios[(run >> 1) % dfsScenarios.length] ?? 'chaos');
  const options = { seed, nodeCount: 5 + (run % 3), durationMs: duration, loss: run % 5 === 0 ? 0.05 : 0 };
  const label = `runDfsScenario('${scenario}', ${JSON.stringify(options)})`;
  return { label, report: runDfsScenario(scenario, options) };
}

async function work(plan: Plan, shard: number): Promise<Outcome> {
  const figures: Record<string, number> = {};
  const counts: Record<string, number> = {};
  const violations: string[] = [];
  let [runs, toldAt] = [0, performance.now()];
  for (let run = shard; run < plan.seeds && violations.length < violationsMax; run += shards) {
    const { label, report } = runOf(plan, run);
    runs++;
    for (const [name, value] of Object.entries(report.figures)) figures[name] = Math.max(figures[name] ?? 0, value);
    for (const [name, value] of Object.entries(report.counts)) counts[name] = (counts[name] ?? 0) + value;
    for (const { checker, message } of report.violations.slice(0, 3))
      violations.push(`${label}: ${checker}: ${message}`);
    await setImmediate(); // so that the parent's end is noticed between two runs
    if (performance.now() - toldAt < 10_000) continue;
    toldAt = performance.now();
    process.stderr.write(`shard ${shard}: ${runs} runs, ${violations.length} violations\n`);
  }
  return { runs, figures, counts, violations };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '10000' },
      first: { type: 'string', default: '1' },
      duration: { type: 'string', default: '6000' },
      shard: { type: 'string' },
    },
  });
  const plan = { seeds: Number(values.seeds), first: Number(values.first), duration: Number(values.duration) };
  if (values.shard !== undefined) {
    process.send?.(await work(plan, Number(values.shard)));
    return;
  }
  const startedAt = performance.now();
  const outcomes = await Promise.all(Array.from({ length: shards }, (_, shard) => inProcess<Outcome>(script, shard)));
  const figures: Record<string, number> = {};
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) {
    for (const [name, value] of Object.entries(outcome.figures)) figures[name] = Math.max(figures[name] ?? 0, value);
    for (const [name, value] of Object.entries(outcome.counts))
      if (value > 0) counts[name] = (counts[name] ?? 0) + value;
  }
  const violations = outcomes.flatMap((outcome) => outcome.violations);
  const runs = outcomes.reduce((sum, outcome) => sum + outcome.runs, 0);
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  const ok = violations.length === 0;
  const head = { soak: 'dfs-seeds', ok, node: process.version, ...plan, runs, seconds };
  process.stdout.write(`${JSON.stringify({ ...head, figures, counts, violations })}\n`);
  if (!ok) process.exitCode = 8;
}

await main();
