import type { Address } from '@grp/core';

/** Why a peer deserves a look. */
export type Trouble = 'refused' | 'silent';

/** What a link tells its user. */
export interface LinkListeners {
  deliver(from: Address, message: Uint8Array): void;
  reset(peer: Address): void;
  writable(peer: Address): void;
  trouble(peer: Address, reason: Trouble): void;
}

const kinds = { deliver: 0, reset: 1, writable: 2, refused: 3, silent: 4 } as const;
const noBytes = new Uint8Array(0);

/**
 * What happened during a step and has not been told yet, in order. Columns instead of one object each: a message costs
 * no allocation on its way through.
 */
export class Happenings {
  #kinds: number[] = [];
  #peers: Address[] = [];
  #messages: Uint8Array[] = [];
  #count = 0;
  #isDraining = false;

  get count(): number {
    return this.#count;
  }

  deliver(peer: Address, message: Uint8Array): void {
    this.#add(kinds.deliver, peer, message);
  }

  add(kind: 'reset' | 'writable' | Trouble, peer: Address): void {
    this.#add(kinds[kind], peer, noBytes);
  }

  /** Tells everything, what is added meanwhile included. A listener that throws does not stop the rest. */
  drain(listeners: LinkListeners, onListenerError: (cause: unknown) => void): void {
    if (this.#isDraining || this.#count === 0) return;
    this.#isDraining = true;
    for (let index = 0; index < this.#count; index++) {
      try {
        this.#tell(index, listeners);
      } catch (cause) {
        onListenerError(cause);
      }
    }
    // Only what held much is let go; the columns stay for the next turn.
    if (this.#count > 1_024) {
      this.#kinds = [];
      this.#peers = [];
      this.#messages = [];
    } else for (let index = 0; index < this.#count; index++) this.#messages[index] = noBytes;
    this.#count = 0;
    this.#isDraining = false;
  }

  #add(kind: number, peer: Address, message: Uint8Array): void {
    const index = this.#count++;
    this.#kinds[index] = kind;
    this.#peers[index] = peer;
    this.#messages[index] = message;
  }

  #tell(index: number, listeners: LinkListeners): void {
    const kind = this.#kinds[index];
    const peer = this.#peers[index] as Address;
    if (kind === kinds.deliver) listeners.deliver(peer, this.#messages[index] as Uint8Array);
    else if (kind === kinds.reset) listeners.reset(peer);
    else if (kind === kinds.writable) listeners.writable(peer);
    else listeners.trouble(peer, kind === kinds.refused ? 'refused' : 'silent');
  }
}
