import type { Address, Machine, Millis, Wake } from '@grp/core';
import type { Order, OrderingMember, OrderingStatistics, OrderingStatus, OrderingView } from './api.ts';
import { orderingConfig, type OrderingConfig } from './config.ts';
import type { Effect, Input } from './effects.ts';
import { Epoch } from './epoch.ts';
import { Flush, type StoredCut } from './flush.ts';
import type { Message, OrderMessage } from './messages.ts';
import { Outbox } from './outbox.ts';
import { Outlet, type TimerName } from './outlet.ts';
import { Receiving } from './receiving.ts';
import { roundBytes, type HeldRound } from './sender-log.ts';
import { Sending } from './sending.ts';
import { statisticsOf } from './statistics.ts';
import type { Malformed } from './wire/decode.ts';

/** What the machine of one member is made with. */
export interface OrderingMachineOptions {
  readonly self: OrderingMember;
  readonly order: Order;
  readonly config?: Partial<OrderingConfig> | undefined;
}

/** An installed view, and who works in it. */
interface Work {
  readonly epoch: Epoch;
  readonly sending: Sending;
  readonly receiving: Receiving;
}

/**
 * One member of one ordered group: payloads and messages go in, messages and deliveries come out. It needs no link below
 * it: whatever is lost, doubled or out of order is mended. `examples/by-hand.ts` feeds three of them by hand.
 */
export class OrderingMachine implements Machine<Input, Effect> {
  readonly #outlet: Outlet;
  readonly #outbox: Outbox;
  readonly #flush: Flush;
  #work: Work | undefined;
  /** Messages that the group has delivered, as far as this member knows. */
  #position = 0;
  /** The greatest view number heard of. */
  #lastView = 0;
  #isExcluded = false;
  #unknownCount = 0;
  /** Of a view that others have installed, and this member is about to. */
  #early: { readonly from: Address; readonly message: OrderMessage }[] = [];
  #earlyBytes = 0;

  /** @throws GrpError CONFIG_INVALID */
  constructor({ self, order, config }: OrderingMachineOptions) {
    this.#outlet = new Outlet({ self, order, config: orderingConfig.resolve(config) });
    this.#outbox = new Outbox(this.#outlet.config);
    const epochOf = (): Epoch | undefined => this.#work?.epoch;
    const positionOf = (): number => this.#position;
    this.#flush = new Flush(this.#outlet, {
      get epoch() {
        return epochOf();
      },
      get position() {
        return positionOf();
      },
      install: (cut, position) => this.#install(cut, position),
    });
  }

  get status(): OrderingStatus {
    if (this.#flush.target !== undefined) return 'flushing';
    if (this.#work !== undefined) return 'active';
    return this.#isExcluded ? 'excluded' : 'idle';
  }

  /** The last view installed here. */
  get view(): OrderingView | undefined {
    return this.#work?.epoch.view;
  }

  /** The number of the last own message. */
  get lastSequence(): number {
    return this.#outbox.lastSequence;
  }

  /** Own messages that wait to be sent. */
  get outbox(): { readonly messages: number; readonly bytes: number } {
    return this.#outbox;
  }

  step(inputs: readonly (Input | Wake)[], now: Millis): readonly Effect[] {
    this.#outlet.now = now;
    for (const input of inputs) this.#take(input);
    this.#settle();
    for (let due = this.#outlet.timers.takeDue(now); due !== undefined; due = this.#outlet.timers.takeDue(now))
      this.#onTimer(due);
    return this.#outlet.takeEffects();
  }

  nextDeadline(): Millis | undefined {
    return this.#outlet.timers.earliest();
  }

  statistics(): OrderingStatistics {
    const { receiving, sending, epoch } = this.#work ?? {};
    return statisticsOf({
      outlet: this.#outlet,
      outbox: this.#outbox,
      epoch,
      status: this.status,
      position: this.#position,
      openGaps: receiving?.openGaps ?? 0,
      waitingFor:
        this.#flush.target === undefined
          ? (sending?.lagging() ?? []).flatMap((rank) => epoch?.view.members[rank]?.id ?? [])
          : this.#flush.waitingFor(),
    });
  }

  #take(input: Input | Wake): void {
    switch (input.type) {
      case 'send':
        if (!this.#outbox.push(input.payload)) this.#outlet.refuse('outbox-full');
        return;
      case 'receive':
        this.#receive(input.from, input.message);
        return;
      case 'view':
        this.#onView(input.view);
        return;
      case 'full':
        this.#work?.sending.onFull(input.peer, input.round);
        return;
      case 'writable':
      case 'reset':
        this.#onWritable(input.peer, input.type === 'reset');
        return;
      case 'wake':
    }
  }

  #onWritable(peer: Address, isLost: boolean): void {
    const rank = this.#work?.epoch.rankOf(peer);
    if (this.#work === undefined || rank === undefined || this.#flush.target !== undefined) return;
    this.#work.sending.onWritable(peer, isLost);
    this.#work.receiving.tellAgain(rank);
  }

  #receive(from: Address, message: Message | Malformed): void {
    switch (message.type) {
      case 'malformed':
        this.#outlet.refuse(message.reason);
        return;
      case 'data':
      case 'propose':
      case 'final':
      case 'ack':
      case 'stable':
        this.#receiveOrdered(from, message);
        return;
      default:
        this.#flush.receive(from, message);
    }
  }

  #receiveOrdered(from: Address, message: OrderMessage): void {
    const work = this.#work;
    const stored = this.#flush.stored;
    if (stored?.view.number === message.view) this.#keepEarly(from, message);
    else if (work?.epoch.view.number !== message.view) {
      this.#outlet.refuse(message.view < this.#lastView ? 'stale' : 'other-view');
    } else if (this.#flush.target !== undefined) this.#outlet.refuse('stale');
    else {
      const rank = work.epoch.rankOf(from);
      if (rank === undefined || rank === work.epoch.rank) this.#outlet.refuse('stranger');
      else this.#dispatch(work, rank, message);
    }
  }

  #dispatch({ sending, receiving }: Work, rank: number, message: OrderMessage): void {
    if (message.type === 'data') receiving.onData(rank, message);
    else if (message.type === 'final') receiving.onFinal(rank, message);
    else if (message.type === 'stable') receiving.onStable(rank, message.stable);
    else {
      sending.onMarks(rank, message);
      if (message.type === 'propose') sending.onProposal(rank, message.round, message.counters);
      else if (message.ask > 0) sending.onAsk(rank);
    }
  }

  #keepEarly(from: Address, message: OrderMessage): void {
    const { earlyMessagesMax, holdBackBytesMax } = this.#outlet.config;
    const bytes = message.type === 'data' ? roundBytes(message.payloads) : 0;
    const isFull = this.#early.length >= earlyMessagesMax || this.#earlyBytes + bytes > holdBackBytesMax;
    if (!this.#flush.isMember(from)) this.#outlet.refuse('stranger');
    else if (isFull) this.#outlet.refuse('early-full');
    else {
      this.#early.push({ from, message });
      this.#earlyBytes += bytes;
    }
  }

  #onView(view: OrderingView): void {
    if (view.number <= this.#lastView) {
      this.#outlet.refuse('old-view');
      return;
    }
    this.#lastView = view.number;
    this.#early = [];
    this.#earlyBytes = 0;
    if (view.members.some(({ id }) => id === this.#outlet.self.id)) {
      this.#isExcluded = false;
      this.#stopWork();
      this.#flush.begin(view);
      return;
    }
    this.#isExcluded = true;
    this.#loseOwn();
    this.#stopWork();
    this.#work = undefined;
    this.#flush.abandon();
    this.#outlet.excluded(view.number);
  }

  #stopWork(): void {
    for (const timer of ['resend', 'stable', 'ack', 'floor', 'gap', 'catch-up'] as const)
      this.#outlet.timers.delete(timer);
  }

  // The others go on without this member: what it sent and has not delivered itself, they have delivered or never will.
  #loseOwn(): void {
    if (this.#work === undefined) return;
    this.#unknownCount += this.#work.epoch.own.heldBack().messages + this.#outbox.clear();
  }

  #install({ view, prepare, plan, isFresh }: StoredCut, position: number): void {
    const before = this.#work;
    if (isFresh) this.#loseOwn();
    else if (before !== undefined) this.#finish(before, plan);
    const unknownCount = this.#unknownCount;
    this.#unknownCount = 0;
    this.#position = position;
    const epoch = new Epoch(this.#outlet, view, { position, clock: prepare.clock });
    const sending = new Sending(this.#outlet, epoch, this.#outbox);
    this.#work = { epoch, sending, receiving: new Receiving(this.#outlet, epoch) };
    this.#outlet.install({ view, position, isFresh, unknownCount });
    if (this.#flush.target !== undefined) return;
    if (this.#outbox.lastSequence > 0 && sending.isSettled) this.#outlet.settled(this.#outbox.lastSequence);
    const early = this.#early;
    this.#early = [];
    this.#earlyBytes = 0;
    for (const { from, message } of early) this.#receiveOrdered(from, message);
  }

  // The rest of the last view, and what of it nobody will ever deliver.
  #finish({ epoch, receiving }: Work, plan: readonly HeldRound[]): void {
    receiving.dropAhead();
    let held = 0;
    for (const log of epoch.logs) held += log.heldBack().rounds;
    this.#outlet.counters.droppedRounds += held - plan.length;
    for (const round of plan) this.#deliver(epoch, round);
  }

  // Deliveries, then own rounds, which may themselves be delivered at once, until nothing moves.
  #settle(): void {
    const work = this.#work;
    if (work === undefined || this.#flush.target !== undefined) return;
    const { epoch, sending, receiving } = work;
    sending.catchUp();
    do {
      sending.decide();
      for (let round = epoch.rule.next(); round !== undefined; round = epoch.rule.next()) {
        this.#deliver(epoch, round);
        receiving.delivered(round.sender);
      }
      sending.settle();
    } while (sending.pump());
    receiving.flushProposals();
    this.#noteHeld(epoch);
  }

  #noteHeld({ logs }: Epoch): void {
    let held = 0;
    for (const log of logs) held += log.have - log.delivered + log.ahead;
    const { counters } = this.#outlet;
    if (held > counters.heldRoundsMax) counters.heldRoundsMax = held;
  }

  #deliver(epoch: Epoch, { sender, firstSequence, payloads }: HeldRound): void {
    const { number, members } = epoch.view;
    const { id } = members[sender] as OrderingMember;
    let sequence = firstSequence;
    for (const payload of payloads) {
      this.#position++;
      this.#outlet.deliver({ view: number, sender: id, sequence, position: this.#position, payload });
      sequence++;
    }
  }

  #onTimer(timer: TimerName): void {
    if (timer === 'flush') {
      this.#flush.retry();
      this.#settle();
      return;
    }
    const work = this.#work;
    if (work === undefined || this.#flush.target !== undefined) return;
    if (timer === 'catch-up') work.sending.catchUp();
    else if (timer === 'resend') work.sending.resendDue();
    else if (timer === 'stable') work.sending.tellStable();
    else if (timer === 'ack') work.receiving.acknowledge();
    else if (timer === 'floor') work.receiving.remind();
    else work.receiving.askForGaps();
  }
}
