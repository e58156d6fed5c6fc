// One cell of the table: a group of processes, a size of messages, who sends, at which level, in which frames.
import type { DeliveryLevel } from '../src/index.ts';
import { faultsOf, pause, settled, startMembers, type Member } from './gms-processes.ts';

export interface Cell {
  readonly members: number;
  readonly payloadBytes: number;
  /** Largest datagram. */
  readonly frameBytes: number;
  readonly delivery: DeliveryLevel;
  readonly senders: 'all' | 'one';
  /** Own messages under way at each sender. */
  readonly window: number;
}

export interface CellFigures extends Cell {
  /** Delivered by every member. */
  readonly perSecond: number;
  /** Per second of processor time of all members together. */
  readonly perCpuSecond: number;
  readonly cores: number;
  /** From sending to the sender's own delivery, of senders that do not lead. */
  readonly p50Us: number;
  readonly p99Us: number;
  readonly leaderP50Us: number;
  /** The messages of the slowest sender, as a share of what would be even. */
  readonly fairness: number;
  /** Rows that differ, messages that were lost or doubled. */
  readonly faults: readonly string[];
  /** Processes that wanted to run meanwhile, on average over a minute. */
  readonly load: number;
}

export interface CellTimes {
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export async function measureCell(
  cell: Cell,
  { warmUpMs, measureMs }: CellTimes,
  load: () => number,
  options: { readonly detector?: 'heartbeat' | 'none'; readonly nodeArgs?: readonly string[] } = {},
): Promise<CellFigures> {
  const plans = Array.from({ length: cell.members }, (_, rank) => ({
    name: `m${rank}`,
    payloadBytes: cell.payloadBytes,
    // One sends: the last one, which does not lead.
    window: cell.senders === 'all' || rank === cell.members - 1 ? cell.window : 0,
    rate: undefined,
    frameBytes: cell.frameBytes,
    delivery: cell.delivery,
    detector: options.detector ?? 'heartbeat',
  }));
  const members = await startMembers(plans, options.nodeArgs);
  try {
    for (const member of members) member.tell('go');
    await warmUp(members, warmUpMs);
    for (const member of members) member.tell('measure');
    await pause(measureMs);
    const figures = await Promise.all(members.map((member) => member.ask('figures')));
    for (const member of members) member.tell('stop');
    const marks = await settled(members, 15_000);
    const rate = Math.min(...figures.map(({ deliveries, seconds }) => deliveries / seconds));
    const cores = figures.reduce((sum, { cpuSeconds, seconds }) => sum + cpuSeconds / seconds, 0);
    const latencies = figures.slice(1).flatMap((member) => member.latencies);
    const own = figures.filter((_, rank) => (plans[rank]?.window ?? 0) > 0).map(({ returned }) => returned);
    const even = own.reduce((sum, count) => sum + count, 0) / own.length;
    return {
      ...cell,
      perSecond: Math.round(rate),
      perCpuSecond: Math.round(rate / cores),
      cores: Math.round(cores * 100) / 100,
      p50Us: Math.round(percentile(latencies, 0.5)),
      p99Us: Math.round(percentile(latencies, 0.99)),
      leaderP50Us: Math.round(percentile(figures[0]?.latencies ?? [], 0.5)),
      fairness: Math.round((Math.min(...own) / even) * 100) / 100,
      faults: faultsOf(marks),
      load: load(),
    };
  } finally {
    await Promise.all(members.map((member) => member.end()));
  }
}

/** Processor time after which the compiler has seen what there is to see. */
const warmCpuSeconds = 1;

/** Some time at least, for the windows of the links; on a busy machine until every process has had its turn, up to four times as long. */
async function warmUp(members: readonly Member[], warmUpMs: number): Promise<void> {
  const deadline = performance.now() + 4 * warmUpMs;
  for (const member of members) member.tell('measure');
  await pause(warmUpMs);
  while (performance.now() < deadline) {
    const figures = await Promise.all(members.map((member) => member.ask('figures')));
    if (figures.every(({ cpuSeconds }) => cpuSeconds >= warmCpuSeconds)) return;
    await pause(200);
  }
}

/** By nearest rank: a value that was measured; 0 for none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
