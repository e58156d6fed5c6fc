// Long judgement of swim in the simulator: kills at 25 % loss, chaos from many seeds, fault runs of ten minutes. Two
// processes share the work. `npm run soak -- swim-seeds [--kills N] [--seeds N] [--minutes N] [--first SEED]`.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chaosRun, flappingRun, killRun, steadyRun, type SwimRunReport } from '../src/index.ts';
import { inProcess } from './support/shards.ts';

interface Plan {
  readonly kills: number;
  readonly seeds: number;
  readonly minutes: number;
  readonly first: number;
}

interface Outcome {
  readonly runs: number;
  readonly figures: Readonly<Record<string, number>>;
  readonly counts: Readonly<Record<string, number>>;
  readonly violations: readonly string[];
}

type Job = () => { readonly label: string; readonly report: SwimRunReport };

const script = fileURLToPath(import.meta.url);
const shards = 2;
const killsPerRun = 20;
const sizes = [5, 10, 30];
// The promise of 5 and 6 s is for a network that works. Where a quarter of all datagrams is lost nobody may be left behind,
// and a second more is allowed: of 6,000 kills one was first seen after 5.04 s.
const lossyBounds = { firstMs: 6_000, lastMs: 7_000 };
const violationsMax = 100;

/** Every run there is, in an order that gives both shards as much to do. */
function jobs({ kills, seeds, minutes, first }: Plan): Job[] {
  const all: Job[] = [];
  for (let run = 0; run < Math.ceil(kills / killsPerRun); run++) {
    const options = {
      seed: first + run,
      nodeCount: sizes[run % sizes.length] as number,
      network: { loss: 0.25 },
      bounds: lossyBounds,
    };
    all.push(() => ({
      label: `killRun(${JSON.stringify(options)})`,
      report: killRun({ ...options, kills: killsPerRun }),
    }));
  }
  for (let run = 0; run < seeds; run++) {
    const options = { seed: first + run, nodeCount: 5 + (run % 3), durationMs: 40_000 };
    all.push(() => ({ label: `chaosRun(${JSON.stringify(options)})`, report: chaosRun(options) }));
  }
  const common = { seed: first, nodeCount: 10, durationMs: minutes * 60_000 };
  const faults = [
    { illCount: 3, stoppedMs: 8_000, runningMs: 500 },
    { illCount: 5, stoppedMs: 3_000, runningMs: 100 },
    { illCount: 4, stoppedMs: 5_000, runningMs: 1_500 },
    { illCount: 3, stoppedMs: 1_500, runningMs: 100 },
  ];
  for (const loss of minutes > 0 ? [0, 0.1] : []) {
    for (const streamProbe of [true, false]) {
      for (const fault of faults) {
        const options = { ...common, ...fault, network: { loss }, config: { streamProbe } };
        all.push(() => ({ label: `flappingRun(${JSON.stringify(options)})`, report: flappingRun(options) }));
      }
    }
  }
  for (const loss of minutes > 0 ? [0.1, 0.25] : []) {
    const options = { ...common, network: { loss } };
    all.push(() => ({ label: `steadyRun(${JSON.stringify(options)})`, report: steadyRun(options) }));
  }
  return all;
}

/** Greatest of each figure, sum of those that count. */
function merge(outcomes: readonly Outcome[]): Outcome {
  const figures: Record<string, number> = {};
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) {
    for (const [name, value] of Object.entries(outcome.figures)) {
      const isSum = /\.(kills|crashes\w+)$/.test(name);
      figures[name] = isSum ? (figures[name] ?? 0) + value : Math.max(figures[name] ?? 0, value);
    }
    for (const [kind, count] of Object.entries(outcome.counts)) counts[kind] = (counts[kind] ?? 0) + count;
  }
  const violations = outcomes.flatMap((outcome) => outcome.violations).slice(0, violationsMax);
  return { runs: outcomes.reduce((sum, { runs }) => sum + runs, 0), figures, counts, violations };
}

/** The same figure of different scenarios is not the same figure. */
function named(label: string, figures: Readonly<Record<string, number>>): Record<string, number> {
  const scenario = label.slice(0, label.indexOf('Run('));
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [`${scenario}.${name}`, value]));
}

function work(plan: Plan, shard: number): Outcome {
  let outcome: Outcome = { runs: 0, figures: {}, counts: {}, violations: [] };
  const mine = jobs(plan).filter((_, index) => index % shards === shard);
  let toldAt = performance.now();
  for (const [index, job] of mine.entries()) {
    const { label, report } = job();
    const violations = report.violations.map(({ checker, at, message }) => `${label}: ${checker} at ${at}: ${message}`);
    for (const violation of violations.slice(0, 3)) process.stderr.write(`${violation}\n`);
    const figures = named(label, report.figures);
    outcome = merge([outcome, { runs: 1, figures, counts: report.counts, violations }]);
    if (performance.now() - toldAt < 10_000) continue;
    toldAt = performance.now();
    process.stderr.write(`shard ${shard}: ${index + 1} of ${mine.length} runs\n`);
  }
  return outcome;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '10000' },
      seeds: { type: 'string', default: '10000' },
      minutes: { type: 'string', default: '10' },
      first: { type: 'string', default: '1' },
      shard: { type: 'string' },
    },
  });
  const [kills = 0, seeds = 0, minutes = 0, first = 1] = [values.kills, values.seeds, values.minutes, values.first].map(
    Number,
  );
  const plan = { kills, seeds, minutes, first };
  if (values.shard !== undefined) {
    process.send?.(work(plan, Number(values.shard)));
    return;
  }
  const startedAt = performance.now();
  const outcomes = await Promise.all(Array.from({ length: shards }, (_, shard) => inProcess<Outcome>(script, shard)));
  const { runs, figures, counts, violations } = merge(outcomes);
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  const happened = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
  const ok = violations.length === 0;
  const head = { soak: 'swim-seeds', ok, node: process.version, ...plan, runs, seconds };
  process.stdout.write(`${JSON.stringify({ ...head, figures, counts: happened, violations })}\n`);
  if (!ok) process.exitCode = 8;
}

await main();
