import { invariant } from './errors.ts';
import type { Random } from './ports.ts';

/** A fraction in [0, 1), with 32 bits of resolution. */
export function fraction(random: Random): number {
  return random.nextU32() / 0x1_0000_0000;
}

/** True with the given probability (0 … 1). Draws nothing for 0 and 1, so that a fault switched off costs no chance. */
export function chance(random: Random, probability: number): boolean {
  if (probability <= 0) return false;
  return probability >= 1 || fraction(random) < probability;
}

/** A whole number in 0 … count−1. The bias is below count / 2³². */
export function below(random: Random, count: number): number {
  invariant(count > 0, 'there is something to choose from');
  return Math.floor(fraction(random) * count);
}

/** One item, each equally likely; undefined only for an empty list. */
export function pick<Item>(random: Random, items: readonly Item[]): Item | undefined {
  return items.length === 0 ? undefined : items[below(random, items.length)];
}

/** Up to `count` different items, in random order. */
export function sample<Item>(random: Random, items: readonly Item[], count: number): Item[] {
  const pool = [...items];
  const chosen = Math.min(count, pool.length);
  for (let index = 0; index < chosen; index++) {
    const other = index + below(random, pool.length - index);
    [pool[index], pool[other]] = [pool[other] as Item, pool[index] as Item];
  }
  return pool.slice(0, chosen);
}

/** The same items in random order (Fisher and Yates). */
export function shuffle<Item>(random: Random, items: readonly Item[]): Item[] {
  return sample(random, items, items.length);
}
