import { chance, below, type Disk, type Random } from '@grp/core';
import { drawDelay } from './delay.ts';
import { DiskImage } from './disk-image.ts';
import type { DiskControl, DiskFaults, DiskSettings } from './disk-faults.ts';
import type { Engine } from './engine.ts';
import { diskError } from './errors.ts';
import type { Job, Life } from './life.ts';
import type { TracedHost } from './trace.ts';

export interface DiskOptions {
  readonly engine: Engine;
  readonly owner: TracedHost;
  readonly random: Random;
  readonly settings: DiskSettings;
}

type Kind = 'read' | 'change' | 'sync';

interface Operation<Result> {
  readonly kind: Kind;
  /** For messages. */
  readonly name: string;
  readonly file: string;
  /** Takes effect, all at once, when its time has come. */
  readonly effect: () => Result;
  /** Bytes more than now that it needs. */
  readonly growth?: () => number;
}

/** One host's disk. It outlives processes; what it holds after a power cut is another matter. */
export class SimDisk implements DiskControl {
  readonly #options: DiskOptions;
  readonly #image = new DiskImage();
  #faults: DiskFaults = {};
  #holder: Life | undefined;
  #flushedAt = 0;
  readonly #running = new Set<Ongoing<unknown>>();
  #hanging: Ongoing<unknown>[] = [];

  constructor(options: DiskOptions) {
    this.#options = options;
  }

  setFaults(faults: DiskFaults): void {
    const { engine, owner } = this.#options;
    this.#faults = faults;
    if (Object.keys(faults).length > 0) engine.trace.text('disk-fault', engine.now, owner, JSON.stringify(faults));
    if (faults.hang === true) return;
    const released = this.#hanging;
    this.#hanging = [];
    for (const ongoing of released) engine.schedule(engine.now, ongoing);
  }

  rot(file: string, offset: number): void {
    this.#image.flipBit(file, offset, 0);
    const { engine, owner } = this.#options;
    engine.trace.event('disk.rot', engine.now, owner, offset);
  }

  peek(file: string): Uint8Array {
    return this.#image.read(file, 0, this.#image.size(file));
  }

  files(): readonly string[] {
    return this.#image.names();
  }

  wipe(): void {
    this.#image.clear();
  }

  losePower(): void {
    const { engine, owner, random } = this.#options;
    this.#abandon();
    const { sectorCount, entryCount } = this.#image.losePower(random);
    if (sectorCount + entryCount > 0) engine.trace.event('disk.torn', engine.now, owner, sectorCount + entryCount);
  }

  /** The Disk port of one life. */
  port(life: Life): Disk {
    const image = this.#image;
    const does = <Result>(operation: Operation<Result>): Promise<Result> => this.#begin(life, operation);
    const change = (name: string, file: string, effect: () => void, growth?: () => number): Promise<void> =>
      does({ kind: 'change', name, file, effect, ...(growth === undefined ? {} : { growth }) });
    life.atEnd(() => {
      this.#abandon();
      if (this.#holder === life) this.#holder = undefined;
    });
    return {
      read: (file, offset, lengthBytes) =>
        does({ kind: 'read', name: 'read', file, effect: () => this.#read(file, offset, lengthBytes) }),
      write: (file, offset, bytes) => {
        const copy = new Uint8Array(bytes);
        const growth = (): number => image.growth(file, offset + copy.length);
        return change('write', file, () => image.write(file, offset, copy), growth);
      },
      append: (file, bytes) => {
        const copy = new Uint8Array(bytes);
        return change(
          'append',
          file,
          () => image.append(file, copy),
          () => copy.length,
        );
      },
      preallocate: (file, size) =>
        change(
          'preallocate',
          file,
          () => image.preallocate(file, size),
          () => image.growth(file, size),
        ),
      truncate: (file, size) =>
        change(
          'truncate',
          file,
          () => image.truncate(file, size),
          () => (image.has(file) ? image.growth(file, size) : 0),
        ),
      sync: (file) => does({ kind: 'sync', name: 'sync', file, effect: () => this.#sync(file) }),
      syncDirectory: (prefix) =>
        does({ kind: 'sync', name: 'syncDirectory', file: prefix, effect: () => this.#syncDirectory(prefix) }),
      rename: (from, to) => change('rename', from, () => image.rename(from, to)),
      remove: (file) => change('remove', file, () => image.remove(file)),
      size: (file) => does({ kind: 'read', name: 'size', file, effect: () => image.size(file) }),
      list: (prefix) =>
        does({
          kind: 'read',
          name: 'list',
          file: prefix,
          effect: () => image.names().filter((name) => name.startsWith(prefix)),
        }),
      freeBytes: () => does({ kind: 'read', name: 'freeBytes', file: '', effect: () => this.#freeBytes() }),
      lock: () => does({ kind: 'read', name: 'lock', file: '', effect: () => this.#lock(life) }),
    };
  }

  #begin<Result>(life: Life, operation: Operation<Result>): Promise<Result> {
    // A dead process waits for ever.
    if (!life.alive) return new Promise(() => {});
    const { engine, random, settings } = this.#options;
    let at = engine.now + drawDelay(random, settings.operation) + (this.#faults.slowMs ?? 0);
    if (operation.kind === 'sync') {
      at = Math.max(at, this.#flushedAt) + drawDelay(random, settings.sync);
      this.#flushedAt = at;
    }
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const ongoing: Ongoing<Result> = new Ongoing({
      life,
      resolve,
      reject,
      complete: () => this.#complete(operation),
      arrive: () => this.#arrive(ongoing as Ongoing<unknown>),
    });
    this.#running.add(ongoing as Ongoing<unknown>);
    engine.schedule(at, ongoing);
    return promise;
  }

  #arrive(ongoing: Ongoing<unknown>): void {
    if (!this.#running.has(ongoing)) return; // the process is gone
    if (this.#faults.hang === true) {
      this.#hanging.push(ongoing);
      return;
    }
    this.#running.delete(ongoing);
    ongoing.finish();
  }

  // What a process began before it died may have been done or not.
  #abandon(): void {
    const { random } = this.#options;
    for (const ongoing of this.#running) if (chance(random, 0.5)) ongoing.finish();
    this.#running.clear();
    this.#hanging = [];
  }

  #complete<Result>({ kind, name, file, effect, growth }: Operation<Result>): Result {
    const { engine, owner, random } = this.#options;
    const { readError = 0, writeError = 0 } = this.#faults;
    const context = { operation: name, file };
    if (chance(random, kind === 'read' ? readError : kind === 'change' ? writeError : 0))
      throw this.#error('DISK_IO', context);
    if (growth !== undefined) {
      const more = growth();
      if (more > 0 && more > this.#freeBytes()) throw this.#error('DISK_FULL', context);
    }
    const result = effect();
    engine.trace.text('disk.done', engine.now, owner, name, { file });
    return result;
  }

  #error(code: 'DISK_IO' | 'DISK_FULL', context: { readonly operation: string; readonly file: string }): Error {
    const { engine, owner } = this.#options;
    engine.trace.text('disk.error', engine.now, owner, code, context);
    return diskError(code, { context });
  }

  #read(file: string, offset: number, lengthBytes: number): Uint8Array {
    const { random } = this.#options;
    const room = Math.min(this.#image.size(file) - offset, lengthBytes);
    if (room > 0 && chance(random, this.#faults.rot ?? 0)) this.rot(file, offset + below(random, room));
    return this.#image.read(file, offset, lengthBytes);
  }

  #sync(file: string): void {
    const image = this.#image;
    image.size(file); // throws when there is no such file
    if (this.#flushFails()) {
      image.forget(file);
      throw this.#error('DISK_IO', { operation: 'sync', file });
    }
    if (!this.#flushIsLost()) image.sync(file);
  }

  #syncDirectory(prefix: string): void {
    if (this.#flushFails()) throw this.#error('DISK_IO', { operation: 'syncDirectory', file: prefix });
    if (!this.#flushIsLost()) this.#image.syncDirectory(prefix);
  }

  #flushFails(): boolean {
    return chance(this.#options.random, this.#faults.syncError ?? 0);
  }

  #flushIsLost(): boolean {
    const { engine, owner, random } = this.#options;
    if (!chance(random, this.#faults.lostSync ?? 0)) return false;
    engine.trace.event('disk.lost-sync', engine.now, owner);
    return true;
  }

  #freeBytes(): number {
    return this.#faults.full === true ? 0 : Math.max(0, this.#options.settings.capacityBytes - this.#image.usedBytes);
  }

  #lock(life: Life): () => Promise<void> {
    if (this.#holder?.alive === true) throw diskError('DISK_LOCKED');
    this.#holder = life;
    return async () => {
      if (this.#holder === life) this.#holder = undefined;
    };
  }
}

interface OngoingOptions<Result> {
  readonly life: Life;
  readonly complete: () => Result;
  readonly arrive: () => void;
  readonly resolve: (result: Result) => void;
  readonly reject: (cause: unknown) => void;
}

/** An operation between its call and its completion. */
class Ongoing<Result> implements Job {
  readonly #options: OngoingOptions<Result>;
  #settle: () => void = () => {};

  constructor(options: OngoingOptions<Result>) {
    this.#options = options;
  }

  run(): void {
    this.#options.arrive();
  }

  /** Takes effect; the process hears of it when it can. */
  finish(): void {
    const { life, complete, resolve, reject } = this.#options;
    try {
      const result = complete();
      this.#settle = () => resolve(result);
    } catch (cause) {
      this.#settle = () => reject(cause);
    }
    life.post(this);
  }

  perform(): void {
    const { engine } = this.#options.life;
    engine.settled = true;
    engine.diskSettled = true;
    this.#settle();
  }
}
