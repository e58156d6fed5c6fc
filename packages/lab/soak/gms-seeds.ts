// Long judgement of gms in the simulator: groups over @grp/link at 10 % loss, duplication and reordering, with crashes in
// the middle of multicasts, joins, leaves, pauses and partitions, at both delivery levels. Two processes share the work.
// `npm run soak -- gms-seeds [--seeds N] [--first SEED] [--nodes N]`.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gmsChaosRun } from '../src/index.ts';
import { inProcess } from './support/shards.ts';

interface Outcome {
  readonly runs: number;
  readonly settleMaxMs: number;
  readonly gapMaxMs: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly violations: readonly string[];
}

const script = fileURLToPath(import.meta.url);
const shards = 2;
const violationsMax = 100;
const network = { loss: 0.1, duplication: 0.05, reorder: 0.1 };

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    first: { type: 'string', default: '1' },
    nodes: { type: 'string', default: '5' },
    shard: { type: 'string' },
  },
});
const [seeds, first, nodeCount] = [values.seeds, values.first, values.nodes].map(Number) as [number, number, number];

async function work(shard: number): Promise<Outcome> {
  const counts: Record<string, number> = {};
  const violations: string[] = [];
  let [runs, settleMaxMs, gapMaxMs] = [0, 0, 0];
  let toldAt = performance.now();
  for (let seed = first + shard; seed < first + seeds; seed += shards) {
    // Each shard has both levels: seeds 1 and 2, 5 and 6, … at `agreed`.
    const delivery = ((seed - first) >> 1) % 2 === 0 ? 'agreed' : 'safe';
    const options = { seed, nodeCount, durationMs: 10_000, network, delivery } as const;
    const report = gmsChaosRun(options);
    runs++;
    settleMaxMs = Math.max(settleMaxMs, report.figures['settleMs'] ?? 0);
    gapMaxMs = Math.max(gapMaxMs, report.figures['deliveryGapMaxMs'] ?? 0);
    for (const [kind, count] of Object.entries(report.counts)) counts[kind] = (counts[kind] ?? 0) + count;
    for (const { checker, at, message } of report.violations) {
      const line = `gmsChaosRun(${JSON.stringify(options)}): ${checker} at ${at}: ${message}`;
      if (violations.length < violationsMax) violations.push(line);
      process.stderr.write(`${line}\n`);
    }
    // What promises still hold of a world is let go in a turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    if (performance.now() - toldAt < 10_000) continue;
    toldAt = performance.now();
    process.stderr.write(`shard ${shard}: ${runs} of ${Math.ceil(seeds / shards)} runs\n`);
  }
  return { runs, settleMaxMs, gapMaxMs, counts, violations };
}

async function main(): Promise<void> {
  if (values.shard !== undefined) {
    process.send?.(await work(Number(values.shard)));
    return;
  }
  const startedAt = performance.now();
  const outcomes = await Promise.all(Array.from({ length: shards }, (_, shard) => inProcess<Outcome>(script, shard)));
  const counts: Record<string, number> = {};
  for (const outcome of outcomes)
    for (const [kind, count] of Object.entries(outcome.counts))
      if (count > 0) counts[kind] = (counts[kind] ?? 0) + count;
  const violations = outcomes.flatMap((outcome) => outcome.violations);
  const runs = outcomes.reduce((sum, outcome) => sum + outcome.runs, 0);
  const settleMaxMs = Math.max(...outcomes.map((outcome) => outcome.settleMaxMs));
  const gapMaxMs = Math.round(Math.max(...outcomes.map((outcome) => outcome.gapMaxMs)));
  const ok = violations.length === 0;
  const head = { soak: 'gms-seeds', ok, node: process.version, seeds, first, nodeCount, runs };
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  process.stdout.write(`${JSON.stringify({ ...head, seconds, settleMaxMs, gapMaxMs, counts, violations })}\n`);
  if (!ok) process.exitCode = 8;
}

await main();
