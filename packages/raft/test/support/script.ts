// Servers on a table: the test decides which message arrives, when a disk is done, who dies, and what time it is.
import type { Random, Wake } from '@grp/core';
import {
  checkEvents,
  electionSafety,
  leaderAppendOnly,
  leaderCompleteness,
  logMatching,
  stateMachineSafety,
  type RaftEvent,
  type Violation,
} from '@grp/sim';
import {
  raftConfig,
  RaftMachine,
  type Configuration,
  type Effect,
  type Entry,
  type Input,
  type Message,
  type RaftConfig,
  type RaftStatus,
  type Restored,
  type Rules,
} from '../../src/index.ts';
import { preset, TableDisk } from './table-disk.ts';

export interface Flying {
  readonly from: string;
  readonly to: string;
  readonly message: Message;
}

export interface ScriptOptions {
  readonly voters: readonly string[];
  readonly learners?: readonly string[];
  /** Servers that know of no cluster yet. */
  readonly strangers?: readonly string[];
  readonly config?: Partial<RaftConfig>;
  readonly rules?: Partial<Rules>;
  readonly priorities?: Readonly<Record<string, number>>;
  /** Logs to begin with, as the terms of their entries; the hard state's term is given, or that of the last entry. */
  readonly logs?: Readonly<Record<string, { readonly terms: readonly number[]; readonly term?: number }>>;
}

/** Nothing but elections that the test asks for: no timers that matter, no priorities. */
export const bare: Partial<RaftConfig> = {
  preVote: false,
  checkQuorum: false,
  priorityElections: false,
  electionTimeoutMs: 600_000,
  quorumTimeoutMs: 600_000,
  heartbeatMs: 100,
};

/** Always the middle: chance is not what scripts are about. */
const middling: Random = { nextU32: () => 0x8000_0000, fork: () => middling };

export class Script {
  /** Messages that were sent and have neither arrived nor been lost. */
  flying: Flying[] = [];
  now = 0;
  /** How large snapshots are; 0: they fail. */
  snapshotBytes = 4;
  /** Where a snapshot was begun. */
  readonly takenAt: number[] = [];
  /** The test says when a chunk is on disk. */
  areChunksHeld = false;
  readonly #options: ScriptOptions;
  readonly #config: RaftConfig;
  readonly #machines = new Map<string, RaftMachine>();
  readonly #disks = new Map<string, TableDisk>();
  readonly #stuck = new Set<string>();
  readonly #events: RaftEvent[] = [];
  readonly #effects = new Map<string, Effect[]>();
  /** Snapshots by id, for servers have no state machines here: the bytes are the index. */
  readonly applied = new Map<string, Entry[]>();
  #ticket = 0;

  constructor(options: ScriptOptions) {
    this.#options = options;
    this.#config = raftConfig.resolve({ takeoverStableMs: 3_600_000, ...options.config });
    const { voters, learners = [], strangers = [] } = options;
    for (const id of [...voters, ...learners, ...strangers]) {
      const disk = new TableDisk();
      this.#disks.set(id, disk);
      const log = options.logs?.[id];
      if (log !== undefined) {
        disk.hasRun = true;
        disk.entries = log.terms.map((term, index) => preset(index + 1, term));
        disk.hardState = { term: log.term ?? log.terms.at(-1) ?? 0, vote: undefined };
      }
      this.start(id);
    }
  }

  start(id: string, damage: Restored['damage'] = { log: false, hardState: false }): void {
    const disk = this.#disk(id);
    const { voters, learners = [], strangers = [], rules, priorities } = this.#options;
    const known: Configuration = { voters, outgoing: [], learners, addresses: {} };
    const restored = disk.restored(damage);
    disk.hasRun = true;
    disk.open.length = 0;
    const priority = priorities?.[id];
    const machine = new RaftMachine({
      id,
      config: this.#config,
      random: middling,
      ...(!strangers.includes(id) && { bootstrap: known }),
      ...(restored && { restored }),
      ...(rules && { rules }),
      ...(priority !== undefined && { priority }),
    });
    this.#machines.set(id, machine);
    this.#event(id, { type: 'start', base: disk.base, entries: [...disk.entries] });
    this.#event(id, { type: 'restore', index: disk.snapshot?.index ?? 0 });
    this.applied.set(id, []);
    this.input(id, { type: 'start' });
  }

  /** Dies at once; what was on its way to the disk is lost, or is on it. */
  crash(id: string, { keeps = false }: { readonly keeps?: boolean } = {}): void {
    this.#machines.delete(id);
    const disk = this.#disk(id);
    if (keeps) for (const write of disk.open) disk.do(write);
    disk.open.length = 0;
    this.#stuck.delete(id);
  }

  restart(id: string, damage?: Restored['damage']): void {
    this.crash(id);
    this.start(id, damage);
  }

  /** The last entries of a dead server's log are gone. */
  rot(id: string, from: number): void {
    const disk = this.#disk(id);
    disk.entries.length = Math.max(0, from - disk.base.index - 1);
  }

  /** From now on writes do not become durable, until `unstick`. */
  stick(id: string): void {
    this.#stuck.add(id);
  }

  unstick(id: string): void {
    this.#stuck.delete(id);
    this.sync(id);
  }

  openCount(id: string): number {
    return this.#disk(id).open.length;
  }

  /** The first write on its way fails, and is lost. */
  fail(id: string): void {
    this.#disk(id).open.shift();
    this.input(id, { type: 'persist-failed', reason: 'the disk failed' });
  }

  receive(id: string, from: string, message: Message): void {
    this.input(id, { type: 'receive', from, message });
  }

  /** A dead server forgets whom it voted for. */
  forgetVote(id: string): void {
    const disk = this.#disk(id);
    disk.hardState = { term: disk.hardState.term, vote: undefined };
  }

  /** The first `count` writes on their way are durable. */
  sync(id: string, count = Infinity): void {
    const disk = this.#disk(id);
    for (let done = 0; done < count; done++) {
      const write = disk.open.shift();
      if (write === undefined) return;
      disk.do(write);
      this.input(id, { type: 'durable', number: write.number });
    }
  }

  input(id: string, ...inputs: (Input | Wake)[]): void {
    const machine = this.#machines.get(id);
    if (machine === undefined) return;
    for (const effect of machine.step(inputs, this.now)) this.#perform(id, effect);
    if (!this.#stuck.has(id)) this.sync(id);
  }

  /** Time passes for everyone, in steps of a millisecond; nothing arrives meanwhile. */
  pass(ms: number, ids: readonly string[] = [...this.#machines.keys()]): void {
    for (const endsAt = this.now + ms; this.now < endsAt;) {
      this.now++;
      for (const id of ids) {
        const at = this.#machines.get(id)?.nextDeadline();
        if (at !== undefined && at <= this.now) this.input(id, { type: 'wake' });
      }
    }
  }

  /** Time passes and messages arrive, but for those between servers that `cut` separates. */
  live(ms: number, cut: (flying: Flying) => boolean = () => false): void {
    for (const endsAt = this.now + ms; this.now < endsAt;) {
      this.pass(1);
      this.deliver((flying) => !cut(flying));
      this.lose(cut);
    }
  }

  /** Stands for election at once, as if the leader had asked for it. */
  elect(id: string): void {
    const { term } = this.status(id);
    this.input(id, { type: 'receive', from: id, message: { type: 'timeout-now', term } });
  }

  propose(id: string, text = `p${this.#ticket}`): number {
    const command = new TextEncoder().encode(text);
    const payload = { type: 'command', session: 0, sequence: 0, acknowledged: 0, command } as const;
    return this.ask(id, (ticket) => ({ type: 'propose', ticket, payload }));
  }

  ask(id: string, input: (ticket: number) => Input): number {
    const ticket = ++this.#ticket;
    this.input(id, input(ticket));
    return ticket;
  }

  /** Delivers what fits, and what follows from it, until nothing is left that fits. */
  deliver(fits: (flying: Flying) => boolean = () => true): number {
    let count = 0;
    for (;;) {
      const index = this.flying.findIndex(fits);
      if (index < 0) return count;
      const [{ from, to, message }] = this.flying.splice(index, 1) as [Flying];
      this.input(to, { type: 'receive', from, message });
      if (++count > 100_000) throw new Error('messages without end');
    }
  }

  /** Delivers everything among these servers; what goes to others waits. */
  among(...ids: string[]): number {
    return this.deliver(({ from, to }) => ids.includes(from) && ids.includes(to));
  }

  /** Loses what fits (default: all). */
  lose(fits: (flying: Flying) => boolean = () => true): void {
    this.flying = this.flying.filter((flying) => !fits(flying));
  }

  status(id: string): RaftStatus {
    const machine = this.#machines.get(id);
    if (machine === undefined) throw new Error(`${id} is dead`);
    return machine.status();
  }

  /** The terms of a server's log, from the first entry on. */
  terms(id: string): readonly (number | undefined)[] {
    const { lastIndex } = this.status(id);
    return Array.from({ length: lastIndex }, (_, index) => this.#machines.get(id)?.termAt(index + 1));
  }

  leader(): string | undefined {
    return [...this.#machines.keys()]
      .filter((id) => this.status(id).role === 'leader')
      .toSorted((a, b) => this.status(b).term - this.status(a).term)[0];
  }

  /** What this server said since the last look, of one type. */
  take<Type extends Effect['type']>(id: string, type: Type): Extract<Effect, { type: Type }>[] {
    const all = this.#effects.get(id) ?? [];
    this.#effects.set(
      id,
      all.filter((effect) => effect.type !== type),
    );
    return all.filter((effect): effect is Extract<Effect, { type: Type }> => effect.type === type);
  }

  violations(): readonly Violation[] {
    const checkers = [electionSafety, logMatching, leaderCompleteness, stateMachineSafety, leaderAppendOnly];
    return checkers.flatMap((checker) => checkEvents(this.#events, checker()));
  }

  #perform(id: string, effect: Effect): void {
    const disk = this.#disk(id);
    switch (effect.type) {
      case 'send':
        this.flying.push({ from: id, to: effect.to, message: effect.message });
        return;
      case 'persist': {
        const { truncateFrom, entries } = effect;
        disk.open.push(effect);
        if (truncateFrom !== undefined || entries.length > 0)
          this.#event(id, { type: 'log', entries, ...(truncateFrom !== undefined && { truncateFrom }) });
        return;
      }
      case 'apply':
        for (const entry of effect.entries) this.#event(id, { type: 'apply', entry });
        this.applied.get(id)?.push(...effect.entries);
        this.input(id, { type: 'applied', index: (effect.entries.at(-1) as Entry).index });
        return;
      case 'role': {
        const { role, term } = effect;
        const machine = this.#machines.get(id) as RaftMachine;
        const known = role === 'pre-candidate' ? 'follower' : role;
        const { firstIndex } = machine.status();
        this.#event(id, { type: 'role', role: known, term, termAt: (index) => machine.termAt(index), firstIndex });
        break;
      }
      case 'take-snapshot': {
        const { index, term, configuration } = effect;
        this.takenAt.push(index);
        const sizeBytes = this.snapshotBytes;
        const snapshot = sizeBytes > 0 ? { id: `${id}-${index}`, index, term, configuration, sizeBytes } : undefined;
        disk.snapshot = snapshot ?? disk.snapshot;
        this.input(id, { type: 'snapshot-taken', snapshot });
        return;
      }
      case 'compact': {
        const count = effect.through - disk.base.index;
        const { index, term } = disk.entries[count - 1] as Entry;
        disk.entries.splice(0, count);
        disk.base = { index, term };
        return;
      }
      case 'read-snapshot': {
        const isThere = disk.snapshot?.id === effect.id;
        const bytes = isThere
          ? new Uint8Array(disk.snapshot?.sizeBytes ?? 0).slice(effect.offset, effect.offset + effect.bytesMax)
          : undefined;
        this.input(id, { type: 'snapshot-read', ticket: effect.ticket, bytes });
        return;
      }
      case 'save-chunk':
        if (this.areChunksHeld) return;
        this.input(id, { type: 'chunk-saved', id: effect.snapshot.id, isSaved: true });
        return;
      case 'read-log': {
        const { ticket, from, to } = effect;
        const entries = disk.entries.filter(({ index }) => index >= from && index <= to);
        this.input(id, { type: 'log-read', ticket, entries: entries.length > 0 ? entries : undefined });
        return;
      }
      default:
    }
    this.#effects.set(id, [...(this.#effects.get(id) ?? []), effect]);
  }

  /** Puts the snapshot that a server has received in the place of its log. */
  install(id: string): void {
    const [effect] = this.take(id, 'install-snapshot');
    if (effect === undefined) throw new Error(`${id} installs nothing`);
    const { snapshot } = effect;
    const disk = this.#disk(id);
    disk.snapshot = snapshot;
    disk.base = { index: snapshot.index, term: snapshot.term };
    disk.entries = [];
    this.#event(id, { type: 'start', base: disk.base, entries: [] });
    this.#event(id, { type: 'restore', index: snapshot.index });
    this.input(id, { type: 'snapshot-installed', id: snapshot.id, isWhole: true });
  }

  #disk(id: string): TableDisk {
    const disk = this.#disks.get(id);
    if (disk === undefined) throw new Error(`no server ${id}`);
    return disk;
  }

  #event(node: string, event: WithoutPlace<RaftEvent>): void {
    this.#events.push({ ...event, at: this.now, node });
  }
}

type WithoutPlace<Event> = Event extends unknown ? Omit<Event, 'at' | 'node'> : never;
