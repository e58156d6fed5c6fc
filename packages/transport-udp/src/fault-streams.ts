import { tryParseAddress, type Address, type ByteStream, type Cancel } from '@grp/core';
import type { StreamHandlers, Streams } from '@grp/core';
import { FaultStream, type FaultStreamContext } from './fault-stream.ts';

type Accept = (stream: ByteStream) => StreamHandlers | undefined;

/** A Streams port whose streams are delayed, and stall while their peer is blocked. */
export class FaultStreams implements Streams {
  readonly #inner: Streams;
  readonly #context: FaultStreamContext;
  readonly #streams = new Set<FaultStream>();
  #blockedHosts: ReadonlySet<string> = new Set();
  #accept: Accept | undefined;
  #closed = false;

  constructor(inner: Streams, context: Omit<FaultStreamContext, 'forget'>) {
    this.#inner = inner;
    this.#context = { ...context, forget: (stream) => void this.#streams.delete(stream) };
  }

  get self(): Address {
    return this.#inner.self;
  }

  dial(to: Address, handlers: StreamHandlers, options?: { readonly timeoutMs?: number }): ByteStream {
    const stream = new FaultStream(to, this.#context);
    stream.attach(handlers);
    if (this.#closed) {
      queueMicrotask(() => stream.finish('aborted'));
      return stream;
    }
    this.#streams.add(stream);
    stream.setStalled(this.#isStalled(stream));
    stream.dial(this.#inner, options?.timeoutMs ?? 10_000);
    return stream;
  }

  onAccept(accept: Accept): Cancel {
    this.#accept = accept;
    const cancel = this.#inner.onAccept((inner) => this.#arrive(inner));
    return () => {
      if (this.#accept !== accept) return;
      this.#accept = undefined;
      cancel();
    };
  }

  /** What is blocked has changed: stalls or wakes the streams that it concerns. */
  review(blocked: readonly Address[]): void {
    const ownHost = hostOf(this.self);
    this.#blockedHosts = new Set(blocked.map(hostOf).filter((host) => host !== ownHost));
    for (const stream of this.#streams) stream.setStalled(this.#isStalled(stream));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#accept = undefined;
    await this.#inner.close();
    // Those that were stalled could not hear it, and those that were not dialled yet had nobody to hear it from.
    for (const stream of this.#streams) stream.finish('aborted');
  }

  #arrive(inner: ByteStream): StreamHandlers | undefined {
    const stream = new FaultStream(inner.peer, this.#context, inner);
    this.#streams.add(stream);
    stream.setStalled(this.#isStalled(stream));
    let refused = false;
    stream.whenConnected(() => {
      const handlers = this.#accept?.(stream);
      if (handlers === undefined) refused = true;
      else stream.attach(handlers);
      if (refused) stream.abort();
    });
    if (!refused) return stream.innerHandlers();
    this.#streams.delete(stream);
    return undefined;
  }

  #isStalled({ peer, isAccepted }: FaultStream): boolean {
    return isAccepted ? this.#blockedHosts.has(hostOf(peer)) : this.#context.isBlocked(peer);
  }
}

function hostOf(address: Address): string {
  return tryParseAddress(address)?.host ?? address;
}
