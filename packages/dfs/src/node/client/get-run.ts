import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { drive, type Clock, type Driver } from '@grp/core';
import { GetMachine } from '../../client/get-machine.ts';
import type { GetEffect, GetInput, GetOptions, ReadProblem } from '../../client/get-types.ts';
import { dfsError } from '../../errors.ts';
import type { Manifest, ServerId } from '../../model.ts';
import { IncomingGet, type ReceivedFrame } from '../net/incoming-get.ts';
import type { Peers } from '../net/peers.ts';
import { frameBytes } from '../store/config.ts';
import type { MetaClient } from './meta-client.ts';

/** What will be read. */
export interface GetFound {
  readonly manifest: Manifest;
  readonly offset: number;
  readonly length: number;
}

export interface GetRunOptions {
  readonly get: GetOptions;
  readonly peers: Peers;
  readonly meta: MetaClient;
  readonly clock: Clock;
  readonly windowBytes: number;
  readonly signal?: AbortSignal | undefined;
  readonly onGrey: (server: ServerId) => void;
  /** A bug. */
  readonly onFatal: (cause: unknown) => void;
}

/** Up to here a second holder's copy is read as a whole; of a longer one only what it noted is compared. */
const deepCheckBytesMax = 1_048_576;

/** Carries out what a get's machine says. The bytes come out of `stream`, which fails rather than end too early. */
export class GetRun {
  readonly stream: Readable;
  /** What is read, as soon as it is known. */
  readonly found: Promise<GetFound>;
  readonly #options: GetRunOptions;
  readonly #driver: Driver<GetInput>;
  readonly #onAbort = (): void => void this.#driver.push({ type: 'abort' });
  #resolve: (found: GetFound) => void = () => {};
  #reject: (cause: unknown) => void = () => {};
  #bytes = 0;
  /** Of all that is handed over, if it is to be checked. */
  #digest: Hash | undefined;
  #read: { readonly number: number; readonly from: ServerId; readonly get: IncomingGet; bytes: number } | undefined;
  /** Handed over and not wanted yet: credited when the consumer asks for more. */
  #uncredited = 0;
  #isFull = false;
  #isOver = false;

  constructor(options: GetRunOptions) {
    this.#options = options;
    this.found = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.found.catch(() => {});
    this.stream = new Readable({
      highWaterMark: frameBytes,
      read: () => queueMicrotask(() => this.#wanted()),
      destroy: (cause, done) => {
        if (!this.#isOver) this.#onAbort();
        done(cause);
      },
    });
    this.#driver = drive({
      machine: new GetMachine(options.get),
      clock: options.clock,
      perform: (effect) => this.#perform(effect),
      onFatal: (cause) => {
        this.#fail(cause);
        options.onFatal(cause);
      },
    });
  }

  start(): void {
    const { signal } = this.#options;
    if (signal?.aborted === true) this.#onAbort();
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#driver.push({ type: 'start' });
  }

  #perform(effect: GetEffect): void {
    switch (effect.type) {
      case 'request':
        return void this.#ask(effect);
      case 'found':
        this.#bytes = effect.manifest.bytes;
        this.#digest = this.#options.get.isWhole ? createHash('sha256') : undefined;
        return this.#resolve({ manifest: effect.manifest, offset: effect.offset, length: effect.length });
      case 'read':
        return this.#begin(effect);
      case 'cancel':
        return this.#cancel(effect.read);
      case 'check':
        return void this.#check(effect);
      case 'digest-whole':
        this.#driver.push({ type: 'whole', sha256: this.#digest?.digest('hex') ?? '' });
        return;
      case 'done':
        this.#isOver = true;
        this.stream.push(null);
        return;
      case 'failed':
        return this.#fail(dfsError(effect.failure.code, { context: effect.failure.context }));
      case 'closed':
        this.#options.signal?.removeEventListener('abort', this.#onAbort);
        return this.#driver.stop();
    }
  }

  async #ask({ call, request }: Extract<GetEffect, { type: 'request' }>): Promise<void> {
    const reply = await this.#options.meta.ask(request);
    this.#driver.push(reply === undefined ? { type: 'unanswered', call } : { type: 'reply', call, reply });
  }

  #begin({ read: number, from, blob, offset, length }: Extract<GetEffect, { type: 'read' }>): void {
    const { peers, windowBytes, onGrey } = this.#options;
    this.#uncredited = 0;
    const order = { blob, offset, length, windowBytes };
    const get = new IncomingGet(
      peers.at(from.address),
      order,
      {
        onContent: ({ bytes }) => {
          // Another length than the log says: not the blob that was put.
          if (bytes !== this.#bytes) this.#driver.push({ type: 'read-failed', read: number, problem: 'bad' });
        },
        onFrame: (frame) => this.#onFrame(number, frame),
        onEnd: () => {},
        onFailed: (_problem, { isDamaged, error }) => {
          if (error?.kind !== 'not-found') onGrey(from.id);
          const problem: ReadProblem = error?.kind === 'not-found' ? 'missing' : isDamaged ? 'bad' : 'unreachable';
          this.#driver.push({ type: 'read-failed', read: number, problem });
        },
      },
      length <= frameBytes / 4,
    );
    this.#read = { number, from: from.id, get, bytes: 0 };
  }

  #onFrame(number: number, frame: ReceivedFrame): void {
    const read = this.#read;
    if (read?.number !== number) return;
    read.bytes += frame.bytes;
    let wantsMore = true;
    for (const part of frame.parts) {
      this.#digest?.update(part);
      wantsMore = this.stream.push(part);
    }
    this.#uncredited += frame.bytes;
    this.#driver.push({ type: 'data', read: number, bytes: read.bytes });
    if (wantsMore) this.#credit();
    else if (!this.#isFull) {
      this.#isFull = true;
      this.#driver.push({ type: 'paused', paused: true });
    }
  }

  /** The consumer takes more. */
  #wanted(): void {
    if (this.stream.readableLength >= frameBytes) return;
    this.#credit();
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#driver.push({ type: 'paused', paused: false });
  }

  #credit(): void {
    if (this.#uncredited === 0) return;
    this.#read?.get.credit(this.#uncredited);
    this.#uncredited = 0;
  }

  #cancel(number: number): void {
    const read = this.#read;
    if (read?.number !== number) return;
    this.#read = undefined;
    this.#options.onGrey(read.from);
    read.get.cancel();
  }

  async #check({ check, at, blob }: Extract<GetEffect, { type: 'check' }>): Promise<void> {
    try {
      const isDeep = this.#bytes <= deepCheckBytesMax;
      const { sha256 } = await this.#options.peers.at(at.address).digest(blob, isDeep);
      this.#driver.push({ type: 'checked', check, sha256 });
    } catch (cause) {
      const { code } = cause as { readonly code?: string };
      const problem: ReadProblem =
        code === 'DFS_BLOB_NOT_FOUND' ? 'missing' : code === 'DFS_BLOB_DAMAGED' ? 'bad' : 'unreachable';
      this.#driver.push({ type: 'check-failed', check, problem });
    }
  }

  #fail(cause: unknown): void {
    this.#isOver = true;
    this.#reject(cause);
    this.stream.destroy(cause as Error);
  }
}
