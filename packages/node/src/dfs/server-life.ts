import type { Clock, Logger, Random } from '@grp/core';
import { blobIdFrom, writeQuorumOf, type DfsMeta, type MetaReply, type MetaRequest } from '@grp/dfs';
import type { BlobStore, StoredBlob } from '@grp/dfs/node';
import { sleep } from '../waiting.ts';

export interface ServerLifeOptions {
  /** The node's name: that of the file server in the metadata. */
  readonly node: string;
  /** Where clients and other file servers reach its blobs. */
  readonly address: string;
  readonly zone: string;
  readonly store: BlobStore;
  /** This node's copy of the metadata. */
  readonly meta: DfsMeta;
  /** Asks the metadata, wherever its leader is. Never rejects. */
  readonly ask: (request: MetaRequest) => Promise<MetaReply>;
  /** Blobs of an earlier life that are still wanted are kept, whoever else holds them. */
  readonly keepBlocks: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly onJoined: () => void;
}

const heartbeatMs = 1_000;
const retryMs = 100;
const retryMaxMs = 1_000;
const pageBlobs = 10_000;
const removalsAtOnce = 64;
const rotReportsMax = 1_000;

/**
 * The lives of one file server: it joins, and the log gives it an incarnation, with which it acknowledges; it says that it
 * lives, until the log declares it dead; then it joins again. What an earlier life held is wiped, but for what too few
 * others hold: when all nodes come back at once, after a power cut for instance, nothing is lost.
 */
export class ServerLife {
  readonly #options: ServerLifeOptions;
  readonly #stop = new AbortController();
  readonly #rotten = new Set<string>();
  #incarnation = 0;
  #epoch = 0;
  #livesBegun = 0;
  #living: Promise<void> | undefined;

  constructor(options: ServerLifeOptions) {
    this.#options = options;
  }

  /** Of the life that acknowledges; 0: none does. */
  get incarnation(): number {
    return this.#incarnation;
  }

  /** How often it has joined since the process began. */
  get livesBegun(): number {
    return this.#livesBegun;
  }

  start(): void {
    this.#living ??= this.#live();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#living;
    this.#incarnation = 0;
  }

  /** A blob here is not what was stored: the metadata learns it, and has it made anew. */
  damaged(blob: string): void {
    if (this.#rotten.has(blob) || this.#rotten.size >= rotReportsMax) return;
    this.#rotten.add(blob);
    void this.#reportRot(blob).finally(() => this.#rotten.delete(blob));
  }

  /** Compares everything that is here with what the log says, now: what nobody wants is deleted, what is missing made anew. */
  async report(): Promise<void> {
    const { node, store, ask, logger } = this.#options;
    const [incarnation, asOf] = [this.#incarnation, this.#epoch];
    if (incarnation === 0) return;
    let reported = 0;
    for (let after = ''; !this.#stop.signal.aborted;) {
      const page = store.list(pageBlobs, after);
      const last = page.at(-1)?.blob;
      const isLast = page.length < pageBlobs;
      const blobs = await this.#described(page);
      const reply = await ask({
        kind: 'hold-report',
        node,
        incarnation,
        asOf,
        ...(after !== '' && { after }),
        ...(!isLast && last !== undefined && { through: last }),
        blobs,
      });
      reported += blobs.length;
      if (reply.kind === 'unwanted') await this.#remove(reply.blobs, reply.epoch);
      if (isLast || last === undefined) break;
      after = last;
    }
    logger.log('debug', 'dfs.reported', { blobs: reported });
  }

  async #live(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const incarnation = await this.#join();
      if (incarnation === undefined) return;
      const keptCount = await this.#tidy(incarnation);
      if (signal.aborted) return;
      this.#epoch = incarnation;
      this.#incarnation = incarnation;
      this.#livesBegun++;
      this.#options.logger.log('info', 'dfs.joined', { incarnation, kept: keptCount });
      this.#options.onJoined();
      if (keptCount > 0) await this.report();
      await this.#beat(incarnation);
      this.#incarnation = 0;
    }
  }

  async #join(): Promise<number | undefined> {
    const { node, address, zone, store, ask, random, clock } = this.#options;
    const { signal } = this.#stop;
    const life = blobIdFrom(random);
    for (let pauseMs = retryMs; !signal.aborted; pauseMs = Math.min(2 * pauseMs, retryMaxMs)) {
      const { freeBytes } = store.status();
      const reply = await ask({ kind: 'join', node, life, address, zone, freeBytes });
      if (reply.kind === 'joined') return reply.incarnation;
      await sleep(clock, pauseMs, signal);
    }
    return undefined;
  }

  /** Removes what earlier lives have stored and enough others hold. Answers how many blobs stay. */
  async #tidy(incarnation: number): Promise<number> {
    const { store, meta, node, keepBlocks, logger } = this.#options;
    if (store.list(1).length === 0) return 0;
    // Whoever joins later in the log sees that this life holds nothing: the last holders of a blob never all let go of it.
    await this.#untilApplied(incarnation);
    const unneeded: string[] = [];
    let keptCount = 0;
    for (let after = '', isMore = true; isMore && !this.#stop.signal.aborted;) {
      const page = store.list(pageBlobs, after);
      for (const { blob, bytes } of page) {
        const record = meta.state.blobs.get(blob);
        const others = record?.holders.filter((holder) => holder !== node).length ?? 0;
        const enough = record === undefined ? 0 : keepBlocks ? record.replicas : writeQuorumOf(record.replicas);
        if (record?.bytes === bytes && others < enough) keptCount++;
        else unneeded.push(blob);
      }
      isMore = page.length === pageBlobs;
      after = page.at(-1)?.blob ?? '';
    }
    if (keptCount === 0) await store.wipe();
    else await this.#remove(unneeded, Number.MAX_SAFE_INTEGER);
    logger.log('info', 'dfs.tidied', { removed: unneeded.length, kept: keptCount });
    return keptCount;
  }

  async #untilApplied(position: number): Promise<void> {
    const { meta, clock } = this.#options;
    const { signal } = this.#stop;
    while (meta.state.position < position && !signal.aborted) await sleep(clock, 20, signal);
  }

  /** Says that it lives, until it is told otherwise. */
  async #beat(incarnation: number): Promise<void> {
    const { node, store, ask, clock, logger } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const reply = await ask({ kind: 'heartbeat', node, incarnation, freeBytes: store.status().freeBytes });
      if (reply.kind === 'alive') this.#epoch = Math.max(this.#epoch, reply.epoch);
      if (reply.kind === 'expelled') return logger.log('warn', 'dfs.expelled', { incarnation });
      await sleep(clock, heartbeatMs, signal);
    }
  }

  async #reportRot(blob: string): Promise<void> {
    const { node, ask, clock, logger } = this.#options;
    const { signal } = this.#stop;
    const incarnation = this.#incarnation;
    if (incarnation === 0) return;
    logger.log('warn', 'dfs.rot', { blob });
    for (let pauseMs = retryMs; !signal.aborted && incarnation === this.#incarnation;) {
      const { kind } = await ask({ kind: 'rot-report', node, incarnation, blob });
      if (kind === 'done') return;
      await sleep(clock, pauseMs, signal);
      pauseMs = Math.min(2 * pauseMs, retryMaxMs);
    }
  }

  async #described(page: readonly StoredBlob[]) {
    const { store } = this.#options;
    const held: { blob: string; epoch: number; bytes: number; sha256: string }[] = [];
    for (const { blob } of page) {
      try {
        const reader = await store.open(blob);
        const { epoch, bytes, sha256 } = reader;
        reader.close();
        held.push({ blob, epoch, bytes, sha256 });
      } catch {
        // Removed meanwhile, or unreadable: not in the report, and so missing.
      }
    }
    return held;
  }

  async #remove(blobs: readonly string[], upToEpoch: number): Promise<void> {
    const { store } = this.#options;
    for (let from = 0; from < blobs.length; from += removalsAtOnce)
      await Promise.all(blobs.slice(from, from + removalsAtOnce).map((blob) => store.remove(blob, upToEpoch)));
  }
}
