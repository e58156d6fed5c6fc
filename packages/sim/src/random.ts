import type { Random } from '@grp/core';

type Key = readonly [number, number, number, number];

/**
 * A stream of chance from a seed: the same seed gives the same numbers on every engine. A fork depends on the seed and
 * the labels on the way to it alone, never on how many numbers were drawn. Not for secrets.
 */
export function seededRandom(seed: number | string): Random {
  return new Stream(mix([0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x93c467e3], `${typeof seed}:${seed}`));
}

// sfc32, Chris Doty-Humphrey's Small Fast Counting generator (PractRand): 128 bits of state, integers only.
class Stream implements Random {
  readonly #key: Key;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(key: Key) {
    this.#key = key;
    [this.#a, this.#b, this.#c] = [key[0] ^ key[3], key[1], key[2]];
    for (let round = 0; round < 12; round++) this.nextU32(); // spreads the key over the whole state
  }

  nextU32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  fork(label: string): Random {
    return new Stream(mix(this.#key, label));
  }
}

// Four lanes, each with its own odd multiplier, stirred into one another for each UTF-16 unit and at the end.
function mix(key: Key, text: string): Key {
  let [a, b, c, d] = key;
  for (let index = 0; index <= text.length; index++) {
    const unit = index < text.length ? text.charCodeAt(index) : 0x1_0000 + text.length; // the length closes the label
    a = Math.imul(a ^ unit, 597_399_067) ^ (b >>> 15);
    b = Math.imul(b ^ unit, 2_869_860_233) ^ (c >>> 13);
    c = Math.imul(c ^ unit, 951_274_213) ^ (d >>> 16);
    d = Math.imul(d ^ unit, 2_716_044_179) ^ (a >>> 14);
  }
  for (let round = 0; round < 2; round++) {
    a = Math.imul(a ^ (d >>> 17), 0x85ebca6b);
    b = Math.imul(b ^ (a >>> 15), 0xc2b2ae35);
    c = Math.imul(c ^ (b >>> 16), 0x27d4eb2f);
    d = Math.imul(d ^ (c >>> 14), 0x165667b1);
  }
  return [a | 0, b | 0, c | 0, d | 0];
}
