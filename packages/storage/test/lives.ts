// One log through many lives of random work and random trouble, checked against a model after each.
import { below, chance, type Disk, type Random } from '@grp/core';
import type { Host, World } from '@grp/sim';
import type { Entry, Log, LogConfig } from '../src/index.ts';
import { silentLosses, type Expected } from './model.ts';
import { bytes, done, entry, oneHost, open } from './world.ts';

const config: Partial<LogConfig> = {
  segmentBytes: 16_384,
  firstSegmentBytes: 8_192,
  entryBytesMax: 1_024,
  batchBytesMax: 2_048,
  queueBytesMax: 16_384,
  cacheBytesMax: 8_192,
};

/** What the log holds after a number of changes. */
interface Model {
  readonly entries: Map<number, Entry>;
  hardState: string | undefined;
  compactedTo: number;
  snapshotIndex: number;
}

interface Step {
  readonly ticket: number;
  readonly apply: (model: Model) => void;
}

/** One log through several lives. */
export class Lives {
  readonly world: World<Host>;
  readonly random: Random;
  /** What is durable for certain. */
  readonly durable: Model = { entries: new Map(), hardState: undefined, compactedTo: 0, snapshotIndex: 0 };
  pending: Step[] = [];
  log!: Log;
  hasFailed = false;
  term = 1;
  commitIndex = 0;
  damagedLives = 0;
  isSyncLying: boolean;

  readonly #wrap: (disk: Disk, random: Random) => Disk;
  /** Trouble is due: the log is open, and what the last life left is settled. */
  isWorking = false;

  constructor(
    seed: number,
    {
      isSyncLying = false,
      wrap = (disk) => disk,
    }: { readonly isSyncLying?: boolean; readonly wrap?: (disk: Disk, random: Random) => Disk } = {},
  ) {
    this.#wrap = wrap;
    this.world = oneHost({ seed, disk: { capacityBytes: 400_000 } });
    this.random = this.world.random;
    this.isSyncLying = isSyncLying;
  }

  async life(): Promise<readonly string[]> {
    const { world } = this;
    this.log = await open(world, config, this.#wrap(world.host('a').disk, this.random));
    const losses = await this.judge();
    if (losses.length > 0) return losses;
    await this.settle();
    this.hasFailed = false;
    this.term++; // an index and a term name one entry for ever, as in raft
    this.log.on((event) => {
      if (event.type === 'failed') this.hasFailed = true;
      if (event.type === 'durable') this.fold(event.ticket);
    });
    world.disk('a').setFaults(this.trouble());
    this.isWorking = true;
    const count = 5 + below(this.random, 40);
    for (let step = 0; step < count && !this.hasFailed; step++) {
      await this.work().catch((cause: unknown) => this.accept(cause));
      if (chance(this.random, 0.5)) await world.run(below(this.random, 8));
    }
    if (chance(this.random, 0.3)) await world.run(200);
    world.crash('a', chance(this.random, 0.7) ? 'host' : 'process');
    world.disk('a').setFaults({});
    this.isWorking = false;
    if (chance(this.random, 0.3)) this.rot();
    world.restart('a');
    return [];
  }

  trouble(): Record<string, number | boolean> {
    if (this.isSyncLying) return { lostSync: 1 };
    const kind = below(this.random, 8);
    if (kind === 0) return { syncError: 0.05 };
    if (kind === 1) return { writeError: 0.05 };
    if (kind === 2) return { full: true };
    if (kind === 3) return { slowMs: 20 };
    return {};
  }

  rot(): void {
    const disk = this.world.disk('a');
    const files = disk.files().filter((name) => name.endsWith('.seg') && disk.peek(name).length > 0);
    if (files.length === 0) return;
    const file = files[below(this.random, files.length)] as string;
    disk.rot(file, below(this.random, disk.peek(file).length));
  }

  fold(ticket: number): void {
    while ((this.pending[0]?.ticket ?? Infinity) <= ticket) this.pending.shift()?.apply(this.durable);
  }

  // Full, busy and failed are answers, not faults of the log.
  accept(cause: unknown): void {
    const code = (cause as { code?: string }).code ?? '';
    if (!/^(STORAGE_(FULL|BUSY|FAILED)|DISK_)/.test(code)) throw cause;
  }

  async work(): Promise<void> {
    const { log, random } = this;
    const kind = below(random, 20);
    const { lastIndex, firstIndex } = log.entries;
    if (kind < 11) return this.append(1 + below(random, 12), chance(random, 0.2));
    if (kind === 11) return this.append(0, true);
    if (kind === 12) {
      this.commitIndex = Math.max(this.commitIndex, lastIndex - below(random, 20));
      return log.hintCommit(this.commitIndex);
    }
    if (kind === 13 && lastIndex > this.commitIndex) {
      const from = Math.max(firstIndex, this.commitIndex + 1 + below(random, lastIndex - this.commitIndex));
      if (from <= lastIndex) this.truncate(from);
      return;
    }
    if (kind === 14) return this.snapshot(Math.min(this.commitIndex, lastIndex));
    if (kind === 15 && this.durable.snapshotIndex > log.recovered.compacted.index) {
      const to = Math.min(this.durable.snapshotIndex, lastIndex);
      const ticket = log.compact(to);
      this.pending.push({ ticket, apply: (model) => drop(model, to) });
      return;
    }
    if (lastIndex >= firstIndex) await this.read();
  }

  append(count: number, withState: boolean): void {
    const { log } = this;
    const last = log.entries.lastIndex;
    this.term += below(this.random, 2);
    const added = Array.from({ length: count }, (_, at) => entry(last + 1 + at, this.term, below(this.random, 300)));
    const state = withState ? `state ${this.term} ${below(this.random, 1e6)}` : undefined;
    const ticket = log.append(added, state === undefined ? undefined : bytes(state));
    if (state !== undefined) this.pending.push({ ticket, apply: (model) => void (model.hardState = state) });
    for (const item of added) this.pending.push({ ticket, apply: (model) => void model.entries.set(item.index, item) });
    if (count === 0 && state === undefined) this.pending.push({ ticket, apply: () => {} });
  }

  truncate(from: number): void {
    const ticket = this.log.truncate(from);
    this.term++;
    this.pending.push({
      ticket,
      apply: (model) => {
        for (const index of model.entries.keys()) if (index >= from) model.entries.delete(index);
      },
    });
  }

  async snapshot(index: number): Promise<void> {
    const latest = this.log.snapshots.latest?.index ?? 0;
    if (index <= latest) return;
    const writer = this.log.snapshots.create({ index, term: this.log.entries.term(index) ?? 0 });
    await done(this.world, writer.write(bytes(`up to ${index}`)));
    await done(this.world, writer.commit());
    this.durable.snapshotIndex = index;
  }

  async read(): Promise<void> {
    const { firstIndex, lastIndex } = this.log.entries;
    const from = firstIndex + below(this.random, lastIndex - firstIndex + 1);
    const model = this.latest();
    for (const item of await done(this.world, this.log.entries.read(from, lastIndex, 2_000))) {
      // A compaction that was not durable has left entries that the model has dropped.
      if (item.index <= model.compactedTo) continue;
      const wanted = model.entries.get(item.index);
      const isSame = wanted?.term === item.term && String(wanted.payload) === String(item.payload);
      if (!isSame) throw new Error(`read another entry ${item.index}`);
    }
  }

  latest(): Model {
    const model = copy(this.durable);
    for (const { apply } of this.pending) apply(model);
    return model;
  }

  /** The log is what it was after some change that is not older than the last durable one. */
  async judge(): Promise<readonly string[]> {
    const states: Model[] = [copy(this.durable)];
    for (const { apply } of this.pending) {
      const next = copy(states.at(-1) as Model);
      apply(next);
      states.push(next);
    }
    const { hardState, damage } = this.log.recovered;
    const found = hardState === undefined ? undefined : new TextDecoder().decode(hardState);
    const isKnown = states.some((state) => state.hardState === found);
    let fewest: readonly string[] = isKnown || damage?.hardState === 'suspect' ? [] : ['hard state'];
    if (fewest.length > 0) return fewest;
    for (const state of states.toReversed()) {
      const expected: Expected = { ...state, hardState: isKnown ? found : undefined };
      const losses = await done(this.world, silentLosses(expected, this.log));
      if (losses.length === 0) return this.adopt(state, found);
      fewest = losses;
    }
    return fewest;
  }

  // What was pending and is there becomes the truth; what a peer would have is the rest.
  adopt(state: Model, hardState: string | undefined): readonly string[] {
    Object.assign(this.durable, state, this.log.recovered.damage?.hardState === 'suspect' ? {} : { hardState });
    const { compacted } = this.log.recovered;
    drop(this.durable, compacted.index);
    this.pending = [];
    return [];
  }

  /** Repairs what is damaged from what "peers" have, as raft does. */
  async settle(): Promise<void> {
    const { log, world, durable } = this;
    const { damage } = log.recovered;
    if (damage === undefined) return;
    this.damagedLives++;
    if (damage.snapshotLost !== undefined) {
      const writer = log.snapshots.create({
        index: Math.max(1, durable.snapshotIndex, log.recovered.compacted.index),
        term: 1,
      });
      await done(world, writer.commit());
    }
    const peerLast = Math.max(log.recovered.compacted.index, durable.compactedTo, ...durable.entries.keys());
    const from = Math.max(log.entries.firstIndex, durable.compactedTo + 1);
    for (let index = from; index <= log.entries.lastIndex; index++) {
      const wanted = durable.entries.get(index);
      if (wanted === undefined || index > peerLast) {
        this.retry(() => log.truncate(index));
        break;
      }
      if (log.entries.term(index) !== wanted.term || isIn(damage.corrupt, index))
        this.retry(() => log.repair([wanted]));
      await world.run(5);
    }
    for (let index = log.entries.lastIndex + 1; index <= peerLast; index++) {
      log.append([durable.entries.get(index) as Entry]);
      await world.run(20);
    }
    if (durable.hardState !== undefined) log.append([], bytes(durable.hardState));
    log.settle();
    await world.run(500);
  }

  retry(change: () => number): void {
    change();
  }
}

const isIn = (ranges: readonly { from: number; to: number }[], index: number): boolean =>
  ranges.some(({ from, to }) => index >= from && index <= to);

function copy(model: Model): Model {
  return { ...model, entries: new Map(model.entries) };
}

function drop(model: Model, to: number): void {
  model.compactedTo = Math.max(model.compactedTo, to);
  for (const index of model.entries.keys()) if (index <= to) model.entries.delete(index);
}
