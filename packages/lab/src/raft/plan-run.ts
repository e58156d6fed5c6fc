import { fraction, type Random } from '@grp/core';
import { encodeMapCommand } from '@grp/raft';
import type { Plan, Step } from '../gms/levels/plan.ts';
import { PlanNetwork } from '../gms/levels/plan-network.ts';
import type { StudyFact, StudyReport } from '../studies.ts';
import type { RaftRunOptions } from './run.ts';
import { WatchedRaft } from './watch.ts';

export interface LogPlanOptions {
  readonly plan: Plan;
  readonly title: string;
  readonly variant: string;
  readonly seed: number;
  /** What its servers do otherwise than the paper says. */
  readonly rules?: NonNullable<RaftRunOptions['rules']>;
}

interface Write {
  readonly value: string;
  readonly askedAt: number;
  readonly node: string;
  outcome: string;
}

const electionMs = 10_000;
const settledMs = 1_000;
const factsMax = 24;

/** Runs a plan on a replicated log of n1 … nN, of which n1 is wanted as the leader. A multicast is a write. */
export function runLogPlan(options: LogPlanOptions): StudyReport {
  return new LogPlanRun(options).run();
}

class LogPlanRun {
  readonly #options: LogPlanOptions;
  readonly #watched: WatchedRaft;
  readonly #network: PlanNetwork;
  readonly #random: Random;
  readonly #slow = new Map<string, number>();
  readonly #writes: Write[] = [];
  /** What each server has carried out in its present life. */
  readonly #executed = new Map<string, Set<string>>();
  #startsAt = 0;

  constructor(options: LogPlanOptions) {
    const { plan, seed, rules } = options;
    const [minMs, maxMs] = plan.delayMs;
    const names = Array.from({ length: plan.founders }, (_, index) => `n${index + 1}`);
    this.#options = options;
    this.#watched = new WatchedRaft({
      seed,
      nodeCount: plan.founders,
      clientCount: 0,
      showsValues: true,
      onExecuted: (name, value) => this.#noteExecuted(name, value),
      network: { delay: { minMs, maxMs } },
      priorities: Object.fromEntries(names.map((name, index) => [name, plan.founders - index])),
      ...(rules !== undefined && { rules }),
    });
    const { world } = this.#watched.run;
    this.#random = world.random.fork('plan');
    this.#network = new PlanNetwork({
      world,
      delay: (_from, _to, extraMs) => ({ minMs: minMs + extraMs, maxMs: maxMs + extraMs }),
    });
  }

  run(): StudyReport {
    const { plan, title, variant, seed } = this.#options;
    const { run, tap } = this.#watched;
    const { world } = run;
    run.until(() => run.leader() === 'n1', electionMs, 'the election of n1');
    world.runFor(settledMs);
    this.#startsAt = world.now;
    this.#tellRoles();
    for (const step of plan.steps) world.at(this.#startsAt + step.at, () => this.#take(step));
    const lastAt = Math.max(
      0,
      ...plan.steps.map((step) => step.at + (step.type === 'multicast' ? step.count * step.everyMs : 0)),
    );
    world.runFor(lastAt + plan.settleMs);
    const { violations, traceHash } = run.finish();
    const trace = tap.trace(title, this.#startsAt);
    return {
      ...{ variant, seed, traceHash, trace, facts: this.#facts() },
      violations: violations.map((violation) => ({ ...violation, at: violation.at - this.#startsAt })),
    };
  }

  // What was elected before the trace begins is told once more, so that it has bands from its first instant on.
  #tellRoles(): void {
    const { run, tap } = this.#watched;
    for (const name of run.world.names) {
      const { role, term } = run.world.node(name).replica.status();
      tap.mark(name, 'view', `${role} t${term}`);
    }
  }

  #take(step: Step): void {
    const { run, tap } = this.#watched;
    switch (step.type) {
      case 'multicast':
        this.#scheduleWrites(step);
        break;
      case 'crash':
        this.#crash(this.#who(step.node));
        break;
      case 'restart':
        this.#restart(step.node);
        break;
      case 'pause':
      case 'resume':
        this.#stopOrGo(step.type, this.#who(step.node));
        break;
      case 'slow-disk':
        this.#slowDisk(this.#who(step.node), step.extraMs);
        break;
      case 'suspect':
      case 'join':
      case 'crash-after-sends':
      case 'crash-chance':
        tap.trouble(`no ${step.type}: it is for groups`);
        break;
      default: {
        const told = this.#network.take(step);
        if (told !== undefined) tap.trouble(told);
      }
    }
    run.count(step.type);
  }

  #who(name: string): string {
    return name === 'leader' ? (this.#watched.run.leader() ?? 'n1') : name;
  }

  #scheduleWrites({ node, count, everyMs }: Step & { readonly type: 'multicast' }): void {
    const { world } = this.#watched.run;
    for (let index = 0; index < count; index++)
      world.at(world.now + everyMs * (index + fraction(this.#random)), () => this.#write(this.#who(node)));
  }

  #write(node: string): void {
    const { run, tap } = this.#watched;
    const { world } = run;
    if (!run.running().includes(node)) return;
    const write: Write = { value: `w${this.#writes.length + 1}`, askedAt: world.now, node, outcome: 'never confirmed' };
    this.#writes.push(write);
    tap.mark(node, 'send', write.value);
    const command = encodeMapCommand({ type: 'put', key: 'colour', value: write.value });
    const payload = { type: 'command', session: 0, sequence: 0, acknowledged: 0, command } as const;
    world.node(node).replica.propose(payload, ({ type }) => {
      if (type === 'done') write.outcome = `confirmed after ${(world.now - write.askedAt).toFixed(1)} ms`;
      else if (world.now === write.askedAt) write.outcome = `refused: ${node} does not lead`;
      else write.outcome = 'not confirmed: nobody knows what became of it';
      if (type !== 'done') tap.mark(node, 'trouble', `${write.value} ${write.outcome.split(':')[0]}`);
    });
  }

  #crash(name: string): void {
    const { run, tap } = this.#watched;
    if (!run.world.names.includes(name) || run.world.state(name) === 'crashed') return;
    tap.mark(name, 'crash', 'crash');
    run.crash(name, 'clean');
  }

  #restart(name: string): void {
    const { run, tap } = this.#watched;
    if (!run.world.names.includes(name) || run.world.state(name) !== 'crashed') return;
    this.#executed.delete(name);
    run.restart(name);
    tap.mark(name, 'state', 'restarted');
    this.#slowDisk(name, this.#slow.get(name) ?? 0, true);
  }

  #stopOrGo(what: 'pause' | 'resume', name: string): void {
    const { run, tap } = this.#watched;
    if (!run.world.names.includes(name) || run.world.state(name) === 'crashed') return;
    run.world[what](name);
    tap.trouble(`${what} ${name}`);
  }

  #slowDisk(name: string, extraMs: number, isSame = false): void {
    const { run, tap } = this.#watched;
    if (!run.world.names.includes(name)) return;
    this.#slow.set(name, extraMs);
    if (run.world.state(name) !== 'crashed') run.storage(name).setTrouble({ slowMs: extraMs });
    if (!isSame) tap.trouble(extraMs === 0 ? `fast disk ${name}` : `slow disk ${name}`);
  }

  #noteExecuted(name: string, value: string): void {
    const values = this.#executed.get(name) ?? new Set();
    this.#executed.set(name, values.add(value));
    this.#watched.tap.mark(name, 'deliver', value);
  }

  #facts(): readonly StudyFact[] {
    const leader = this.#watched.run.leader();
    const kept = leader === undefined ? undefined : this.#executed.get(leader);
    const lost = this.#writes.filter(({ value, outcome }) => outcome.startsWith('confirmed') && !kept?.has(value));
    const told = this.#writes.slice(0, factsMax).map(({ value, askedAt, node, outcome }) => ({
      what: `${value}, asked of ${node} at ${(askedAt - this.#startsAt).toFixed(0)} ms`,
      value: outcome,
    }));
    const words = leader === undefined ? 'nobody leads who could tell' : lost.map(({ value }) => value).join(' ');
    return [
      { what: 'leads at the end', value: leader ?? 'nobody' },
      { what: 'confirmed and lost', value: words === '' ? 'none' : words },
      ...told,
    ];
  }
}
