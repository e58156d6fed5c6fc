import type { StateMachine } from '@grp/raft';
import { canonicalText, maelstromErrors, type Json } from './protocol.ts';

/** A read or an append of a transaction: function, key, and element or nothing. */
export type TransactionStep = readonly ['r' | 'append', Json, Json];

/** What goes through the log. */
export type StoreCommand =
  | { readonly type: 'write'; readonly key: Json; readonly value: Json }
  | { readonly type: 'cas'; readonly key: Json; readonly from: Json; readonly to: Json }
  | { readonly type: 'txn'; readonly txn: readonly TransactionStep[] };

/** What the client hears. */
export type StoreAnswer =
  | { readonly ok: Readonly<Record<string, Json | readonly TransactionStep[]>> }
  | { readonly error: number; readonly text: string };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeStoreCommand(command: StoreCommand): Uint8Array {
  return encoder.encode(JSON.stringify(command));
}

export function decodeStoreAnswer(bytes: Uint8Array): StoreAnswer {
  return JSON.parse(decoder.decode(bytes)) as StoreAnswer;
}

/** The state under `lin-kv` and `txn-list-append`: values and lists by key, both of any JSON. */
export class Store implements StateMachine {
  #values = new Map<string, Json>();

  get(key: Json): Json | undefined {
    return this.#values.get(canonicalText(key));
  }

  /** Reads and appends, in order, with nothing of anybody else between them. */
  run(txn: readonly TransactionStep[]): readonly TransactionStep[] {
    return txn.map((step): TransactionStep => {
      const [f, key, element] = step;
      if (f === 'r') return [f, key, this.get(key) ?? null];
      const list = this.get(key);
      this.#values.set(canonicalText(key), [...(Array.isArray(list) ? (list as readonly Json[]) : []), element]);
      return step;
    });
  }

  apply(bytes: Uint8Array): Uint8Array {
    const command = JSON.parse(decoder.decode(bytes)) as StoreCommand;
    return encoder.encode(JSON.stringify(this.#apply(command)));
  }

  snapshot(): Uint8Array {
    return encoder.encode(JSON.stringify([...this.#values]));
  }

  restore(snapshot: Uint8Array): void {
    this.#values = new Map(JSON.parse(decoder.decode(snapshot)) as [string, Json][]);
  }

  #apply(command: StoreCommand): StoreAnswer {
    if (command.type === 'txn') return { ok: { txn: this.run(command.txn) } };
    const { key } = command;
    if (command.type === 'cas') {
      const value = this.get(key);
      if (value === undefined) return missing(key);
      if (canonicalText(value) !== canonicalText(command.from)) {
        const text = `expected ${canonicalText(command.from)}, and it is ${canonicalText(value)}`;
        return { error: maelstromErrors.preconditionFailed, text };
      }
    }
    this.#values.set(canonicalText(key), command.type === 'cas' ? command.to : command.value);
    return { ok: {} };
  }
}

/** There is nothing under this key. */
export function missing(key: Json): StoreAnswer {
  return { error: maelstromErrors.keyDoesNotExist, text: `there is no key ${canonicalText(key)}` };
}
