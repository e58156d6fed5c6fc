import { chance, below, fraction, type Random } from '@grp/core';
import { createWorld, seededRandom, TypedMessages, type World } from '@grp/sim';
import { firstDivergence } from './divergence.ts';
import { hexOf, RunLog } from './log.ts';
import { levelPort, type LevelMember, type Letter, type MemberEnvironment, type StartMember } from './member.ts';
import { PacketBook } from './packets.ts';
import { PlanNetwork } from './plan-network.ts';
import type { Plan, Step } from './plan.ts';
import type { LabReport, WorkerReport } from './report.ts';

export interface LabRunOptions {
  readonly plan: Plan;
  /** Its name, for the report. */
  readonly level: string;
  readonly start: StartMember;
  readonly seed: number;
}

const formWithinMs = 60_000;
const livenessMs = 5_000;

/** A group under one level, with what its plan lets happen to it. */
export class LabRun {
  readonly #options: LabRunOptions;
  readonly #world: World<LevelMember>;
  readonly #log: RunLog;
  readonly #letters = new TypedMessages<Letter>();
  readonly #packets = new PacketBook();
  readonly #founders: readonly string[];
  readonly #delays: Random;
  readonly #changes: Random;
  readonly #faults: Random;
  readonly #delayOf = new Map<string, number>();
  readonly #names = new Map<string, string>();
  readonly #network: PlanNetwork;
  readonly #counts = new Map<string, number>();
  readonly #sendsLeft = new Map<string, number>();
  #crashOneIn = Infinity;
  #serial = 0;
  #beganAt = 0;
  #endsAt = Infinity;

  constructor(options: LabRunOptions) {
    const { plan, seed } = options;
    const random = seededRandom(seed).fork('lab');
    this.#options = options;
    this.#delays = random.fork('delays');
    this.#changes = random.fork('changes');
    this.#faults = random.fork('faults');
    this.#founders = Array.from({ length: plan.founders }, (_, index) => `n${index + 1}`);
    this.#world = createWorld<LevelMember>({ seed, start: (host) => options.start(this.#environment(host)) });
    this.#log = new RunLog({
      delivery: plan.delivery ?? 'agreed',
      withinMs: livenessMs,
      note: (text) => this.#world.note(text),
    });
    this.#network = new PlanNetwork({
      world: this.#world,
      delay: (from, to, extraMs) => this.#delay(`${from} ${to}`) + extraMs,
    });
    for (const name of this.#founders) this.#add(name);
  }

  /** Runs to the end, for levels without promises. */
  runSync(): LabReport {
    while (!this.#isFormed()) this.#world.runFor(10);
    this.#begin();
    this.#world.runFor(this.#endsAt - this.#world.now);
    return this.#report();
  }

  /** Runs to the end; promises settle. */
  async run(): Promise<LabReport> {
    while (!this.#isFormed()) await this.#world.run(10);
    this.#begin();
    await this.#world.run(this.#endsAt - this.#world.now);
    return this.#report();
  }

  get #now(): number {
    return this.#world.now - this.#beganAt;
  }

  #isFormed(): boolean {
    const world = this.#world;
    const isWhole = (node: string): boolean => this.#log.of(node).view?.members.length === this.#founders.length;
    return world.now >= formWithinMs || this.#founders.every(isWhole);
  }

  #begin(): void {
    const { steps, settleMs } = this.#options.plan;
    this.#beganAt = this.#world.now;
    this.#log.formed();
    for (const step of steps) this.#world.at(this.#beganAt + step.at, () => this.#take(step));
    const lastAt = Math.max(
      0,
      ...steps.map((step) => step.at + (step.type === 'multicast' ? step.count * step.everyMs : 0)),
    );
    this.#world.at(this.#beganAt + lastAt, () => this.#log.calm(lastAt));
    this.#endsAt = this.#beganAt + lastAt + settleMs;
  }

  #take(step: Step): void {
    switch (step.type) {
      case 'multicast':
        this.#scheduleMulticasts(step);
        break;
      case 'crash':
        this.#crash(this.#who(step.node));
        break;
      case 'crash-after-sends':
        this.#sendsLeft.set(this.#who(step.node), step.sends);
        break;
      case 'crash-chance':
        this.#crashOneIn = step.oneIn;
        break;
      case 'suspect':
        this.#suspectWrongly(step);
        break;
      case 'join':
        this.#join(step.node, this.#who(step.contact));
        break;
      case 'pause':
      case 'resume':
        this.#stopOrGo(step.type, this.#who(step.node));
        break;
      case 'restart':
      case 'slow-disk':
        this.#log.trouble(`no ${step.type} of ${step.node}: a group keeps nothing on disks`, this.#now);
        break;
      default:
        this.#takeNetwork(step);
    }
  }

  #stopOrGo(what: 'pause' | 'resume', node: string): void {
    if (!this.#world.names.includes(node)) return;
    this.#world[what](node);
    this.#log.trouble(`${what} ${node}`, this.#now);
  }

  #takeNetwork(step: Step): void {
    const told = this.#network.take(step);
    if (told !== undefined) this.#log.trouble(told, this.#now);
  }

  #who(name: string): string {
    if (name !== 'leader') return name;
    return this.#running.find((node) => this.#world.node(node).isLeader) ?? 'n1';
  }

  get #running(): readonly string[] {
    return this.#world.names.filter((name) => this.#world.state(name) === 'running');
  }

  #scheduleMulticasts({ node, count, everyMs }: Step & { readonly type: 'multicast' }): void {
    for (let index = 0; index < count; index++) {
      const at = this.#world.now + everyMs * (index + fraction(this.#changes));
      this.#world.at(at, () => this.#multicast(this.#who(node)));
    }
  }

  #multicast(sender: string): void {
    const world = this.#world;
    const change = 1 + below(this.#changes, 255); // drawn in any case, so that a crash shifts no later draw
    if (!world.names.includes(sender) || world.state(sender) !== 'running' || !world.node(sender).isMember) return;
    const count = (this.#counts.get(sender) ?? 0) + 1;
    this.#counts.set(sender, count);
    world.node(sender).multicast({ id: `${sender}-${count}`, sender, count, change });
  }

  #add(name: string): void {
    const world = this.#world;
    this.#log.start(name, this.#now);
    for (const other of world.names) for (const pair of [`${name} ${other}`, `${other} ${name}`]) this.#delay(pair);
    world.addNode(name);
    this.#names.set(world.address(name, levelPort), name);
    for (const other of world.names) {
      if (other === name) continue;
      world.network.set({ delay: this.#delay(`${name} ${other}`) }, { from: name, to: other });
      world.network.set({ delay: this.#delay(`${other} ${name}`) }, { from: other, to: name });
    }
  }

  #delay(pair: string): number {
    const [min, max] = this.#options.plan.delayMs;
    const known = this.#delayOf.get(pair) ?? min + fraction(this.#delays) * (max - min);
    this.#delayOf.set(pair, known);
    return known;
  }

  #join(name: string, contact: string): void {
    const world = this.#world;
    if (world.names.includes(name) || !world.names.includes(contact)) return;
    this.#add(name);
    world.node(name).join(contact);
    for (const dead of this.#log.crashed) this.#suspect(name, dead);
  }

  #suspectWrongly({ node, by, lastsMs }: Step & { readonly type: 'suspect' }): void {
    const world = this.#world;
    const suspected = this.#who(node);
    for (const name of by) this.#suspect(name, suspected);
    world.at(world.now + lastsMs, () => {
      for (const name of by)
        if (this.#running.includes(name) && !this.#log.crashed.has(suspected)) world.node(name).trust(suspected);
    });
  }

  #suspect(by: string, member: string): void {
    if (!this.#running.includes(by)) return;
    this.#log.suspect(by, member, this.#now);
    this.#world.node(by).suspect(member);
  }

  // The detector of Erlang's monitors: sure, and after everything that the dead one had sent.
  #crash(name: string): void {
    const world = this.#world;
    if (!world.names.includes(name) || world.state(name) === 'crashed') return;
    this.#log.crash(name, this.#now);
    world.crash(name);
    for (const other of this.#running) {
      const noticeMs = this.#delay(`${name} ${other}`) + 5 + fraction(this.#faults) * 15;
      world.at(world.now + noticeMs, () => this.#suspect(other, name));
    }
  }

  #afterSend(name: string): void {
    const left = (this.#sendsLeft.get(name) ?? Infinity) - 1;
    this.#sendsLeft.set(name, left);
    if (left <= 0 || chance(this.#faults, 1 / this.#crashOneIn)) this.#crash(name);
  }

  #environment(host: MemberEnvironment['host']): MemberEnvironment {
    const { name } = host;
    const world = (): World<LevelMember> => this.#world;
    return {
      host,
      founders: this.#founders,
      delivery: this.#options.plan.delivery ?? 'agreed',
      letters: this.#letters,
      packets: this.#packets,
      addressOf: (other) => world().address(other, levelPort),
      nameOf: (address) => this.#names.get(address) ?? '?',
      nextSerial: () => this.#serial++,
      tell: (told) => {
        if (!this.#log.crashed.has(name)) this.#log.tell(name, this.#now, told);
      },
      sent: () => this.#afterSend(name),
      isAlive: () => !this.#log.crashed.has(name),
    };
  }

  #report(): LabReport {
    const { level, seed } = this.#options;
    const log = this.#log;
    const violations = log.finish();
    const rows = [...log.members].map(([node, { base, row: messages, view }]) => ({
      node,
      isLiving: !log.crashed.has(node) && view !== undefined,
      base,
      messages,
    }));
    const living = [...log.members].filter(([node]) => !log.crashed.has(node));
    return {
      level,
      seed,
      traceHash: this.#world.traceHash(),
      violations,
      workers: [...log.members.keys()].map((node) => this.#worker(node)),
      divergence: firstDivergence(rows, log.evidence),
      figures: {
        sent: log.sent,
        lostOwn: living.reduce((sum, [, { waiting }]) => sum + waiting.size, 0),
        crashes: log.crashed.size,
        transmitted: log.transmitted,
      },
      events: log.events,
    };
  }

  #worker(node: string): WorkerReport {
    const { worker, view } = this.#log.of(node);
    const state = this.#world.state(node);
    const leads = state === 'running' && this.#world.node(node).isLeader;
    return { node, state, view, leads, colour: hexOf(worker), count: worker.count };
  }
}
