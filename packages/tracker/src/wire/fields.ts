/** Reads one field of a JSON object: the value, or undefined for anything else. */
export interface Field<Value> {
  readonly read: (value: unknown) => Value | undefined;
}

export interface OptionalField<Value> extends Field<Value> {
  readonly optional: true;
}

export type Shape = Readonly<Record<string, Field<unknown>>>;

type ValueIn<F> = F extends Field<infer Value> ? Value : never;
type OptionalNames<S extends Shape> = { [N in keyof S]: S[N] extends { optional: true } ? N : never }[keyof S];

/** What an object of this shape holds. */
export type ValueOf<S extends Shape> = {
  readonly [N in Exclude<keyof S, OptionalNames<S>>]: ValueIn<S[N]>;
} & { readonly [N in OptionalNames<S>]?: ValueIn<S[N]> };

/** The fields that the shape names, or the name of the first that is wrong. Others are ignored, so that both sides may grow. */
export function readShape<S extends Shape>(
  shape: S,
  object: Readonly<Record<string, unknown>>,
): ValueOf<S> | { readonly wrong: string } {
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(shape)) {
    const given = Object.hasOwn(object, name) ? object[name] : undefined;
    if (given === undefined && 'optional' in field) continue;
    const value = given === undefined ? undefined : field.read(given);
    if (value === undefined) return { wrong: name };
    values[name] = value;
  }
  return values as ValueOf<S>;
}

export function isWrong(value: object): value is { readonly wrong: string } {
  return 'wrong' in value;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function optional<Value>(field: Field<Value>): OptionalField<Value> {
  return { read: field.read, optional: true };
}

/** Text of at most so many UTF-16 units; whoever shows it sanitises it. */
export function text(lengthMax: number, lengthMin = 0): Field<string> {
  return {
    read: (value) =>
      typeof value === 'string' && value.length >= lengthMin && value.length <= lengthMax ? value : undefined,
  };
}

/** Letters of base64url that stand for exactly so many bytes. */
export function base64(bytes: number): Field<string> {
  const length = Math.ceil((bytes * 4) / 3);
  return {
    read: (value) =>
      typeof value === 'string' && value.length === length && /^[\w-]+$/.test(value) ? value : undefined,
  };
}

export function whole(max: number = Number.MAX_SAFE_INTEGER, min = 0): Field<number> {
  return {
    read: (value) =>
      typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max ? value : undefined,
  };
}

export const flag: Field<boolean> = { read: (value) => (typeof value === 'boolean' ? value : undefined) };

export function oneOf<const Word extends string>(words: readonly Word[]): Field<Word> {
  return { read: (value) => words.find((word) => word === value) };
}

export function listOf<Value>(field: Field<Value>, countMax: number): Field<readonly Value[]> {
  return {
    read: (value) => {
      if (!Array.isArray(value) || value.length > countMax) return undefined;
      const items: Value[] = [];
      for (const given of value as readonly unknown[]) {
        const item = field.read(given);
        if (item === undefined) return undefined;
        items.push(item);
      }
      return items;
    },
  };
}

export function nested<S extends Shape>(shape: S): Field<ValueOf<S>> {
  return {
    read: (value) => {
      if (!isObject(value)) return undefined;
      const read = readShape(shape, value);
      return isWrong(read) ? undefined : read;
    },
  };
}

/** Exactly two values. */
export function pair<One, Other>(one: Field<One>, other: Field<Other>): Field<readonly [One, Other]> {
  return {
    read: (value) => {
      if (!Array.isArray(value) || value.length !== 2) return undefined;
      const [first, second] = [one.read(value[0]), other.read(value[1])];
      return first === undefined || second === undefined ? undefined : [first, second];
    },
  };
}
