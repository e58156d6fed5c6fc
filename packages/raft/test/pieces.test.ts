// Snapshots in pieces: drawn while commands are applied, given back cut anywhere, never in memory as a whole.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  encodeMapCommand,
  MapStateMachine,
  SessionedStateMachine,
  type Entry,
  type StateMachine,
} from '../src/index.ts';

const put = (key: string, value: string): Uint8Array => encodeMapCommand({ type: 'put', key, value });
const remove = (key: string): Uint8Array => encodeMapCommand({ type: 'delete', key });

function drawn(machine: SessionedStateMachine): Uint8Array[] {
  return [...(machine.snapshot() as Iterable<Uint8Array>)];
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
}

function entry(index: number, payload: Entry['payload']): Entry {
  return { index, term: 1, payload };
}

const step = fc.record({
  key: fc.integer({ min: 0, max: 30 }).map((number) => `k${number}`),
  value: fc.option(
    fc.integer({ min: 0, max: 9 }).map((number) => `v${number}`.repeat(4_000)),
    { nil: undefined },
  ),
});

test('what is applied while a map is drawn is not in the snapshot, and is in the map', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.array(step, { maxLength: 90 }), (before, meanwhile) => {
      const map = new MapStateMachine();
      const mirror = new Map<string, string>();
      const apply = ({ key, value }: { readonly key: string; readonly value: string | undefined }): void => {
        map.apply(value === undefined ? remove(key) : put(key, value));
        if (value === undefined) mirror.delete(key);
        else mirror.set(key, value);
      };
      before.forEach(apply);
      const captured = new Map(mirror);
      const left = [...meanwhile];
      const pieces: Uint8Array[] = [];
      for (const piece of map.snapshot()) {
        pieces.push(piece);
        left.splice(0, 20).forEach(apply);
        for (const [key, value] of mirror) expect(map.get(key)).toBe(value);
        expect(map.size).toBe(mirror.size);
      }
      left.forEach(apply);
      for (let key = 0; key <= 30; key++) expect(map.get(`k${key}`)).toBe(mirror.get(`k${key}`));
      expect(map.size).toBe(mirror.size);
      const copy = new MapStateMachine();
      const whole = joined(pieces);
      copy.restore(whole, { isFirst: true, isLast: true });
      expect(copy.size).toBe(captured.size);
      for (const [key, value] of captured) expect(copy.get(key)).toBe(value);
    }),
    { numRuns: 60 },
  );
});

test('a snapshot that is given up, and one that begins before another was drawn to its end', () => {
  const map = new MapStateMachine();
  for (let key = 0; key < 100; key++) map.apply(put(`k${key}`, 'x'.repeat(2_000)));
  const first = map.snapshot()[Symbol.iterator]();
  first.next();
  map.apply(put('k99', 'new'));
  const second = [...map.snapshot()];
  const rest = [first.next(), first.next(), first.next(), first.next()];
  expect(
    joined(rest.flatMap(({ value }) => (value === undefined ? [] : [value as Uint8Array]))).length,
  ).toBeGreaterThan(100_000);
  const copy = new MapStateMachine();
  copy.restore(joined(second), { isFirst: true, isLast: true });
  expect([copy.get('k99'), map.get('k99')]).toEqual(['new', 'new']);
  const third = map.snapshot()[Symbol.iterator]();
  third.next();
  third.return?.();
  map.apply(remove('k1'));
  expect(map.size).toBe(99);
});

test('sessions and a map, cut anywhere: the same as before', () => {
  const before = new SessionedStateMachine(new MapStateMachine());
  for (let index = 1; index <= 50; index++) before.apply(entry(index, { type: 'register' }));
  for (let index = 51; index <= 400; index++) {
    const command = put(`k${index}`, `value ${index}`);
    const session = 1 + (index % 50);
    before.apply(entry(index, { type: 'command', session, sequence: index, acknowledged: 1, command }));
  }
  const whole = joined(drawn(before));
  for (const size of [1, 2, 3, 7, 64, 1_000, whole.length]) {
    const map = new MapStateMachine();
    const after = new SessionedStateMachine(map);
    after.restore(cut(whole, size));
    expect(joined(drawn(after))).toEqual(whole);
    expect(map.get('k77')).toBe('value 77');
  }
  expect(() => new SessionedStateMachine(new MapStateMachine()).restore(cut(whole.subarray(0, -1), 100))).toThrow(
    /whole/,
  );
});

test('sessions that are used while a snapshot is drawn are in it as they were', () => {
  const machine = new SessionedStateMachine(new MapStateMachine());
  machine.apply(entry(1, { type: 'register' }));
  machine.apply(entry(2, { type: 'command', session: 1, sequence: 1, acknowledged: 1, command: put('a', '1') }));
  const before = joined(drawn(machine));
  const pieces = machine.snapshot() as Iterable<Uint8Array>;
  machine.apply(entry(3, { type: 'command', session: 1, sequence: 2, acknowledged: 2, command: put('a', '2') }));
  machine.apply(entry(4, { type: 'register' }));
  expect(joined([...pieces])).toEqual(before);
  expect(joined(drawn(machine))).not.toEqual(before);
});

/** A state machine that wants its snapshot whole, and gives it as it likes. */
class Counter implements StateMachine {
  count = 0;
  readonly #give: (bytes: Uint8Array) => ReturnType<StateMachine['snapshot']>;

  constructor(give: (bytes: Uint8Array) => ReturnType<StateMachine['snapshot']>) {
    this.#give = give;
  }

  apply(): Uint8Array {
    return new Uint8Array([++this.count]);
  }

  snapshot(): ReturnType<StateMachine['snapshot']> {
    return this.#give(new TextEncoder().encode(`count ${this.count}`));
  }

  restore(bytes: Uint8Array): void {
    this.count = Number(new TextDecoder().decode(bytes).slice(6));
  }
}

test.each([
  ['one piece', (bytes: Uint8Array) => bytes],
  ['pieces', (bytes: Uint8Array) => cut(bytes, 2)],
  [
    'a generator that copies in its first turn',
    function* (bytes: Uint8Array) {
      yield bytes;
    },
  ],
  [
    'pieces that come later',
    async function* (bytes: Uint8Array) {
      for (const piece of cut(bytes, 3)) yield await Promise.resolve(piece);
    },
  ],
])('a plain state machine that gives %s gets it back whole', async (_, give) => {
  const before = new Counter(give);
  const sessioned = new SessionedStateMachine(before);
  sessioned.apply(entry(1, { type: 'command', session: 0, sequence: 0, acknowledged: 0, command: new Uint8Array(1) }));
  const pieces = sessioned.snapshot();
  before.apply(); // of later
  const after = new Counter(give);
  const copy = new SessionedStateMachine(after);
  await copy.restore(pieces);
  expect(after.count).toBe(1);
});
