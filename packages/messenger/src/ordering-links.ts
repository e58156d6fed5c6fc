import type { Address, Cancel, NodeId } from '@grp/core';
import type { Links } from '@grp/ordering';

export interface OrderingLinksOptions {
  readonly self: NodeId;
  readonly send: (to: NodeId, bytes: Uint8Array) => boolean;
  readonly flush: () => void;
}

/**
 * What the ordering takes for its network: members by their ids, wherever they are. So a member that moves, or is reached
 * through the tracker, stays the same one.
 */
export class OrderingLinks implements Links {
  readonly self: Address;
  readonly #options: OrderingLinksOptions;
  #onReceive: (from: Address, message: Uint8Array) => void = () => {};
  #onWritable: (peer: Address) => void = () => {};
  #onReset: (peer: Address) => void = () => {};

  constructor(options: OrderingLinksOptions) {
    this.#options = options;
    this.self = addressOf(options.self);
  }

  send(to: Address, message: Uint8Array): boolean {
    return this.#options.send(to as string as NodeId, message);
  }

  flush(): void {
    this.#options.flush();
  }

  onReceive(listener: (from: Address, message: Uint8Array) => void): Cancel {
    this.#onReceive = listener;
    return () => void (this.#onReceive = () => {});
  }

  onWritable(listener: (peer: Address) => void): Cancel {
    this.#onWritable = listener;
    return () => void (this.#onWritable = () => {});
  }

  onReset(listener: (peer: Address) => void): Cancel {
    this.#onReset = listener;
    return () => void (this.#onReset = () => {});
  }

  receive(from: NodeId, message: Uint8Array): void {
    this.#onReceive(addressOf(from), message);
  }

  writable(id: NodeId): void {
    this.#onWritable(addressOf(id));
  }

  reset(id: NodeId): void {
    this.#onReset(addressOf(id));
  }
}

/** A member's address as the ordering knows it: its id. */
export function addressOf(id: NodeId): Address {
  return id as string as Address;
}
