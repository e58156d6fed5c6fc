import { ByteReader, ByteWriter } from './bytes.ts';
import type { StateMachine } from './state-machine.ts';

/** A change of one key. Values are text; a key that was never put, or deleted, has none. */
export type MapCommand =
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'delete'; readonly key: string }
  /** Puts `value` if the key has `expected` now (undefined: if it has none). */
  | {
      readonly type: 'compare-and-set';
      readonly key: string;
      readonly expected: string | undefined;
      readonly value: string;
    }
  /** Changes nothing: a read that takes its place in the log. */
  | { readonly type: 'get'; readonly key: string };

export interface MapAnswer {
  /** Of a compare-and-set: whether it was so. True for all else. */
  readonly holds: boolean;
  /** Of a get: the value. */
  readonly value: string | undefined;
}

const commandTypes = ['put', 'delete', 'compare-and-set', 'get'] as const;

export function encodeMapCommand(command: MapCommand): Uint8Array {
  const writer = new ByteWriter(64).varint(commandTypes.indexOf(command.type)).text(command.key);
  if (command.type === 'compare-and-set') {
    writer.varint(command.expected === undefined ? 0 : 1).text(command.expected ?? '');
    writer.text(command.value);
  } else if (command.type === 'put') writer.text(command.value);
  return writer.finish();
}

/** Undefined: those bytes are no command. */
export function decodeMapCommand(bytes: Uint8Array): MapCommand | undefined {
  const reader = new ByteReader(bytes);
  const type = commandTypes[reader.varint()];
  const key = reader.text();
  let command: MapCommand | undefined;
  if (type === 'put') command = { type, key, value: reader.text() };
  else if (type === 'compare-and-set') {
    const hasExpected = reader.varint() === 1;
    const expected = reader.text();
    command = { type, key, expected: hasExpected ? expected : undefined, value: reader.text() };
  } else if (type !== undefined) command = { type, key };
  return reader.isBroken || reader.remaining > 0 ? undefined : command;
}

export function decodeMapAnswer(bytes: Uint8Array): MapAnswer {
  const reader = new ByteReader(bytes);
  const holds = reader.varint() === 1;
  const hasValue = reader.varint() === 1;
  const value = reader.text();
  return { holds, value: hasValue ? value : undefined };
}

/** A map from keys to values: the state machine of the role `raft`, of tests and of benchmarks. */
export class MapStateMachine implements StateMachine {
  readonly #map = new Map<string, string>();

  get(key: string): string | undefined {
    return this.#map.get(key);
  }

  get size(): number {
    return this.#map.size;
  }

  apply(bytes: Uint8Array): Uint8Array {
    const command = decodeMapCommand(bytes);
    if (command === undefined) return answer({ holds: false, value: undefined });
    const { type, key } = command;
    const value = this.#map.get(key);
    if (type === 'get') return answer({ holds: true, value });
    if (type === 'compare-and-set' && value !== command.expected) return answer({ holds: false, value: undefined });
    if (type === 'delete') this.#map.delete(key);
    else this.#map.set(key, command.value);
    return doneAnswer;
  }

  snapshot(): Uint8Array {
    const writer = new ByteWriter(4_096).varint(this.#map.size);
    for (const [key, value] of this.#map) writer.text(key).text(value);
    return writer.finish();
  }

  restore(snapshot: Uint8Array): void {
    this.#map.clear();
    const reader = new ByteReader(snapshot);
    for (let left = reader.count(); left > 0 && !reader.isBroken; left--) this.#map.set(reader.text(), reader.text());
  }
}

function answer({ holds, value }: MapAnswer): Uint8Array {
  return new ByteWriter(16)
    .varint(holds ? 1 : 0)
    .varint(value === undefined ? 0 : 1)
    .text(value ?? '')
    .finish();
}

const doneAnswer = answer({ holds: true, value: undefined });
