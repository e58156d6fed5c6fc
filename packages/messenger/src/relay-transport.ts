import type { Address, Cancel, NodeId, Transport } from '@grp/core';
import type { TrackerClient } from '@grp/tracker';

/** What a link needs to know of a relay: half a datagram of the network, so that a tracker's line never splits it. */
const payloadBytesMax = 1_200;
/** Relayed at the same time; more is dropped, as a network does. */
const underWayMax = 64;

export interface RelayTransportOptions {
  readonly tracker: TrackerClient;
  /** A group in which both are. Undefined: nowhere. */
  readonly sharedGroup: (peer: NodeId) => string | undefined;
}

/**
 * Datagrams through the tracker, for members that do not reach each other: the address is the member's id. They may be
 * lost like any other, and a link above makes good for that.
 */
export class RelayTransport implements Transport {
  readonly maxPayloadBytes = payloadBytesMax;
  readonly delivery = 'best-effort';
  readonly #options: RelayTransportOptions;
  #listener: ((from: Address, payload: Uint8Array) => void) | undefined;
  #underWay = 0;
  #isClosed = false;

  constructor(options: RelayTransportOptions) {
    this.#options = options;
  }

  get self(): Address {
    return (this.#options.tracker.session?.id ?? '') as string as Address;
  }

  send(to: Address, payload: Uint8Array): void {
    const { tracker, sharedGroup } = this.#options;
    const group = sharedGroup(to as string as NodeId);
    if (this.#isClosed || group === undefined || tracker.state !== 'ready' || this.#underWay >= underWayMax) return;
    this.#underWay++;
    const done = (): void => void this.#underWay--;
    // The client keeps what it has not sent yet, and the sender goes on using its buffer.
    tracker.relay(group, to as string as NodeId, payload.slice()).then(done, done);
  }

  /** Something came through the tracker, which says from whom. */
  receive(from: NodeId, payload: Uint8Array): void {
    if (!this.#isClosed) this.#listener?.(from as string as Address, payload);
  }

  onReceive(listener: (from: Address, payload: Uint8Array) => void): Cancel {
    this.#listener = listener;
    return () => {
      if (this.#listener === listener) this.#listener = undefined;
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }
}
