// Throughput, latency and failover of groups on loopback, beside the peers: `npm run bench -- gms [--quick] [--json]
// [--against corosync] [--sizes 3,4,8] [--runs KILLS] [--seconds N] [--only throughput|latency|failover]`.
// A quarter of an hour in full. Tables, or one JSON document; exit code 8 when a promise was not kept.
import { cpus, loadavg, release, type } from 'node:os';
import { parseArgs } from 'node:util';
import { CorosyncLab, corosyncMissing, corosyncVersion, type CorosyncFigures } from './gms-corosync.ts';
import { measureFailover, type FailoverFigures } from './gms-failover.ts';
import { peersSource } from './gms-peers.ts';
import { judge, reportText } from './gms-report.ts';
import { measureCell, type Cell, type CellFigures } from './gms-throughput.ts';

interface Plan {
  readonly sizes: readonly number[];
  readonly kills: number;
  readonly measureMs: number;
  readonly warmUpMs: number;
  readonly isQuick: boolean;
  readonly only: string | undefined;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      against: { type: 'string' },
      sizes: { type: 'string' },
      runs: { type: 'string' },
      seconds: { type: 'string' },
      only: { type: 'string' },
    },
  });
  const isQuick = values.quick;
  const plan: Plan = {
    sizes: (values.sizes ?? (isQuick ? '4' : '3,4,8')).split(',').map(Number),
    kills: Number(values.runs ?? (isQuick ? 3 : 20)),
    measureMs: Number(values.seconds ?? (isQuick ? 2 : 5)) * 1_000,
    warmUpMs: isQuick ? 1_000 : 1_500,
    isQuick,
    only: values.only,
  };
  const wrong = problemOf(plan, values.against);
  if (wrong !== undefined) {
    process.stderr.write(`${wrong}\n`);
    return 2;
  }
  const startedAt = new Date().toISOString();
  const loadBefore = load();
  const { throughput, latency, corosync } = await measureCells(plan, peerFor(values.against));
  const failover = await measureFailovers(plan);
  const judgement = judge({ throughput, latency, failover, corosync });
  const machine = {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    system: `${type()} ${release()}`,
    node: process.versions.node,
    loadBefore,
    loadAfter: load(),
  };
  const ok = judgement.promises.every(({ kept }) => kept);
  const body = { ok, startedAt, endedAt: new Date().toISOString(), machine, plan, peersSource, ...judgement };
  const figures = { throughput, latency, failover, corosync };
  const head =
    `${machine.cores} × ${machine.processor}, ${machine.system}, Node ${machine.node}; load ${loadBefore} before, ` +
    `${machine.loadAfter} after; ${plan.measureMs / 1_000} s a cell; all in processes of their own, on loopback.\n${peersSource}`;
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ schema: 'grp.bench.gms/1', ...body, ...figures })}\n`
      : `${head}\n\n${reportText(figures, judgement)}\n`,
  );
  return ok ? 0 : 8;
}

function problemOf({ sizes, kills, measureMs, only }: Plan, against: string | undefined): string | undefined {
  if (!sizes.every((size) => Number.isInteger(size) && size >= 3 && size <= 32)) return '--sizes: 3 to 32, with commas';
  if (!(Number.isInteger(kills) && kills >= 1 && kills <= 1_000)) return '--runs: 1 to 1000 kills';
  if (!(measureMs >= 100 && measureMs <= 600_000)) return '--seconds: 0.1 to 600';
  if (only !== undefined && !['throughput', 'latency', 'failover'].includes(only))
    return '--only: throughput, latency or failover';
  if (against !== undefined && !['corosync', 'none'].includes(against)) return '--against: corosync, or none';
  return undefined;
}

/** Whether corosync is measured, too; says why not when it was asked for. */
function peerFor(against: string | undefined): boolean {
  if (against !== 'corosync') return false;
  const missing = corosyncMissing();
  progress(missing === undefined ? `against corosync ${corosyncVersion()}` : `corosync is skipped: ${missing}`);
  return missing === undefined;
}

async function measureCells(
  plan: Plan,
  isAgainstCorosync: boolean,
): Promise<{ throughput: CellFigures[]; latency: CellFigures[]; corosync: CorosyncFigures[] }> {
  const throughput: CellFigures[] = [];
  const latency: CellFigures[] = [];
  const corosync: CorosyncFigures[] = [];
  const lab = isAgainstCorosync ? await CorosyncLab.open() : undefined;
  try {
    for (const cell of cellsOf(plan)) {
      const figures = await measureCell(cell, plan, load);
      (cell.window === 1 ? latency : throughput).push(figures);
      progress(`grp ${nameOf(cell)}: ${figures.perSecond}/s, ${figures.perCpuSecond}/CPU-s, p50 ${figures.p50Us} µs`);
      // In turn with ours, so that whatever else the machine does meets both; frames and levels are ours alone.
      if (lab === undefined || cell.delivery !== 'agreed' || cell.frameBytes !== 1_400) continue;
      const { members, payloadBytes, senders, window } = cell;
      const theirs = await lab.measure({ members, payloadBytes, senders, window }, plan, load);
      corosync.push(theirs);
      progress(`corosync, the same: ${theirs.perSecond}/s, ${theirs.perCpuSecond}/CPU-s, p50 ${theirs.p50Us} µs`);
    }
  } finally {
    lab?.close();
  }
  return { throughput, latency, corosync };
}

/** In full: every size with every payload, frame and level. Quick: what the promises are about. */
function cellsOf({ sizes, isQuick, only }: Plan): readonly Cell[] {
  const cells: Cell[] = [];
  for (const members of sizes) {
    for (const payloadBytes of [100, 1_000]) {
      for (const frameBytes of [1_400, 8_900]) {
        for (const delivery of ['agreed', 'safe'] as const) {
          const cell = { members, payloadBytes, frameBytes, delivery };
          if (isQuick && frameBytes !== 1_400 && (payloadBytes === 100 || delivery === 'safe')) continue;
          cells.push({ ...cell, senders: 'all', window: 256 });
          if (!isQuick) cells.push({ ...cell, senders: 'one', window: 256 });
          if (frameBytes === 1_400 && !(isQuick && payloadBytes !== 100))
            cells.push({ ...cell, senders: 'one', window: 1 });
        }
      }
    }
  }
  if (only === 'failover') return [];
  return cells.filter(({ window }) => only === undefined || (only === 'latency') === (window === 1));
}

async function measureFailovers({ kills, only }: Plan): Promise<FailoverFigures[]> {
  const figures: FailoverFigures[] = [];
  if (only !== undefined && only !== 'failover') return figures;
  for (const detector of ['node', 'heartbeat'] as const) {
    const plan = { members: 4, kills, messagesPerSecond: 1_000, detector };
    figures.push(
      await measureFailover(plan, load, (text) => progress(`${detector === 'node' ? 'swim' : 'heartbeats'}, ${text}`)),
    );
  }
  return figures;
}

function nameOf({ members, payloadBytes, frameBytes, delivery, senders, window }: Cell): string {
  return `n=${members}, ${payloadBytes} B in ${frameBytes} B, ${delivery}, ${senders} with ${window} under way`;
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Processes that want to run, on average over the last minute. */
function load(): number {
  return Number((loadavg()[0] ?? 0).toFixed(2));
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
process.exitCode = await main();
