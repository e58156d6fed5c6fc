// Starts the member processes of a group, talks to them, and ends them.
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { MemberFigures, MemberGap, MemberMark, MemberPlan } from './gms-member.ts';

const answerTimeoutMs = 15_000;
const script = fileURLToPath(new URL('gms-member.ts', import.meta.url));

interface Answers {
  readonly ready: { readonly seed: string };
  readonly figures: MemberFigures;
  readonly mark: MemberMark;
  readonly gap: MemberGap;
}

/** A member process. */
export class Member {
  readonly name: string;
  seed = '';
  readonly #child: ChildProcess;

  /** Resolves when it is in the group. */
  static async start(plan: MemberPlan, nodeArgs: readonly string[] = []): Promise<Member> {
    const member = new Member(plan, nodeArgs);
    try {
      const { seed } = await member.#answer('ready');
      member.seed = seed;
      return member;
    } catch (cause) {
      member.kill();
      throw cause;
    }
  }

  private constructor(plan: MemberPlan, nodeArgs: readonly string[]) {
    this.name = plan.name;
    // The whole text of a failing member is wanted; what it says otherwise is not.
    this.#child = fork(script, [JSON.stringify(plan)], {
      execArgv: [...process.execArgv, ...nodeArgs],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child.setMaxListeners(0);
  }

  tell(type: 'go' | 'stop' | 'measure' | 'watch'): void {
    if (this.#child.connected) this.#child.send({ type });
  }

  ask<Type extends 'figures' | 'mark' | 'gap'>(type: Type): Promise<Answers[Type]> {
    const answer = this.#answer(type);
    if (this.#child.connected) this.#child.send({ type });
    return answer;
  }

  /** As a power cut would. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** In good order within two seconds (a profiler writes its file then), or by force. */
  async end(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => this.kill(), 2_000);
      child.once('exit', () => {
        clearTimeout(force);
        resolve();
      });
      if (child.connected) child.send({ type: 'end' });
    });
  }

  #answer<Type extends keyof Answers>(type: Type): Promise<Answers[Type]> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        child.off('message', take);
        child.off('exit', fail);
      };
      const take = (message: unknown): void => {
        if ((message as { type?: string }).type !== type) return;
        settle();
        resolve(message as Answers[Type]);
      };
      const fail = (): void => {
        settle();
        reject(new Error(`member ${this.name} ended, and did not answer "${type}"`));
      };
      const timer = setTimeout(() => {
        settle();
        reject(new Error(`member ${this.name} did not answer "${type}" within ${answerTimeoutMs / 1_000} s`));
      }, answerTimeoutMs);
      child.on('message', take);
      child.once('exit', fail);
    });
  }
}

/** Starts members one after the other: the first one founds the group, and leads it. None is left over on an error. */
export async function startMembers(
  plans: readonly Omit<MemberPlan, 'seeds'>[],
  nodeArgs: readonly string[] = [],
): Promise<readonly Member[]> {
  const members: Member[] = [];
  try {
    for (const plan of plans) {
      const seeds = members.slice(0, 1).map(({ seed }) => seed);
      members.push(await Member.start({ ...plan, seeds }, nodeArgs));
    }
    return members;
  } catch (cause) {
    await Promise.all(members.map((member) => member.end()));
    throw cause;
  }
}

/** Waits until all have delivered the same row and have all of their own messages back; then, or in the end, how it stands. */
export async function settled(members: readonly Member[], withinMs: number): Promise<readonly MemberMark[]> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const marks = await Promise.all(members.map((member) => member.ask('mark')));
    const isEqual = new Set(marks.map(({ sequence }) => sequence)).size === 1;
    const isBack = marks.every(({ sent, returned }) => sent === returned);
    if ((isEqual && isBack) || performance.now() > deadline) return marks;
    await pause(100);
  }
}

/** All rows are equal, and every own message came back once and in order. */
export function faultsOf(marks: readonly MemberMark[]): readonly string[] {
  const rows = new Set(marks.map(({ sequence, orderHash }) => `${sequence} ${orderHash}`));
  const lost = marks.reduce((sum, { sent, returned }) => sum + Math.abs(sent - returned), 0);
  const wrong = marks.reduce((sum, { faults }) => sum + faults, 0);
  return [
    ...(rows.size === 1 ? [] : [`rows differ: ${[...rows].join(', ')}`]),
    ...(lost === 0 ? [] : [`${lost} own messages lost or doubled`]),
    ...(wrong === 0 ? [] : [`${wrong} own messages out of turn`]),
  ];
}

/** Never resolves when it is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => clearTimeout(timer), { once: true });
  });
}
