import { greaterKey } from '../keys.ts';
import type { Key } from '../messages.ts';

interface Poll {
  readonly round: number;
  /** By rank: has it proposed? */
  readonly heard: Uint8Array;
  missing: number;
  greatest: Key;
}

/** What a sender has heard for its own rounds that are not agreed on yet. */
export class Proposals {
  readonly #memberCount: number;
  readonly #self: number;
  #polls: Poll[] = [];

  /** @param self the own rank */
  constructor(memberCount: number, self: number) {
    this.#memberCount = memberCount;
    this.#self = self;
  }

  /** Own rounds under way. */
  get size(): number {
    return this.#polls.length;
  }

  /** Rounds are opened in their order, with the own proposal. */
  open(round: number, counter: number): void {
    const heard = new Uint8Array(this.#memberCount);
    heard[this.#self] = 1;
    this.#polls.push({ round, heard, missing: this.#memberCount - 1, greatest: { counter, proposer: this.#self } });
  }

  /** A second proposal of one member for one round is not looked at: it repeats the first, or it is a lie. */
  note(round: number, counter: number, proposer: number): void {
    const first = this.#polls[0]?.round ?? Infinity;
    const poll = this.#polls[round - first];
    if (poll === undefined || poll.heard[proposer] !== 0) return;
    poll.heard[proposer] = 1;
    poll.missing--;
    poll.greatest = greaterKey(poll.greatest, { counter, proposer });
  }

  /** The agreed key of the oldest round, once all have proposed; rounds come out in their order. */
  take(): Key | undefined {
    const poll = this.#polls[0];
    if (poll === undefined || poll.missing > 0) return undefined;
    this.#polls.shift();
    return poll.greatest;
  }

  /** The oldest round that this member has not proposed for. */
  firstWithout(rank: number): number | undefined {
    return this.#polls.find(({ heard }) => heard[rank] === 0)?.round;
  }
}
