import type { Millis } from '@grp/core';

const samplesMax = 16;

/**
 * How far another member's monotonic clock is from ours, as in NTP (RFC 5905 §8): half of the round trip is the most that
 * an estimate can be off, so that the quickest of the last sixteen pings counts.
 */
export class PeerClock {
  #samples: { readonly rttMs: Millis; readonly offsetMs: Millis }[] = [];
  #smoothedMs: Millis | undefined;
  #offsetMs: Millis | undefined;

  /** Smoothed round trip, in ms. */
  get rttMs(): Millis | undefined {
    return this.#smoothedMs;
  }

  /** What to add to the other's clock to have ours. */
  get offsetMs(): Millis | undefined {
    return this.#offsetMs;
  }

  /** @param asked, heard by our clock; `answered` by the other's, in ms. What makes no sense is left out. */
  add({ asked, answered, heard }: { readonly asked: Millis; readonly answered: Millis; readonly heard: Millis }): void {
    const rttMs = heard - asked;
    if (!(rttMs >= 0) || !Number.isFinite(answered)) return;
    this.#samples.push({ rttMs, offsetMs: (asked + heard) / 2 - answered });
    if (this.#samples.length > samplesMax) this.#samples.shift();
    this.#offsetMs = this.#samples.toSorted((a, b) => a.rttMs - b.rttMs)[0]?.offsetMs;
    this.#smoothedMs = this.#smoothedMs === undefined ? rttMs : this.#smoothedMs * 0.875 + rttMs * 0.125;
  }
}
