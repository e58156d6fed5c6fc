import type { Address, Cancel, Transport } from '@grp/core';

/** Sends values instead of bytes, by reference: nobody may change one that was sent. */
export interface TypedTransport<Message> {
  readonly self: Address;
  send(to: Address, message: Message): void;
  onReceive(listener: (from: Address, message: Message) => void): Cancel;
}

/**
 * Lets machines talk in typed messages, without a codec, over the simulated network with all its faults (but for size:
 * every message weighs 8 bytes). All nodes of one world share one of these; it keeps the last `keepMax` messages (default
 * 1,048,576), and an older one counts as lost.
 */
export class TypedMessages<Message> {
  readonly #keepMax: number;
  readonly #messages = new Map<number, Message>();
  #serial = 0;

  constructor({ keepMax = 1_048_576 }: { readonly keepMax?: number } = {}) {
    this.#keepMax = keepMax;
  }

  over(transport: Transport): TypedTransport<Message> {
    return {
      self: transport.self,
      send: (to, message) => {
        const serial = this.#serial++;
        this.#messages.set(serial, message);
        this.#messages.delete(serial - this.#keepMax);
        const payload = new Uint8Array(8);
        new DataView(payload.buffer).setFloat64(0, serial);
        transport.send(to, payload);
      },
      onReceive: (listener) =>
        transport.onReceive((from, payload) => {
          const serial = new DataView(payload.buffer, payload.byteOffset).getFloat64(0);
          const message = this.#messages.get(serial);
          if (message !== undefined) listener(from, message);
        }),
    };
  }
}
