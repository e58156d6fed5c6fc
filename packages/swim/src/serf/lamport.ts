import { recentTimesCount } from './limits.ts';

/**
 * The greatest lamport time that is taken from anyone. Serf counts to 2⁶⁴; here a forged time must leave room for exact
 * whole numbers. A clock that gets there stays there.
 */
export const lamportTimeMax = 2 ** 52;

/** A lamport clock (Lamport 1978). `time` is what the next message carries; it starts at 1, as Serf's clocks do. */
export class LamportClock {
  #time = 1;

  get time(): number {
    return this.#time;
  }

  /** Gives the time for one message and moves past it. */
  take(): number {
    const time = this.#time;
    this.witness(time);
    return time;
  }

  /** A message of `time` was seen: whatever is said from now on comes after it. */
  witness(time: number): void {
    if (time >= this.#time) this.#time = Math.min(time + 1, lamportTimeMax);
  }
}

/** True for a time that a clock may witness. */
export function isLamportTime(time: number): boolean {
  return Number.isSafeInteger(time) && time >= 0 && time <= lamportTimeMax;
}

interface Slot<Seen> {
  readonly time: number;
  readonly seen: Seen;
}

/**
 * What was seen at each of a clock's last 512 times. A time that has fallen out of this window is over: nothing of it is
 * taken any more, so that nothing is ever taken twice.
 */
export class RecentTimes<Seen> {
  readonly #clock: LamportClock;
  readonly #slots: (Slot<Seen> | undefined)[] = [];
  /** Times before this one are over even when the window would still hold them. */
  #minTime = 0;

  constructor(clock: LamportClock) {
    this.#clock = clock;
  }

  /** Times before `time` are over from now on. */
  closeBefore(time: number): void {
    this.#minTime = Math.max(this.#minTime, time);
    for (const [index, slot] of this.#slots.entries()) {
      if (slot !== undefined && slot.time < this.#minTime) this.#slots[index] = undefined;
    }
  }

  isOver(time: number): boolean {
    return time < Math.max(this.#minTime, this.#clock.time - recentTimesCount);
  }

  get(time: number): Seen | undefined {
    const slot = this.#slots[time % recentTimesCount];
    return slot?.time === time ? slot.seen : undefined;
  }

  /** Puts what belongs to `time`, which the clock has witnessed and which is not over; gives what had to go for it. */
  set(time: number, seen: Seen): Seen | undefined {
    const index = time % recentTimesCount;
    const gone = this.#slots[index]?.seen;
    this.#slots[index] = { time, seen };
    return gone;
  }

  /** What is still in the window, the oldest first. */
  entries(): Slot<Seen>[] {
    const open = this.#slots.filter((slot) => slot !== undefined && !this.isOver(slot.time)) as Slot<Seen>[];
    return open.toSorted((a, b) => a.time - b.time);
  }
}
