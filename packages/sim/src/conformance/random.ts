import type { Random } from '@grp/core';
import { check, checkEqual, runSuite, type Case, type Environment, type SuiteOptions } from './suite.ts';

/** `seeded`: the environment's two streams have one seed, and give the same numbers. */
export type RandomFeature = 'seeded';

/** A source of chance for its conformance suite. */
export interface OpenRandom extends Environment {
  readonly random: Random;
  /** A second stream of the same seed, for `seeded`. */
  readonly twin?: Random;
}

/** Judges an implementation of the `Random` port. */
export function randomConformance(options: SuiteOptions<RandomFeature, OpenRandom>): void {
  runSuite(options, cases);
}

function draw(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.nextU32());
}

const cases: readonly Case<OpenRandom, RandomFeature>[] = [
  [
    'gives whole numbers of 32 bits',
    ({ random }) => {
      for (const number of draw(random, 1_000))
        check(Number.isInteger(number) && number >= 0 && number < 2 ** 32, `${number} is a whole number below 2³²`);
    },
  ],
  [
    'spreads them evenly, bit by bit and in value',
    ({ random }) => {
      const count = 16_384;
      const numbers = draw(random, count);
      // Six standard deviations of a fair coin (64): a good stream fails once in half a billion runs.
      const isFair = (ones: number): boolean => Math.abs(ones - count / 2) < 6 * 64;
      for (let bit = 0; bit < 32; bit++)
        check(isFair(numbers.filter((number) => (number >>> bit) % 2 === 1).length), `bit ${bit} is fair`);
      const rises = numbers.filter((number, index) => number > (numbers[index - 1] ?? 0)).length;
      check(isFair(rises), 'a number says nothing about the next');
      check(new Set(numbers).size > count - 100, 'numbers hardly ever repeat');
    },
  ],
  [
    'forks independent streams',
    ({ random }) => {
      const streams = ['probe', 'gossip', 'probf', '', 'probe '].map((label) => draw(random.fork(label), 64));
      checkEqual(new Set(streams.flat()).size, 5 * 64, 'different labels give different numbers');
      const nested = [random.fork('a').fork('b'), random.fork('b').fork('a'), random.fork('ab')];
      checkEqual(new Set(nested.map((stream) => stream.nextU32())).size, 3, 'the way to a fork counts');
    },
  ],
  [
    'repeats itself for the same seed',
    ({ random, twin }) => {
      check(twin !== undefined, 'the environment has a twin');
      checkEqual(draw(random, 100), draw(twin, 100), 'one seed, one stream');
    },
    'seeded',
  ],
  [
    'forks by seed and label alone',
    ({ random, twin }) => {
      check(twin !== undefined, 'the environment has a twin');
      const early = random.fork('x');
      const first = draw(early, 10);
      draw(random, 37);
      random.fork('y').nextU32();
      checkEqual(draw(random.fork('x'), 10), first, 'draws and other forks do not shift a fork');
      checkEqual(draw(twin.fork('x'), 10), first, 'the same label gives the same stream');
      checkEqual(draw(early.fork('z'), 10), draw(twin.fork('x').fork('z'), 10), 'also further down');
      draw(twin, 37);
      checkEqual(draw(random, 5), draw(twin, 5), 'drawing from a fork does not shift its parent');
    },
    'seeded',
  ],
];
