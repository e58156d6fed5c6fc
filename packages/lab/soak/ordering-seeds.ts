// Long judgement of ordered groups in the simulator. Two processes share the seeds.
// `npm run soak -- ordering-seeds [--seeds N] [--first SEED] [--scenario NAME]`: that many seeds of every scenario, or one.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { orderingScenarios, runOrderingScenario, type OrderingScenario } from '../src/ordering/table.ts';
import { inProcess } from './support/shards.ts';

interface Plan {
  readonly seeds: number;
  readonly first: number;
  readonly scenarios: readonly OrderingScenario[];
}

interface Outcome {
  readonly runs: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly calmMsMax: number;
  readonly violations: readonly string[];
}

const script = fileURLToPath(import.meta.url);
const shards = 2;
const violationsMax = 100;

function work({ seeds, first, scenarios }: Plan, shard: number): Outcome {
  const counts: Record<string, number> = {};
  const violations: string[] = [];
  let [runs, calmMsMax, toldAt] = [0, 0, performance.now()];
  for (const scenario of scenarios) {
    for (let seed = first + shard; seed < first + seeds; seed += shards) {
      runs++;
      const options = { seed, nodeCount: 3 + (seed % 5), durationMs: 2_000, loss: (seed % 4) * 0.03 };
      const again = `runOrderingScenario('${scenario}', ${JSON.stringify(options)})`;
      try {
        const report = runOrderingScenario(scenario, options);
        for (const { checker, at, message } of report.violations)
          violations.push(`${again}: ${checker} at ${at}: ${message}`);
        for (const [kind, count] of Object.entries(report.counts)) counts[kind] = (counts[kind] ?? 0) + count;
        calmMsMax = Math.max(calmMsMax, report.figures['calmMs'] ?? 0);
        // A tenth of the seeds twice: the same seed has the same history.
        if (seed % 10 === 0 && runOrderingScenario(scenario, options).traceHash !== report.traceHash)
          violations.push(`${again}: not deterministic`);
      } catch (cause) {
        violations.push(`${again}: ${cause instanceof Error ? cause.message : String(cause)}`);
      }
      if (performance.now() - toldAt < 10_000) continue;
      toldAt = performance.now();
      process.stderr.write(`shard ${shard}: ${scenario}, seed ${seed}; ${violations.length} violations\n`);
    }
  }
  return { runs, counts, calmMsMax, violations: violations.slice(0, violationsMax) };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '10000' },
      first: { type: 'string', default: '1' },
      scenario: { type: 'string' },
      shard: { type: 'string' },
    },
  });
  const scenarios = orderingScenarios.filter((name) => values.scenario === undefined || values.scenario === name);
  if (scenarios.length === 0) {
    process.stderr.write(`--scenario is one of: ${orderingScenarios.join(', ')}\n`);
    process.exitCode = 2;
    return;
  }
  const plan: Plan = { seeds: Number(values.seeds), first: Number(values.first), scenarios };
  if (values.shard !== undefined) {
    process.send?.(work(plan, Number(values.shard)));
    return;
  }
  const startedAt = performance.now();
  const outcomes = await Promise.all(Array.from({ length: shards }, (_, shard) => inProcess<Outcome>(script, shard)));
  const counts: Record<string, number> = {};
  for (const outcome of outcomes)
    for (const [kind, count] of Object.entries(outcome.counts))
      if (count > 0) counts[kind] = (counts[kind] ?? 0) + count;
  const violations = outcomes.flatMap((outcome) => outcome.violations).slice(0, violationsMax);
  const ok = violations.length === 0;
  const figures = {
    runs: outcomes.reduce((sum, { runs }) => sum + runs, 0),
    seconds: Math.round((performance.now() - startedAt) / 1_000),
    calmMsMax: Math.max(...outcomes.map(({ calmMsMax }) => calmMsMax)),
  };
  const head = { soak: 'ordering-seeds', ok, node: process.version, ...plan, ...figures };
  process.stdout.write(`${JSON.stringify({ ...head, counts, violations })}\n`);
  if (!ok) process.exitCode = 8;
}

await main();
