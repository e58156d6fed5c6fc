import { invariant, type Address, type Millis } from '@grp/core';
import type { Epoch } from './epoch.ts';
import { noKey } from './keys.ts';
import type { DataMessage, Key, Marks } from './messages.ts';
import type { Outbox } from './outbox.ts';
import type { Outlet } from './outlet.ts';
import { Proposals } from './orders/proposals.ts';
import type { HeldRound } from './sender-log.ts';

/** What the sender knows of one receiver. */
interface Receiver {
  readonly address: Address;
  /** Rounds up to here have been handed to its link. */
  handed: number;
  /** Its link takes nothing right now. */
  isFull: boolean;
  marks: Marks;
  /** The stable mark last told to it. */
  told: number;
  /** When it last got on with something that it lacks. */
  progressAt: Millis;
  /** Resends since then. */
  attempts: number;
  answeredAt: Millis;
}

const nothing: Marks = { have: 0, decided: 0, delivered: 0, floor: 0 };
/** So much goes out at once to one receiver; more follows when that has got somewhere. */
const resentRoundsMax = 16;
const resentKeysMax = 256;

/** The sending side of one view: forms rounds, collects proposals, resends, and finds out what is stable. */
export class Sending {
  readonly #outlet: Outlet;
  readonly #epoch: Epoch;
  readonly #outbox: Outbox;
  readonly #proposals: Proposals;
  /** By rank; none for oneself. */
  readonly #receivers: readonly (Receiver | undefined)[];
  #agreedKeys: Key[] = [];
  /** Own rounds that all members have delivered. */
  #stable = 0;
  #unstableBytes = 0;

  constructor(outlet: Outlet, epoch: Epoch, outbox: Outbox) {
    this.#outlet = outlet;
    this.#epoch = epoch;
    this.#outbox = outbox;
    const { members } = epoch.view;
    this.#proposals = new Proposals(members.length, epoch.rank);
    this.#receivers = members.map(({ address }, rank) =>
      rank === epoch.rank
        ? undefined
        : {
            address,
            handed: 0,
            isFull: false,
            marks: nothing,
            told: 0,
            progressAt: 0,
            attempts: 0,
            answeredAt: -Infinity,
          },
    );
  }

  /** Own messages that somebody has not delivered yet, as far as is known here. */
  get isSettled(): boolean {
    return this.#outbox.messages === 0 && this.#stable === this.#epoch.own.have;
  }

  /** Ranks of those who lack something of this sender. */
  lagging(): number[] {
    const { have } = this.#epoch.own;
    return this.#receivers.flatMap((receiver, rank) => (receiver && receiver.marks.delivered < have ? [rank] : []));
  }

  /** Sends as many rounds as may be under way. Returns whether there were any. */
  pump(): boolean {
    const before = this.#epoch.own.have;
    while (this.#maySend()) this.#sendRound();
    return this.#epoch.own.have > before;
  }

  /** The link to it has refused a message: this round, or something else. */
  onFull(peer: Address, round: number | undefined): void {
    const receiver = this.#receiverAt(peer);
    if (receiver === undefined) return;
    receiver.isFull = true;
    if (round !== undefined) receiver.handed = Math.min(receiver.handed, round - 1);
  }

  /** The link to it has room again; with `isLost`, what was under way to it is gone. */
  onWritable(peer: Address, isLost: boolean): void {
    const receiver = this.#receiverAt(peer);
    if (receiver === undefined) return;
    receiver.isFull = false;
    if (isLost) receiver.handed = receiver.marks.have;
    this.#resendKeys(receiver);
  }

  /** Hands over what links had no room for. */
  catchUp(): void {
    const { own, view } = this.#epoch;
    for (const receiver of this.#receivers) {
      if (receiver === undefined || receiver.isFull || receiver.handed >= own.have) continue;
      const from = Math.max(receiver.handed, own.floor) + 1;
      const to = Math.min(own.have, from + resentRoundsMax - 1);
      for (let round = from; round <= to; round++) {
        const message = dataOf(own.get(round) as HeldRound, view.number, this.#stable);
        this.#outlet.transmit([receiver.address], message);
      }
      receiver.handed = to;
      if (to < own.have) this.#outlet.arm('catch-up', this.#outlet.now);
    }
  }

  /** One more proposal; a round that has all of them is agreed on, and told. */
  onProposal(proposer: number, round: number, counters: readonly number[]): void {
    const { clockLeapMax } = this.#outlet.config;
    const clockMax = (this.#epoch.total?.clock ?? 0) + clockLeapMax;
    for (const [index, counter] of counters.entries()) {
      if (counter > clockMax) this.#outlet.refuse('proposal-leaps');
      else this.#proposals.note(round + index, counter, proposer);
    }
  }

  /** Agrees on what all have proposed for. */
  decide(): void {
    const { total, own, rank, others, view, isPair } = this.#epoch;
    if (total === undefined) return;
    const firstRound = own.decided + 1;
    const keys: Key[] = [];
    for (let key = this.#proposals.take(); key !== undefined; key = this.#proposals.take()) {
      total.decide(rank, key);
      keys.push(key);
      this.#agreedKeys.push(key);
    }
    if (keys.length === 0) return;
    if (isPair) return;
    const stable = this.#stable;
    this.#outlet.transmit(others, { type: 'final', view: view.number, stable, round: firstRound, keys });
    for (const receiver of this.#receivers) if (receiver !== undefined) receiver.told = stable;
    this.#awaitProgress();
  }

  onMarks(rank: number, marks: Marks): void {
    const receiver = this.#receivers[rank];
    const { own, isPair } = this.#epoch;
    if (receiver === undefined) return;
    if (marks.have > own.have || (marks.decided > own.decided && !isPair)) {
      this.#outlet.refuse('marks-beyond');
      return;
    }
    const { have, decided, delivered, floor } = receiver.marks;
    if (marks.have > have || marks.decided > decided) {
      receiver.progressAt = this.#outlet.now;
      receiver.attempts = 0;
    }
    // Marks only rise; messages may pass each other on a lossy way.
    receiver.marks = {
      have: Math.max(have, marks.have),
      decided: Math.max(decided, marks.decided),
      delivered: Math.max(delivered, marks.delivered),
      floor: Math.max(floor, marks.floor),
    };
    if (marks.floor < this.#stable) receiver.told = Math.min(receiver.told, marks.floor);
    this.settle();
  }

  /** It misses rounds up to here. One answer per `gapMs`, or asking would cost less than answering. */
  onAsk(rank: number): void {
    const receiver = this.#receivers[rank];
    if (receiver === undefined || this.#outlet.now - receiver.answeredAt < this.#outlet.config.gapMs) return;
    receiver.answeredAt = this.#outlet.now;
    this.#resend(rank);
  }

  /** Recounts what is stable; drops what nobody needs any longer. */
  settle(): void {
    const { own } = this.#epoch;
    let stable = own.delivered;
    for (const receiver of this.#receivers)
      if (receiver !== undefined && receiver.marks.delivered < stable) stable = receiver.marks.delivered;
    if (stable <= this.#stable) {
      this.#tellStableLater();
      return;
    }
    for (let round = this.#stable + 1; round <= stable; round++) {
      this.#unstableBytes -= own.get(round)?.bytes ?? 0;
    }
    this.#agreedKeys.splice(0, stable - this.#stable);
    this.#stable = stable;
    own.raiseFloor(stable);
    this.#tellStableLater();
    if (this.isSettled) this.#outlet.settled(this.#outbox.lastSequence);
  }

  /** The `stable` timer. */
  tellStable(): void {
    const late = this.#receivers.filter((receiver) => receiver !== undefined && receiver.told < this.#stable);
    for (const receiver of late) (receiver as Receiver).told = this.#stable;
    const to = late.map((receiver) => (receiver as Receiver).address);
    this.#outlet.transmit(to, { type: 'stable', view: this.#epoch.view.number, stable: this.#stable });
  }

  /** The `resend` timer. */
  resendDue(): void {
    const { now, timers } = this.#outlet;
    let next = Infinity;
    for (const [rank, receiver] of this.#receivers.entries()) {
      if (receiver === undefined || !this.#lacks(rank)) continue;
      if (this.#resendAt(receiver) <= now) {
        receiver.attempts = Math.min(receiver.attempts + 1, 4);
        receiver.progressAt = now;
        this.#resend(rank);
      }
      next = Math.min(next, this.#resendAt(receiver));
    }
    if (next < Infinity) timers.set('resend', next);
  }

  #maySend(): boolean {
    const { roundsInFlightMax, windowRoundsMax, windowBytesMax } = this.#outlet.config;
    const { own, total } = this.#epoch;
    return (
      this.#outbox.messages > 0 &&
      this.#receivers.every((receiver) => receiver === undefined || isOpen(receiver, own.have)) &&
      own.have - this.#stable < windowRoundsMax &&
      this.#unstableBytes < windowBytesMax &&
      (total === undefined || this.#proposals.size < roundsInFlightMax)
    );
  }

  #sendRound(): void {
    const { own, rule, rank, total, view, others } = this.#epoch;
    const { counter, vector } = rule.stamp();
    const { firstSequence, payloads, bytes } = this.#outbox.takeRound();
    const round = own.have + 1;
    const held: HeldRound = {
      round,
      firstSequence,
      counter,
      vector,
      payloads,
      sender: rank,
      bytes,
      key: noKey,
      proposal: 0,
    };
    invariant(own.insert(held) && own.advance() === held, 'own rounds come in their order');
    rule.accept(held);
    this.#unstableBytes += bytes;
    this.#outlet.counters.roundsSent++;
    if (total !== undefined) this.#proposals.open(round, counter);
    this.#outlet.transmit(others, dataOf(held, view.number, this.#stable));
    for (const receiver of this.#receivers) {
      if (receiver === undefined) continue;
      receiver.told = this.#stable;
      receiver.handed = round;
    }
    this.#awaitProgress();
  }

  // Whoever lacked nothing until now gets its full time from now on.
  #awaitProgress(): void {
    const { now, config } = this.#outlet;
    const { have, decided } = this.#epoch.own;
    for (const receiver of this.#receivers) {
      if (receiver === undefined) continue;
      const lackedNothing = receiver.marks.have >= have - 1 && receiver.marks.decided >= decided - 1;
      if (lackedNothing) receiver.progressAt = now;
    }
    this.#outlet.arm('resend', now + config.resendMs);
  }

  #resendAt({ progressAt, attempts }: Receiver): Millis {
    return progressAt + this.#outlet.config.resendMs * 2 ** attempts;
  }

  #lacks(rank: number): boolean {
    const receiver = this.#receivers[rank];
    if (receiver === undefined) return false;
    const { have, decided } = this.#epoch.own;
    const { marks } = receiver;
    return marks.have < have || marks.decided < decided || this.#proposals.firstWithout(rank) !== undefined;
  }

  #resend(rank: number): void {
    const { own, view } = this.#epoch;
    const receiver = this.#receivers[rank] as Receiver;
    const { address, marks } = receiver;
    const stable = this.#stable;
    // A proposal may be lost although later ones came: the round that asks for it goes out again.
    const from = Math.max(Math.min(marks.have + 1, this.#proposals.firstWithout(rank) ?? Infinity), own.floor + 1);
    const to = Math.min(own.have, from + resentRoundsMax - 1);
    for (let round = from; round <= to; round++) {
      this.#outlet.counters.roundsResent++;
      this.#outlet.transmit([address], dataOf(own.get(round) as HeldRound, view.number, stable));
    }
    this.#resendKeys(receiver);
  }

  #resendKeys({ address, marks }: Receiver): void {
    const { own, view, total } = this.#epoch;
    const stable = this.#stable;
    if (total === undefined || marks.decided >= own.decided) return;
    const first = Math.max(marks.decided, stable);
    const keys = this.#agreedKeys.slice(first - stable, first - stable + resentKeysMax);
    if (keys.length === 0) return;
    this.#outlet.transmit([address], { type: 'final', view: view.number, stable, round: first + 1, keys });
  }

  #receiverAt(peer: Address): Receiver | undefined {
    const rank = this.#epoch.rankOf(peer);
    return rank === undefined ? undefined : this.#receivers[rank];
  }

  #tellStableLater(): void {
    const isTold = this.#receivers.every((receiver) => receiver === undefined || receiver.told >= this.#stable);
    if (!isTold) this.#outlet.arm('stable', this.#outlet.now + this.#outlet.config.ackDelayMs);
  }
}

/** Has it been handed everything, and does it take more? */
function isOpen({ isFull, handed }: Receiver, have: number): boolean {
  return !isFull && handed >= have;
}

function dataOf(held: HeldRound, view: number, stable: number): DataMessage {
  const { round, firstSequence, counter, vector, payloads } = held;
  return { type: 'data', view, stable, round, firstSequence, counter, vector, payloads };
}
