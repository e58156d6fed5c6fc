import type { Random } from '@grp/core';

/**
 * A stream of chance that follows from a text alone: for faults that are to be the same in the next run. Never for
 * keys, names or timers, whose chance stays the host's.
 */
export function faultRandom(seed: string): Random {
  let state = hash(seed);
  return {
    // mulberry32 (Tommy Ettinger): one word of state, evenly spread over all 2³² values.
    nextU32() {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return (mixed ^ (mixed >>> 14)) >>> 0;
    },
    fork: (label) => faultRandom(`${seed}/${label}`),
  };
}

/** FNV-1a (Fowler, Noll, Vo), finished as in MurmurHash3 so that seeds beside each other begin far apart. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return value ^ (value >>> 16);
}
