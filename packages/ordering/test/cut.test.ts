import { expect, test } from 'vitest';
import { computeCut, type GivenState } from '../src/cut.ts';
import type { Key, SenderState, StateMessage } from '../src/messages.ts';

const key = (counter: number, proposer: number): Key => ({ counter, proposer });

function sender(given: Partial<SenderState>): SenderState {
  return { floor: 0, floorKey: key(0, 0), have: 0, proposed: 0, decided: 0, keys: [], ...given };
}

function state(rank: number, given: Partial<StateMessage>): GivenState {
  return {
    rank,
    state: {
      type: 'state',
      view: 9,
      base: 1,
      stored: 0,
      position: 0,
      storedPosition: 0,
      clock: 0,
      senders: [],
      ...given,
    },
  };
}

test('an agreed number that one survivor knows is used by all', () => {
  const knows = sender({ have: 1, proposed: 1, decided: 1, keys: [key(7, 2)] });
  const proposed = sender({ have: 1, proposed: 1, keys: [key(3, 1)] });
  const cut = computeCut(9, [state(0, { senders: [knows] }), state(1, { senders: [proposed] })], true);
  expect(cut.senders).toEqual([{ count: 1, donor: 0, firstKey: 1, keys: [key(7, 2)] }]);
});

test('without one, the greatest proposal of the survivors is it', () => {
  const states = [3, 5].map((counter, rank) =>
    state(rank, { senders: [sender({ have: 1, proposed: 1, keys: [key(counter, rank)] })] }),
  );
  expect(computeCut(9, states, true).senders[0]?.keys).toEqual([key(5, 1)]);
});

test('the row of a sender rises above what a dead member had proposed for the round before', () => {
  const states = [0, 1].map((rank) =>
    state(rank, {
      senders: [sender({ have: 2, proposed: 2, decided: 1, floor: 0, keys: [key(100, 3), key(6, rank)] })],
    }),
  );
  const cut = computeCut(9, states, true);
  expect(cut.senders[0]).toMatchObject({ firstKey: 2, keys: [key(101, 3)] });
});

test('the same when that round is long forgotten', () => {
  const states = [0, 1].map((rank) =>
    state(rank, {
      senders: [sender({ floor: 4, floorKey: key(100, 3), have: 5, proposed: 5, decided: 4, keys: [key(6, rank)] })],
    }),
  );
  expect(computeCut(9, states, true).senders[0]).toMatchObject({ firstKey: 5, keys: [key(101, 3)] });
});

test('what a survivor has not proposed for goes to the end, above all clocks', () => {
  const has = [
    sender({ have: 1, proposed: 1, keys: [key(2, 0)] }),
    sender({ have: 1, proposed: 1, decided: 1, keys: [key(5, 0)] }),
  ];
  const lacks = [sender({}), sender({ have: 1, proposed: 1, decided: 1, keys: [key(5, 0)] })];
  const cut = computeCut(9, [state(0, { senders: has, clock: 8 }), state(1, { senders: lacks, clock: 5 })], true);
  expect(cut.senders[0]).toEqual({ count: 1, donor: 0, firstKey: 1, keys: [key(9, 0)] });
  expect(cut.senders[1]).toMatchObject({ firstKey: 2, keys: [] });
  expect(cut.clock).toBe(9);
});

test('the longest row counts, and who has it gives it', () => {
  const rows = [3, 7, 5].map((have, rank) =>
    state(rank, { senders: [sender({ have, proposed: have, decided: have })] }),
  );
  expect(computeCut(9, rows, false).senders).toEqual([{ count: 7, donor: 1, firstKey: 1, keys: [] }]);
});

test.each<[string, Partial<StateMessage>[], number]>([
  ['nobody was anywhere', [{ base: 0 }, { base: 0 }], 0],
  ['all were in one view', [{ base: 4 }, { base: 4 }, { base: 0 }], 4],
  ['one has installed what the other holds', [{ base: 5 }, { base: 4, stored: 5 }], 5],
  ['one was left out of a view', [{ base: 5 }, { base: 4 }], 5],
  [
    'all hold a cut that somebody dead may have installed',
    [
      { base: 4, stored: 5 },
      { base: 4, stored: 5 },
    ],
    5,
  ],
  ['and a newcomer does not count', [{ base: 4, stored: 5 }, { base: 0 }], 5],
  ['one does not hold it, so nobody installed it', [{ base: 4, stored: 5 }, { base: 4 }], 4],
  [
    'they hold different cuts',
    [
      { base: 4, stored: 5 },
      { base: 4, stored: 6 },
    ],
    4,
  ],
  [
    'one is a view behind, and holds no newer cut',
    [
      { base: 5, stored: 6 },
      { base: 4, stored: 5 },
    ],
    5,
  ],
])('the view that ends: %s', (_, states, base) => {
  const given = states.map((told, rank) => state(rank, { senders: [sender({})], ...told }));
  expect(computeCut(9, given, true).base).toBe(base);
});

test('numbers that grow too large begin anew with the next view', () => {
  const states = [state(0, { senders: [sender({})], clock: 2 ** 48 })];
  expect(computeCut(9, states, true).clock).toBe(0);
});
