// Network coordinates. Vivaldi: Dabek, Cox, Kaashoek, Morris, SIGCOMM 2004. Gravity and latency filter: Ledlie, Gardner,
// Seltzer, NSDI 2007. Adjustment: Lee et al., IEEE/ACM Transactions on Networking 18(1), 2010. Constants as in Serf, so
// that coordinates mean the same to its agents. Only additions, products, quotients and square roots, which are exact in
// every engine.
import { fraction, type Random } from '@grp/core';
import type { Coordinate } from '@grp/memberlist-wire';

const dimensions = 8;
const errorMax = 1.5;
const errorWeight = 0.25; // ce: how much one observation moves the confidence
const forceWeight = 0.25; // cc: how much one observation moves the coordinate
const adjustmentWindow = 20;
const heightMinSeconds = 10e-6;
const gravityRho = 150;
const zero = 1e-6;
const latencySamples = 3;
const roundTripMaxMs = 10_000;
/** No honest coordinate is minutes away from the origin when no round trip above 10 s counts. */
const componentMaxSeconds = 1_000;
const peersMax = 16_384;

interface Peer {
  readonly samples: readonly number[];
  readonly coordinate: Coordinate;
}

/** Where this node is, learnt from round trips to others; predicts round trips to members never probed from here. */
export class CoordinateClient {
  readonly #random: Random;
  readonly #peers = new Map<string, Peer>();
  #coordinate = origin();
  #adjustments: number[] = [];
  #nextAdjustment = 0;
  /** Times the computation went astray and this node started again from the origin. */
  resetCount = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Where this node is now; never altered afterwards. */
  coordinate(): Coordinate {
    return this.#coordinate;
  }

  /** Takes one probe's round trip and the coordinate the peer gave. False when either is not plausible: nothing changes. */
  observe(peer: string, coordinate: Coordinate, roundTripMs: number): boolean {
    if (!isPlausible(coordinate) || !(roundTripMs >= 0 && roundTripMs <= roundTripMaxMs)) return false;
    const seconds = this.#filter(peer, coordinate, roundTripMs / 1_000);
    this.#pull(coordinate, seconds);
    this.#adjust(coordinate, seconds);
    this.#gravitate();
    if (!isPlausible(this.#coordinate)) {
      this.resetCount++;
      this.#coordinate = origin();
      this.#adjustments = [];
      this.#nextAdjustment = 0;
    }
    return true;
  }

  /** The round trip to be expected between two coordinates, in ms; undefined when one of them is not plausible. */
  distanceMs(a: Coordinate, b: Coordinate): number | undefined {
    return isPlausible(a) && isPlausible(b) ? distanceSeconds(a, b) * 1_000 : undefined;
  }

  /** The round trip to be expected to a peer whose coordinate was seen, in ms. */
  estimateMs(peer: string): number | undefined {
    const coordinate = this.#peers.get(peer)?.coordinate;
    return coordinate === undefined ? undefined : distanceSeconds(this.#coordinate, coordinate) * 1_000;
  }

  forget(peer: string): void {
    this.#peers.delete(peer);
  }

  /** The median of the peer's last three round trips: a single slow answer counts for nothing. */
  #filter(peer: string, coordinate: Coordinate, seconds: number): number {
    const samples = [...(this.#peers.get(peer)?.samples ?? []), seconds].slice(-latencySamples);
    this.#peers.delete(peer); // so that the peer not heard of for longest is the first
    this.#peers.set(peer, { samples, coordinate: { ...coordinate, vector: [...coordinate.vector] } });
    for (const oldest of this.#peers.keys()) {
      if (this.#peers.size <= peersMax) break;
      this.#peers.delete(oldest);
    }
    return samples.toSorted((a, b) => a - b)[samples.length >> 1] as number;
  }

  /** Vivaldi, figure 3: the surer the peer and the less sure this node, the further it moves. */
  #pull(other: Coordinate, measured: number): void {
    const mine = this.#coordinate;
    const distance = distanceSeconds(mine, other);
    const seconds = Math.max(measured, zero);
    const weight = mine.error / Math.max(mine.error + other.error, zero);
    const wrongness = Math.abs(distance - seconds) / seconds;
    const error = errorWeight * weight * wrongness + mine.error * (1 - errorWeight * weight);
    this.#coordinate = { ...mine, error: Math.min(error, errorMax) };
    this.#push(other, forceWeight * weight * (seconds - distance));
  }

  #adjust(other: Coordinate, seconds: number): void {
    this.#adjustments[this.#nextAdjustment] = seconds - rawDistanceSeconds(this.#coordinate, other);
    this.#nextAdjustment = (this.#nextAdjustment + 1) % adjustmentWindow;
    const sum = this.#adjustments.reduce((total, sample) => total + sample, 0);
    this.#coordinate = { ...this.#coordinate, adjustment: sum / (2 * adjustmentWindow) };
  }

  /** Keeps the whole cloud of coordinates from drifting away. */
  #gravitate(): void {
    const center = origin();
    const share = distanceSeconds(center, this.#coordinate) / gravityRho;
    this.#push(center, -share * share);
  }

  /** Moves by `force` seconds away from `other`. */
  #push(other: Coordinate, force: number): void {
    const mine = this.#coordinate;
    const apart = difference(mine.vector, other.vector);
    const size = magnitude(apart);
    const direction = size > zero ? apart.map((part) => part / size) : this.#anyDirection();
    const vector = mine.vector.map((part, index) => part + (direction[index] as number) * force);
    const height = size > zero ? ((mine.height + other.height) * force) / size + mine.height : mine.height;
    this.#coordinate = { ...mine, vector, height: Math.max(height, heightMinSeconds) };
  }

  /** Two nodes in one place must part somehow. */
  #anyDirection(): number[] {
    const parts = Array.from({ length: dimensions }, () => fraction(this.#random) - 0.5);
    const size = magnitude(parts);
    return size > zero ? parts.map((part) => part / size) : parts.map((_, index) => (index === 0 ? 1 : 0));
  }
}

function origin(): Coordinate {
  const vector = Array.from({ length: dimensions }, () => 0);
  return { vector, error: errorMax, adjustment: 0, height: heightMinSeconds };
}

/** Finite, of our dimension, and not absurdly far away: one forged coordinate must not throw this node out of the map. */
function isPlausible({ vector, error, adjustment, height }: Coordinate): boolean {
  const near = (value: number): boolean => Math.abs(value) <= componentMaxSeconds; // false for NaN
  return vector.length === dimensions && vector.every(near) && near(adjustment) && isIn(height) && isIn(error);
}

function isIn(value: number): boolean {
  return value >= 0 && value <= componentMaxSeconds;
}

function distanceSeconds(a: Coordinate, b: Coordinate): number {
  const raw = rawDistanceSeconds(a, b);
  const adjusted = raw + a.adjustment + b.adjustment;
  return adjusted > 0 ? adjusted : raw;
}

function rawDistanceSeconds(a: Coordinate, b: Coordinate): number {
  return magnitude(difference(a.vector, b.vector)) + a.height + b.height;
}

function difference(a: readonly number[], b: readonly number[]): number[] {
  return a.map((part, index) => part - (b[index] as number));
}

function magnitude(vector: readonly number[]): number {
  return Math.sqrt(vector.reduce((sum, part) => sum + part * part, 0));
}
