// Runs a group of processes on loopback and adds up what they measured.
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Order } from '@grp/ordering';
import type { MemberPlan, MemberReport } from './member-process.ts';

export interface GroupPlan {
  readonly order: Order;
  readonly memberCount: number;
  readonly payloadBytes: number;
  /** Own messages under way at each sender. */
  readonly outstanding: number;
  readonly senders: 'all' | 'one';
  readonly seconds: number;
  readonly frameBytes: number;
}

export interface GroupFigures {
  /** Delivered by every member. */
  readonly multicastsPerSecond: number;
  /** Per second of processor time of all members together. */
  readonly multicastsPerCpuSecond: number;
  readonly coresUsed: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly messagesPerRound: number;
  readonly resentRounds: number;
  /** Total order: all members had the same order, as far as hashes tell. */
  readonly isSameOrder: boolean | undefined;
}

export async function measureGroup(plan: GroupPlan): Promise<GroupFigures> {
  const { order, memberCount, payloadBytes, frameBytes, seconds } = plan;
  const children = Array.from({ length: memberCount }, (_, rank) => {
    const outstanding = plan.senders === 'all' || rank === memberCount - 1 ? plan.outstanding : 0;
    const timed = `m${memberCount - 1}`;
    const isStreaming = order !== 'total' && plan.senders === 'all';
    const member: MemberPlan = { order, rank, payloadBytes, outstanding, frameBytes, timed, isStreaming };
    const script = fileURLToPath(new URL('./member-process.ts', import.meta.url));
    return fork(script, [JSON.stringify(member)], { execArgv: process.execArgv });
  });
  try {
    const addresses = await Promise.all(children.map((child) => answer<{ address: string }>(child, 'address')));
    const ready = Promise.all(children.map((child) => answer(child, 'ready')));
    tell(children, { type: 'view', members: addresses.map(({ address }) => address) });
    await ready;
    tell(children, { type: 'go' });
    await pause(1_500); // the compiler and the windows of the links warm up
    tell(children, { type: 'measure' });
    await pause(seconds * 1_000);
    const reports = Promise.all(children.map((child) => answer<{ report: MemberReport }>(child, 'report')));
    tell(children, { type: 'report' });
    return figuresOf(
      plan,
      (await reports).map(({ report }) => report),
    );
  } finally {
    for (const child of children) if (child.connected) child.send({ type: 'end' });
    await Promise.all(children.map(ended));
  }
}

function figuresOf({ order }: GroupPlan, reports: readonly MemberReport[]): GroupFigures {
  const rate = Math.min(...reports.map(({ deliveries, seconds }) => deliveries / seconds));
  const cpu = reports.reduce((sum, { cpuSeconds, seconds }) => sum + cpuSeconds / seconds, 0);
  const latencies = reports.flatMap(({ latencies: own }) => own).toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round(latencies[Math.floor(latencies.length * share)] ?? 0);
  const rounds = reports.reduce((sum, report) => sum + report.rounds, 0);
  const compared = Math.min(...reports.map(({ hashes }) => hashes.length));
  const isSame = reports.every(
    ({ hashes }) => hashes.slice(0, compared).join() === (reports[0]?.hashes ?? []).slice(0, compared).join(),
  );
  const total = reports[0]?.hashes.length ?? 0;
  return {
    multicastsPerSecond: Math.round(rate),
    multicastsPerCpuSecond: Math.round(rate / cpu),
    coresUsed: Math.round(cpu * 100) / 100,
    p50Us: at(0.5),
    p99Us: at(0.99),
    messagesPerRound: Math.round(((total * 10_000) / Math.max(1, rounds)) * 10) / 10,
    resentRounds: reports.reduce((sum, { resent }) => sum + resent, 0),
    isSameOrder: order === 'total' && compared > 0 ? isSame : undefined,
  };
}

function tell(children: readonly ChildProcess[], message: object): void {
  for (const child of children) child.send(message);
}

function answer<Message = object>(child: ChildProcess, type: string): Promise<Message> {
  return new Promise((resolve, reject) => {
    const listen = (message: unknown): void => {
      if ((message as { type?: string }).type !== type) return;
      child.off('message', listen);
      resolve(message as Message);
    };
    child.on('message', listen);
    child.once('exit', (code) => reject(new Error(`a member ended with code ${code}`)));
  });
}

/** In good order within a second (a profiler writes its file then), or by force. */
function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => child.kill('SIGKILL'), 1_000);
    const end = (): void => {
      clearTimeout(force);
      resolve();
    };
    if (child.exitCode !== null || child.signalCode !== null) end();
    else child.once('exit', end);
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
