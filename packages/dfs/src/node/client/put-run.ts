import { drive, type Clock, type Driver } from '@grp/core';
import { PutMachine } from '../../client/put-machine.ts';
import type { PutEffect, PutInput, PutOptions, StreamProblem } from '../../client/put-types.ts';
import { dfsError } from '../../errors.ts';
import type { Ack, BlobId, ServerId } from '../../model.ts';
import { OutgoingPut } from '../net/outgoing-put.ts';
import type { Peers } from '../net/peers.ts';
import { frameCrc } from '../store/frame-crc.ts';
import type { MetaClient } from './meta-client.ts';
import type { PutSource, SourceFrame } from './put-source.ts';

export interface PutDone {
  readonly version: number;
  readonly bytes: number;
  readonly sha256: string;
  /** The servers that the version names; more may follow. */
  readonly holders: readonly ServerId[];
  readonly serversChangedAt: number;
}

export interface PutRunOptions {
  readonly put: PutOptions;
  readonly source: PutSource;
  readonly peers: Peers;
  readonly meta: MetaClient;
  readonly clock: Clock;
  readonly windowBytes: number;
  readonly signal?: AbortSignal | undefined;
  /** Bytes that enough servers have taken to be sure of them, once they are durable. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
  readonly onLate: (blob: BlobId, ack: Ack) => void;
  /** A server failed or fell behind. */
  readonly onGrey: (server: ServerId) => void;
  /** A bug. */
  readonly onFatal: (cause: unknown) => void;
}

interface Stream {
  readonly put: OutgoingPut;
  readonly blob: BlobId;
  readonly to: ServerId;
}

/** Carries out what a put's machine says. */
export class PutRun {
  readonly done: Promise<PutDone>;
  readonly #options: PutRunOptions;
  readonly #driver: Driver<PutInput>;
  readonly #streams = new Map<number, Stream>();
  readonly #taken = new Map<number, number>();
  readonly #onAbort = (): void => void this.#driver.push({ type: 'abort' });
  #resolve: (done: PutDone) => void = () => {};
  #reject: (cause: unknown) => void = () => {};
  #frameCount = 0;
  #sourceBytes = 0;
  #isFailed = false;
  #whole: { readonly bytes: number; readonly sha256: string } | undefined;
  /** The CRC of the newest frame: all replicas of a blob have the same. */
  #crc = { blob: '', index: -1, crc: 0 };

  constructor(options: PutRunOptions) {
    this.#options = options;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#driver = drive({
      machine: new PutMachine(options.put),
      clock: options.clock,
      perform: (effect) => this.#perform(effect),
      onFatal: (cause) => {
        this.#reject(cause);
        options.onFatal(cause);
      },
    });
  }

  /** Begins. The promise `done` tells how it ends. */
  start(): void {
    const { source, signal } = this.#options;
    source.start({
      onFrame: (frame) => this.#onFrame(frame),
      onEnd: (bytes, sha256) => this.#onEnd(bytes, sha256),
      onFailed: (problem) => this.#driver.push({ type: 'source-failed', problem }),
    });
    if (signal?.aborted === true) this.#onAbort();
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#driver.push({ type: 'start' });
  }

  #perform(effect: PutEffect): void {
    switch (effect.type) {
      case 'request':
        return void this.#ask(effect);
      case 'open-stream':
        return this.#open(effect);
      case 'close-stream':
        return this.#close(effect.stream);
      case 'demand':
        return this.#options.source.demand(effect.bytes);
      case 'late':
        return this.#options.onLate(effect.blob, effect.ack);
      case 'done': {
        const { version, holders, serversChangedAt } = effect;
        const { bytes = 0, sha256 = '' } = this.#whole ?? {};
        return this.#resolve({ version, holders, serversChangedAt, bytes, sha256 });
      }
      case 'failed':
        this.#isFailed = true;
        return this.#reject(dfsError(effect.failure.code, { context: effect.failure.context }));
      case 'closed':
        return this.#closed();
    }
  }

  async #ask({ call, request }: Extract<PutEffect, { type: 'request' }>): Promise<void> {
    const reply = await this.#options.meta.ask(request);
    this.#driver.push(reply === undefined ? { type: 'unanswered', call } : { type: 'reply', call, reply });
  }

  #open({ stream, to, blob, epoch }: Extract<PutEffect, { type: 'open-stream' }>): void {
    const { peers, source, put, windowBytes, onGrey } = this.#options;
    const frames = source.frames ?? (this.#frameCount === 0 ? [] : undefined);
    if (frames === undefined) {
      this.#driver.push({ type: 'stream-failed', stream, problem: 'not-replayable' });
      return;
    }
    const bytesHint = this.#whole?.bytes ?? put.bytesHint ?? 0;
    const outgoing = new OutgoingPut(peers.at(to.address), { blob, epoch, bytesHint }, windowBytes, {
      onTaken: (bytes) => {
        this.#progress(stream, bytes);
        this.#driver.push({ type: 'moved', stream, bytes });
      },
      onStored: (ack) => {
        this.#progress(stream, this.#whole?.bytes ?? 0);
        this.#driver.push({ type: 'stored', stream, ack });
      },
      onFailed: (_problem, error) => {
        onGrey(to.id);
        this.#driver.push({ type: 'stream-failed', stream, problem: problemOf(error?.code) });
      },
    });
    this.#streams.set(stream, { put: outgoing, blob, to: to.id });
    for (const [index, frame] of frames.entries()) this.#send(outgoing, blob, index, frame);
    if (this.#whole !== undefined) outgoing.finish(this.#whole.bytes, this.#whole.sha256);
  }

  #close(stream: number): void {
    const open = this.#streams.get(stream);
    if (open === undefined) return;
    this.#streams.delete(stream);
    // Of a put that failed all streams are closed: that says nothing of the servers.
    if (!this.#isFailed) this.#options.onGrey(open.to);
    open.put.cancel();
  }

  #onFrame(frame: SourceFrame): void {
    const index = this.#frameCount++;
    this.#sourceBytes += frame.bytes;
    for (const { put, blob } of this.#streams.values()) this.#send(put, blob, index, frame);
    this.#driver.push({ type: 'source', bytes: this.#sourceBytes });
  }

  #onEnd(bytes: number, sha256: string): void {
    this.#whole = { bytes, sha256 };
    for (const { put } of this.#streams.values()) put.finish(bytes, sha256);
    this.#driver.push({ type: 'source-ended', bytes, sha256 });
  }

  #send(put: OutgoingPut, blob: BlobId, index: number, { parts, bytes }: SourceFrame): void {
    if (this.#crc.blob !== blob || this.#crc.index !== index)
      this.#crc = { blob, index, crc: frameCrc(blob, index, parts) };
    put.write({ crc: this.#crc.crc, parts, bytes });
  }

  #progress(stream: number, bytes: number): void {
    const { onProgress, put } = this.#options;
    if (onProgress === undefined) return;
    this.#taken.set(stream, bytes);
    const sorted = [...this.#taken.values()].toSorted((a, b) => b - a);
    onProgress(sorted[Math.floor(put.replicas / 2)] ?? 0);
  }

  #closed(): void {
    const { signal, source } = this.#options;
    signal?.removeEventListener('abort', this.#onAbort);
    this.#driver.stop();
    source.stop();
    for (const stream of this.#streams.keys()) this.#streams.get(stream)?.put.cancel();
    this.#streams.clear();
  }
}

function problemOf(code: string | undefined): StreamProblem {
  if (code === undefined) return 'unreachable';
  return code === 'DFS_DISK_FULL' ? 'full' : 'refused';
}
