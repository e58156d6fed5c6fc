import { invariant } from '@grp/core';
import { WireReader, WireWriter } from './bytes.ts';

/** One field: its number on the wire, how it is written and read. What it leaves out reads as its empty value. */
interface Field<Value> {
  readonly number: number;
  readonly wireType: 0 | 2;
  readonly empty: Value;
  readonly repeated: boolean;
  write(writer: WireWriter, value: Value): void;
  isEmpty(value: Value): boolean;
  /** Of a repeated field, one item. */
  read(reader: WireReader): Value;
}

type Fields<Value> = { readonly [Name in keyof Required<Value>]: Field<Value[Name]> };

/** How a message is written and read. */
export interface Shape<Value> {
  write(writer: WireWriter, value: Value): void;
  read(reader: WireReader): Value;
}

/** A message as a table of its fields, in the wire format of Protocol Buffers: `proto/` has the same as a schema. */
export function message<Value extends object>(fields: Fields<Value>): Shape<Value> {
  const entries = Object.entries(fields) as [keyof Value & string, Field<unknown>][];
  const byNumber: ([keyof Value & string, Field<unknown>] | undefined)[] = [];
  for (const entry of entries) {
    invariant(byNumber[entry[1].number] === undefined, `field ${entry[1].number} is one field`);
    byNumber[entry[1].number] = entry;
  }
  return {
    write(writer, value) {
      for (const [name, field] of entries) {
        const content = value[name];
        if (field.repeated) for (const item of content as readonly unknown[]) put(writer, field, item);
        else if (!field.isEmpty(content)) put(writer, field, content);
      }
    },
    read(reader) {
      const value: Record<string, unknown> = {};
      for (const [name, { empty, repeated }] of entries)
        if (repeated) value[name] = [];
        else if (empty !== undefined) value[name] = empty;
      while (!reader.atEnd) {
        const key = reader.varint();
        const entry = byNumber[key >>> 3];
        if (entry === undefined || entry[1].wireType !== (key & 7)) reader.skip(key & 7);
        else if (entry[1].repeated) (value[entry[0]] as unknown[]).push(entry[1].read(reader));
        else value[entry[0]] = entry[1].read(reader);
      }
      return value as Value;
    },
  };
}

function put(writer: WireWriter, field: Field<unknown>, value: unknown): void {
  writer.varint((field.number << 3) | field.wireType);
  field.write(writer, value);
}

/** One of several messages, told apart by the `kind` of the value and, on the wire, by a number that is for ever. */
export function union<Value extends { readonly kind: string }>(cases: {
  readonly [Kind in Value['kind']]: readonly [number, Shape<Omit<Extract<Value, { kind: Kind }>, 'kind'>>];
}): Shape<Value | undefined> {
  const byKind = cases as Readonly<Record<string, readonly [number, Shape<object>]>>;
  const byNumber: ([kind: string, Shape<object>] | undefined)[] = [];
  for (const [kind, [number, shape]] of Object.entries(byKind)) byNumber[number] = [kind, shape];
  return {
    write(writer, value) {
      if (value === undefined) return;
      const [number, shape] = byKind[value.kind] as readonly [number, Shape<object>];
      writer.varint((number << 3) | 2);
      writer.nested(() => shape.write(writer, value));
    },
    read(reader) {
      let value: Value | undefined;
      while (!reader.atEnd) {
        const key = reader.varint();
        const entry = byNumber[key >>> 3];
        if (entry === undefined || (key & 7) !== 2) {
          reader.skip(key & 7);
          continue;
        }
        const [kind, shape] = entry;
        value = reader.nested(() => Object.assign({ kind }, shape.read(reader))) as unknown as Value;
      }
      return value;
    },
  };
}

export function text(number: number): Field<string> {
  return single<string>(number, 2, '', {
    write: (writer, value) => writer.text(value),
    read: (reader) => reader.text(),
  });
}

/** Bytes on the wire, hex digits in memory. */
export function hex(number: number): Field<string> {
  return single<string>(number, 2, '', { write: (writer, value) => writer.hex(value), read: (reader) => reader.hex() });
}

/** 0 … 2⁵³−1. */
export function uint(number: number): Field<number> {
  return single<number>(number, 0, 0, {
    write: (writer, value) => writer.varint(value),
    read: (reader) => reader.varint(),
  });
}

export function bool(number: number): Field<boolean> {
  return single<boolean>(number, 0, false, {
    write: (writer, value) => writer.varint(value ? 1 : 0),
    read: (reader) => reader.varint() !== 0,
  });
}

export function nested<Value extends object>(number: number, shape: Shape<Value>): Field<Value> {
  const field = nestedField(number, shape);
  // Proto3 has no message that must be there: one that is absent is read as an empty one.
  return { ...field, empty: shape.read(new WireReader(new Uint8Array(0))), isEmpty: () => false };
}

/** Proto3's `optional`: absent and empty are two things. */
export function optional<Value>(field: Field<Value>): Field<Value | undefined> {
  return {
    ...field,
    empty: undefined,
    isEmpty: (value) => value === undefined,
    write: (writer, value) => field.write(writer, value as Value),
  };
}

export function list<Value extends object>(number: number, shape: Shape<Value>): Field<readonly Value[]> {
  return repeated(nestedField(number, shape));
}

/** Of texts or hex digits. Absent in the value reads and writes as an empty list. */
export function texts(number: number): Field<readonly string[]> {
  return repeated(text(number));
}

export function hexes(number: number): Field<readonly string[]> {
  return repeated(hex(number));
}

/** Writes a message of this shape. */
export function encodeShape<Value>(shape: Shape<Value>, value: Value): Uint8Array {
  const writer = new WireWriter();
  shape.write(writer, value);
  return writer.finish();
}

/** Reads a message of this shape; undefined when the bytes are none. */
export function decodeShape<Value>(shape: Shape<Value>, bytes: Uint8Array): Value | undefined {
  const reader = new WireReader(bytes);
  const value = shape.read(reader);
  return reader.broken ? undefined : value;
}

function nestedField<Value extends object>(number: number, shape: Shape<Value>): Field<Value> {
  return {
    number,
    wireType: 2,
    empty: undefined as unknown as Value,
    repeated: false,
    isEmpty: () => false,
    write: (writer, value) => writer.nested(() => shape.write(writer, value)),
    read: (reader) => reader.nested(() => shape.read(reader)),
  };
}

function single<Value>(
  number: number,
  wireType: 0 | 2,
  empty: Value,
  how: Pick<Field<Value>, 'write' | 'read'>,
): Field<Value> {
  return { number, wireType, empty, repeated: false, isEmpty: (value) => value === empty, ...how };
}

/** `write` and `read` are of one item: the message repeats them. */
function repeated<Item>(field: Field<Item>): Field<readonly Item[]> {
  return { ...field, repeated: true } as unknown as Field<readonly Item[]>;
}
