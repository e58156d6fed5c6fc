import type { Millis } from '@grp/core';

/** What heartbeats tell: is the tracker there, how far is it, what time is it there. */
export class Pulse {
  /** Between two heartbeats; the tracker says so. */
  beatMs: Millis = 2_000;
  /** Smoothed; undefined before the first answer. */
  rttMs: number | undefined;
  /** The tracker's wall clock less our monotonic one; undefined before the first welcome. */
  wallOffsetMs: number | undefined;
  #missed = 0;
  #sentAt: Millis = 0;

  /** Something came. */
  heard(): void {
    this.#missed = 0;
  }

  /** False: too many have had no answer. */
  beat(now: Millis, missedMax: number): boolean {
    if (this.#missed >= missedMax) return false;
    this.#missed++;
    this.#sentAt = now;
    return true;
  }

  answered(now: Millis, wallMs: number): void {
    const rttMs = now - this.#sentAt;
    this.rttMs = this.rttMs === undefined ? rttMs : this.rttMs * 0.875 + rttMs * 0.125; // as RFC 6298
    this.wallOffsetMs = wallMs - now;
  }
}
