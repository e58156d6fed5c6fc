import { greaterKey, noKey } from './keys.ts';
import type { Key, Marks, RoundBody, SenderState } from './messages.ts';

/** A round as a member keeps it. */
export interface HeldRound extends RoundBody {
  /** A rank. */
  readonly sender: number;
  readonly bytes: number;
  /** Total order: the own proposal, and then what was agreed on. */
  key: Key;
  /** Total order: the counter of the own proposal. */
  proposal: number;
}

/**
 * The rounds of one sender in one view at one member: its FIFO layer. What comes twice is found, what comes early is
 * held back, and what somebody may still need is kept.
 */
export class SenderLog {
  // floor ≤ delivered ≤ decided ≤ proposed ≤ have; kept are the rounds floor+1 … have and those ahead of a gap.
  floor = 0;
  delivered = 0;
  decided = 0;
  proposed = 0;
  have = 0;
  /** The agreed key of the round `floor`. */
  floorKey: Key = noKey;
  /** Bytes of the kept rounds. */
  bytes = 0;
  readonly #rounds = new Map<number, HeldRound>();
  /** The number that the next payload in the row must have; 0: any, because earlier views are not known here. */
  #nextSequence = 0;

  /** Kept rounds. */
  get size(): number {
    return this.#rounds.size;
  }

  /** Rounds that wait behind a gap. */
  get ahead(): number {
    return this.#rounds.size - (this.have - this.floor);
  }

  get marks(): Marks {
    const { have, decided, delivered, floor } = this;
    return { have, decided, delivered, floor };
  }

  get(round: number): HeldRound | undefined {
    return this.#rounds.get(round);
  }

  /** False: it is here already, or was. */
  insert(round: HeldRound): boolean {
    if (round.round <= this.have || this.#rounds.has(round.round)) return false;
    this.#rounds.set(round.round, round);
    this.bytes += round.bytes;
    return true;
  }

  /** The next round in the row, when it is here; 'misnumbered' when its payloads do not continue the row: it is dropped. */
  advance(): HeldRound | 'misnumbered' | undefined {
    const next = this.#rounds.get(this.have + 1);
    if (next === undefined) return undefined;
    if (this.#nextSequence !== 0 && next.firstSequence !== this.#nextSequence) {
      this.#drop(next);
      return 'misnumbered';
    }
    this.#nextSequence = next.firstSequence + next.payloads.length;
    this.have++;
    return next;
  }

  /** The first round that waits behind the gap. */
  firstAhead(): number {
    let first = Infinity;
    for (const round of this.#rounds.keys()) if (round > this.have && round < first) first = round;
    return first;
  }

  lastAhead(): number {
    let last = this.have;
    for (const round of this.#rounds.keys()) if (round > last) last = round;
    return last;
  }

  /** Forgets what all members have delivered. A sender can at most claim what is delivered here. */
  raiseFloor(stable: number): void {
    const to = Math.min(stable, this.delivered);
    while (this.floor < to) {
      const round = this.#rounds.get(++this.floor) as HeldRound;
      this.floorKey = round.key;
      this.#drop(round);
    }
  }

  /** What a flush needs to know. */
  state(withKeys: boolean): SenderState {
    const { floor, floorKey, have, proposed, decided } = this;
    const keys: Key[] = [];
    const last = withKeys ? proposed : floor;
    for (let round = floor + 1; round <= last; round++) {
      const { key, counter, sender } = this.#rounds.get(round) as HeldRound;
      // The sender's own proposal counts, too: it is above all that the sender had delivered.
      keys.push(round <= decided ? key : greaterKey(key, { counter, proposer: sender }));
    }
    return { floor, floorKey, have, proposed, decided, keys };
  }

  /** Rounds and messages that are received and not delivered. */
  heldBack(): { readonly rounds: number; readonly messages: number; readonly bytes: number } {
    let [rounds, messages, bytes] = [0, 0, 0];
    for (const held of this.#rounds.values()) {
      if (held.round <= this.delivered) continue;
      rounds++;
      messages += held.payloads.length;
      bytes += held.bytes;
    }
    return { rounds, messages, bytes };
  }

  #drop(round: HeldRound): void {
    this.#rounds.delete(round.round);
    this.bytes -= round.bytes;
  }
}

/** Bytes that a round counts for: its payloads, and what keeping it costs besides. */
export function roundBytes(payloads: readonly Uint8Array[]): number {
  let bytes = 64;
  for (const payload of payloads) bytes += payload.length + 16;
  return bytes;
}
