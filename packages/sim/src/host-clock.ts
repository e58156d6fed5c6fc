import type { Millis } from '@grp/core';

/** The wall clock of every host at the start of a world: 2026-01-01T00:00:00Z, in ms since 1970. */
export const epochMs = 1_767_225_600_000;

/** How a host's quartz sees virtual time. It survives the processes on it. */
export class HostClock {
  /** Ms that pass here while one passes in the world. */
  #rate = 1;
  #anchor: Millis = 0;
  #localAnchor: Millis = 0;
  #wallOffsetMs = 0;

  get rate(): number {
    return this.#rate;
  }

  get wallOffsetMs(): number {
    return this.#wallOffsetMs;
  }

  local(worldNow: Millis): Millis {
    return this.#localAnchor + (worldNow - this.#anchor) * this.#rate;
  }

  wall(worldNow: Millis): number {
    return epochMs + this.local(worldNow) + this.#wallOffsetMs;
  }

  /** When, in the world's time, this clock will have advanced by `ms`. */
  after(worldNow: Millis, ms: Millis): Millis {
    return worldNow + ms / this.#rate;
  }

  /** From now on the clock runs at this rate; what it showed so far stays. */
  setRate(worldNow: Millis, rate: number): void {
    this.#localAnchor = this.local(worldNow);
    this.#anchor = worldNow;
    this.#rate = rate;
  }

  /** The wall clock jumps; monotonic time does not. */
  jump(ms: Millis): void {
    this.#wallOffsetMs += ms;
  }

  /** Sets the wall clock right again. */
  correct(worldNow: Millis): void {
    this.#wallOffsetMs = worldNow - this.local(worldNow);
  }
}
