import { fraction, type Millis, type Random } from '@grp/core';

/**
 * How long something takes, in ms: always the same, evenly spread, or with a long tail. An exponential delay is `minMs`
 * plus an exponential of mean `meanMs`; a lognormal one has its median at `medianMs`, and `sigma` (0 … 3) is its spread.
 */
export type Delay =
  | Millis
  | { readonly minMs: Millis; readonly maxMs: Millis }
  | { readonly minMs: Millis; readonly meanMs: Millis }
  | { readonly medianMs: Millis; readonly sigma: number };

/** Draws one delay. A constant draws no chance. */
export function drawDelay(random: Random, delay: Delay): Millis {
  if (typeof delay === 'number') return delay;
  if ('maxMs' in delay) return delay.minMs + fraction(random) * (delay.maxMs - delay.minMs);
  if ('meanMs' in delay) return delay.minMs + delay.meanMs * exponential(random);
  return delay.medianMs * exp(delay.sigma * normal(random));
}

/** Of mean 1. */
export function exponential(random: Random): number {
  return -ln((random.nextU32() + 1) / 0x1_0000_0000);
}

/** Of mean 0 and standard deviation 1: Marsaglia's polar method. */
export function normal(random: Random): number {
  for (;;) {
    const x = 2 * fraction(random) - 1;
    const y = 2 * fraction(random) - 1;
    const square = x * x + y * y;
    if (square > 0 && square < 1) return x * Math.sqrt((-2 * ln(square)) / square);
  }
}

// Engines may differ in the last bit of Math.log and Math.exp, and one bit sends a run another way. The four operations
// and the square root are exact by IEEE 754, so that what is built from them alone is the same everywhere.
const ln2 = 0.6931471805599453;

/** The natural logarithm of a positive number, by the series of the inverse hyperbolic tangent. */
export function ln(value: number): number {
  let mantissa = value;
  let doublings = 0;
  for (; mantissa > 1.5; doublings++) mantissa /= 2;
  for (; mantissa < 0.75; doublings--) mantissa *= 2;
  const ratio = (mantissa - 1) / (mantissa + 1); // |ratio| ≤ 0.2, so that eleven terms reach 2⁻⁵³
  const square = ratio * ratio;
  let sum = 0;
  for (let power = 21; power >= 1; power -= 2) sum = sum * square + 1 / power;
  return 2 * ratio * sum + doublings * ln2;
}

/** e to the power of −700 … 700, by its own series after halving the argument to below 2⁻³. */
export function exp(value: number): number {
  let argument = value;
  let halvings = 0;
  for (; argument > 0.125 || argument < -0.125; halvings++) argument /= 2;
  let sum = 1;
  for (let term = 12; term >= 1; term--) sum = 1 + (sum * argument) / term;
  for (; halvings > 0; halvings--) sum *= sum;
  return sum;
}
