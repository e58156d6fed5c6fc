import type { OrderingConfig } from './config.ts';
import { roundBytes } from './sender-log.ts';

/** Own messages that have not been sent yet. */
export class Outbox {
  readonly #config: OrderingConfig;
  #payloads: Uint8Array[] = [];
  #taken = 0;
  #bytes = 0;
  /** The number of the last message that was taken in, from 1 in this life. */
  lastSequence = 0;

  constructor(config: OrderingConfig) {
    this.#config = config;
  }

  get messages(): number {
    return this.#payloads.length - this.#taken;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** False: full, nothing was taken. */
  push(payload: Uint8Array): boolean {
    const { outboxMessagesMax, outboxBytesMax } = this.#config;
    const isFull = this.messages >= outboxMessagesMax || this.#bytes + payload.length > outboxBytesMax;
    if (isFull && this.messages > 0) return false; // a single payload may always wait
    this.#payloads.push(payload);
    this.#bytes += payload.length;
    this.lastSequence++;
    return true;
  }

  /** The oldest messages, as many as share one round. */
  takeRound(): { readonly firstSequence: number; readonly payloads: readonly Uint8Array[]; readonly bytes: number } {
    const { roundMessagesMax, roundBytesMax } = this.#config;
    const firstSequence = this.lastSequence - this.messages + 1;
    const from = this.#taken;
    let size = 0;
    while (this.#taken < this.#payloads.length && this.#taken - from < roundMessagesMax) {
      const payload = this.#payloads[this.#taken] as Uint8Array;
      if (this.#taken > from && size + payload.length > roundBytesMax) break;
      size += payload.length;
      this.#taken++;
    }
    const payloads = this.#payloads.slice(from, this.#taken);
    this.#bytes -= size;
    this.#compact();
    return { firstSequence, payloads, bytes: roundBytes(payloads) };
  }

  /** Forgets all that waits; how many messages that was. */
  clear(): number {
    const { messages } = this;
    this.#payloads = [];
    this.#taken = 0;
    this.#bytes = 0;
    return messages;
  }

  #compact(): void {
    if (this.#taken < this.#payloads.length && this.#taken < 4_096) return;
    this.#payloads = this.#payloads.slice(this.#taken);
    this.#taken = 0;
  }
}
