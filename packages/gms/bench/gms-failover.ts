// The leader is killed, over and over, while all members send: how long do the others stand still?
import type { MemberPlan } from './gms-member.ts';
import { faultsOf, Member, pause, settled, startMembers } from './gms-processes.ts';
import { percentile } from './gms-throughput.ts';

export interface FailoverPlan {
  readonly members: number;
  readonly kills: number;
  /** Of each member. */
  readonly messagesPerSecond: number;
  readonly detector: 'heartbeat' | 'node';
}

export interface FailoverFigures extends FailoverPlan {
  /** The longest time without a delivery at any survivor, for each kill. */
  readonly gapsMs: readonly number[];
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** The same while nobody is killed: what the machine itself does. */
  readonly quietMaxMs: number;
  readonly faults: readonly string[];
  readonly load: number;
}

const newViewTimeoutMs = 20_000;
const settleMs = 500;

export async function measureFailover(
  plan: FailoverPlan,
  load: () => number,
  onProgress: (text: string) => void,
): Promise<FailoverFigures> {
  const base: Omit<MemberPlan, 'seeds' | 'name'> = {
    payloadBytes: 100,
    window: 0,
    rate: plan.messagesPerSecond,
    frameBytes: 1_400,
    delivery: 'agreed',
    detector: plan.detector,
  };
  let members = [
    ...(await startMembers(Array.from({ length: plan.members }, (_, rank) => ({ ...base, name: `m${rank}` })))),
  ];
  const gapsMs: number[] = [];
  const quietMs: number[] = [];
  try {
    for (const member of members) member.tell('go');
    for (let kill = 0; kill < plan.kills; kill++) {
      await whole(members, plan.members);
      quietMs.push(await longestGap(members, settleMs));
      const leader = (await (members[0] as Member).ask('mark')).leader;
      const victim = members.find(({ name }) => name === leader) as Member;
      const survivors = members.filter((member) => member !== victim);
      for (const member of survivors) member.tell('watch');
      await survivors[0]?.ask('gap'); // they watch before the kill
      victim.kill();
      gapsMs.push(await gapAfter(survivors));
      onProgress(`kill ${kill + 1} of ${plan.kills}: ${gapsMs.at(-1)?.toFixed(0)} ms`);
      const [seed = ''] = survivors.map((member) => member.seed);
      const again = await Member.start({ ...base, name: nextName(kill, plan.members), seeds: [seed] });
      members = [...survivors, again];
      again.tell('go');
    }
    await whole(members, plan.members);
    for (const member of members) member.tell('stop');
    const faults = faultsOf(await settled(members, 15_000));
    return {
      ...plan,
      gapsMs: gapsMs.map((gap) => Math.round(gap)),
      p50Ms: Math.round(percentile(gapsMs, 0.5)),
      p99Ms: Math.round(percentile(gapsMs, 0.99)),
      maxMs: Math.round(Math.max(0, ...gapsMs)),
      quietMaxMs: Math.round(Math.max(0, ...quietMs)),
      faults,
      load: load(),
    };
  } finally {
    await Promise.all(members.map((member) => member.end()));
  }
}

/** A new process has a new name: nobody takes it for the one that was killed. */
function nextName(kill: number, members: number): string {
  return `m${members + kill}`;
}

async function longestGap(members: readonly Member[], forMs: number): Promise<number> {
  for (const member of members) member.tell('watch');
  await pause(forMs);
  const gaps = await Promise.all(members.map((member) => member.ask('gap')));
  return Math.max(...gaps.map(({ gapMs }) => gapMs));
}

/** Resolves some time after all survivors have the view without the victim and deliver again. */
async function gapAfter(survivors: readonly Member[]): Promise<number> {
  await until('a view without the leader', async () => {
    const gaps = await Promise.all(survivors.map((member) => member.ask('gap')));
    return gaps.every(({ members, deliveries }) => members === survivors.length && deliveries > 0);
  });
  await pause(settleMs);
  const gaps = await Promise.all(survivors.map((member) => member.ask('gap')));
  return Math.max(...gaps.map(({ gapMs }) => gapMs));
}

function whole(members: readonly Member[], count: number): Promise<void> {
  return until('all members in one view', async () => {
    const gaps = await Promise.all(members.map((member) => member.ask('gap')));
    return gaps.every((gap) => gap.members === count);
  });
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + newViewTimeoutMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${newViewTimeoutMs / 1_000} s`);
    await pause(25);
  }
}
