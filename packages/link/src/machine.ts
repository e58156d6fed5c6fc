import type { Address, Machine, Millis, Random, Wake } from '@grp/core';
import { linkConfig, type LinkSettings } from './config.ts';
import { Engine } from './engine.ts';
import type { LinkListeners, Trouble } from './happenings.ts';
import { statsOf, type LinkStats } from './stats.ts';

/** What a link machine is told. */
export type LinkInput =
  | { readonly type: 'datagram'; readonly from: Address; readonly payload: Uint8Array }
  | { readonly type: 'send'; readonly to: Address; readonly message: Uint8Array }
  | { readonly type: 'forget'; readonly peer: Address }
  | { readonly type: 'refused'; readonly peer: Address };

/** What a link machine wants done. `refuse`: the message of a `send` was not queued; `writable` tells when to try again. */
export type LinkEffect =
  | { readonly type: 'transmit'; readonly to: Address; readonly payload: Uint8Array }
  | { readonly type: 'deliver'; readonly from: Address; readonly message: Uint8Array }
  | { readonly type: 'refuse'; readonly to: Address; readonly message: Uint8Array }
  | { readonly type: 'reset'; readonly peer: Address }
  | { readonly type: 'writable'; readonly peer: Address }
  | { readonly type: 'trouble'; readonly peer: Address; readonly reason: Trouble };

/** What the machine of all links of one process is made with. */
export interface LinkMachineOptions {
  readonly random: Random;
  /** The longest datagram that the transport takes, in bytes; at least 64. */
  readonly datagramBytes: number;
  readonly config?: Partial<LinkSettings>;
}

/**
 * All links of one node as a machine, for stacks that drive it themselves: `createLinks` runs the same engine without an
 * object per datagram. Effects, and the bytes in them that are to be transmitted, are valid until the next step.
 */
export class LinkMachine implements Machine<LinkInput, LinkEffect> {
  readonly #engine: Engine;
  #effects: LinkEffect[] = [];
  readonly #listeners: LinkListeners = {
    deliver: (from, message) => void this.#effects.push({ type: 'deliver', from, message }),
    reset: (peer) => void this.#effects.push({ type: 'reset', peer }),
    writable: (peer) => void this.#effects.push({ type: 'writable', peer }),
    trouble: (peer, reason) => void this.#effects.push({ type: 'trouble', peer, reason }),
  };

  /** @throws GrpError CONFIG_INVALID */
  constructor({ random, datagramBytes, config }: LinkMachineOptions) {
    this.#engine = new Engine({
      settings: linkConfig.resolve(config),
      datagramBytes,
      random,
      transmit: (to, packet) => void this.#effects.push({ type: 'transmit', to, payload: packet.slice() }),
    });
  }

  step(inputs: readonly (LinkInput | Wake)[], now: Millis): readonly LinkEffect[] {
    this.#effects = [];
    for (const input of inputs) {
      this.#take(input, now);
      this.#engine.happenings.drain(this.#listeners, rethrow);
    }
    this.#engine.flush(now);
    return this.#effects;
  }

  nextDeadline(): Millis | undefined {
    return this.#engine.nextDeadline();
  }

  stats(): LinkStats {
    return statsOf(this.#engine);
  }

  #take(input: LinkInput | Wake, now: Millis): void {
    const engine = this.#engine;
    if (input.type === 'datagram') engine.receive(input.from, input.payload, now);
    else if (input.type === 'forget') engine.forget(input.peer);
    else if (input.type === 'refused') engine.refused(input.peer, now);
    else if (input.type === 'wake') engine.wake(now);
    else if (!engine.send(input.to, input.message, { now: () => now })) {
      const { to, message } = input;
      this.#effects.push({ type: 'refuse', to, message });
    }
  }
}

function rethrow(cause: unknown): never {
  throw cause;
}
