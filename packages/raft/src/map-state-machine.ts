import { invariant } from '@grp/core';
import { ByteReader, ByteWriter } from './bytes.ts';
import { RecordReader } from './record-reader.ts';
import type { PiecePlace, StateMachine } from './state-machine.ts';

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

/** What the map answers to a command. */
export interface MapAnswer {
  /** Of a compare-and-set: whether it was so. True for all else. */
  readonly holds: boolean;
  /** Of a get: the value. */
  readonly value: string | undefined;
}

const commandTypes = ['put', 'delete', 'compare-and-set', 'get'] as const;

/** A command of the map as it goes into the log. */
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

/** Reads an answer of the map. @throws GrpError when the bytes are none */
export function decodeMapAnswer(bytes: Uint8Array): MapAnswer {
  const reader = new ByteReader(bytes);
  const holds = reader.varint() === 1;
  const hasValue = reader.varint() === 1;
  const value = reader.text();
  return { holds, value: hasValue ? value : undefined };
}

const pieceBytes = 65_536;
/** Changes that go into the map with each command, once a snapshot is written: a few, so that no command waits. */
const settledAtOnce = 8;

interface Restoring {
  readonly records: RecordReader;
  readonly map: Map<string, string>;
  left: number | undefined;
}

/**
 * A map from keys to values: the state machine of the role `raft`, of tests and of benchmarks. While a snapshot is drawn the
 * map stays as it is, and what changes is kept beside it.
 */
export class MapStateMachine implements StateMachine {
  readonly inPieces = true;
  #map = new Map<string, string>();
  /** By key, what is other than in the map; undefined: the key has no value any more. */
  #changes = new Map<string, string | undefined>();
  #isDrawn = false;
  #restoring: Restoring | undefined;

  get(key: string): string | undefined {
    if (this.#changes.size === 0) return this.#map.get(key);
    const changed = this.#changes.get(key);
    return changed !== undefined || this.#changes.has(key) ? changed : this.#map.get(key);
  }

  get size(): number {
    let { size } = this.#map;
    for (const [key, value] of this.#changes) size += Number(value !== undefined) - Number(this.#map.has(key));
    return size;
  }

  apply(bytes: Uint8Array): Uint8Array {
    if (this.#changes.size > 0 && !this.#isDrawn) this.#settle(settledAtOnce);
    const command = decodeMapCommand(bytes);
    if (command === undefined) return answer({ holds: false, value: undefined });
    const { type, key } = command;
    if (type === 'get') return answer({ holds: true, value: this.get(key) });
    if (type === 'compare-and-set' && this.get(key) !== command.expected)
      return answer({ holds: false, value: undefined });
    this.#set(key, type === 'delete' ? undefined : command.value);
    return doneAnswer;
  }

  snapshot(): Iterable<Uint8Array> {
    if (this.#isDrawn) this.#map = new Map(this.#map); // the one before is still being drawn
    this.#settle(Infinity);
    const map = this.#map;
    this.#isDrawn = true;
    const done = (): void => void (this.#isDrawn &&= this.#map !== map);
    return (function* () {
      try {
        yield* written(map);
      } finally {
        done();
      }
    })();
  }

  restore(piece: Uint8Array, { isFirst, isLast }: PiecePlace): void {
    if (isFirst) this.#restoring = { records: new RecordReader(), map: new Map(), left: undefined };
    const restoring = this.#restoring;
    invariant(restoring !== undefined, 'a snapshot begins with its first piece');
    const { records, map } = restoring;
    records.push(piece);
    restoring.left ??= records.take((reader) => reader.varint());
    while ((restoring.left ?? 0) > 0) {
      const pair = records.take((reader) => [reader.text(), reader.text()] as const);
      if (pair === undefined) break;
      map.set(...pair);
      (restoring.left as number)--;
    }
    if (!isLast) return;
    invariant(restoring.left === 0, 'the snapshot is whole');
    this.#restoring = undefined;
    this.#map = map;
    this.#changes = new Map();
    this.#isDrawn = false;
  }

  #set(key: string, value: string | undefined): void {
    if (this.#isDrawn) {
      this.#changes.set(key, value);
      return;
    }
    if (this.#changes.size > 0) this.#changes.delete(key);
    if (value === undefined) this.#map.delete(key);
    else this.#map.set(key, value);
  }

  #settle(countMax: number): void {
    let left = countMax;
    for (const [key, value] of this.#changes) {
      if (left-- <= 0) return;
      this.#changes.delete(key);
      if (value === undefined) this.#map.delete(key);
      else this.#map.set(key, value);
    }
  }
}

function* written(map: ReadonlyMap<string, string>): Iterable<Uint8Array> {
  let writer = new ByteWriter(4_096).varint(map.size);
  for (const [key, value] of map) {
    writer.text(key).text(value);
    if (writer.length < pieceBytes) continue;
    yield writer.finish();
    writer = new ByteWriter(pieceBytes + 4_096);
  }
  yield writer.finish();
}

function answer({ holds, value }: MapAnswer): Uint8Array {
  return new ByteWriter(16)
    .varint(holds ? 1 : 0)
    .varint(value === undefined ? 0 : 1)
    .text(value ?? '')
    .finish();
}

const doneAnswer = answer({ holds: true, value: undefined });
