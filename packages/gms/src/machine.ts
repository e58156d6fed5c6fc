import type { Address, Machine, Millis, Wake } from '@grp/core';
import type { DeliveredMark, GroupMember, GroupStatus, View } from './api.ts';
import { Departure } from './departure.ts';
import type { Effect, Input } from './effects.ts';
import { Flush } from './flush.ts';
import { Membership } from './membership.ts';
import type { ControlMessage, GroupMessage, HotMessage } from './messages.ts';
import { EarlyMessages } from './early-messages.ts';
import { Multicast } from './multicast.ts';
import { type DeadlineKey, type MachineOptions, Runtime } from './runtime.ts';
import { Seeker } from './seeker.ts';
import { Donor, Newcomer } from './transfer.ts';
import { Standing } from './standing.ts';
import type { ViewTable } from './view-table.ts';

/**
 * One member of a group as a deterministic machine: leader-based membership with view-synchronous atomic multicast.
 * PROTOCOL.md has the messages and the states, docs/adr/0008-view-change.md the reasons.
 */
export class GroupMachine implements Machine<Input, Effect> {
  readonly #runtime: Runtime;
  readonly #multicast: Multicast;
  readonly #membership: Membership;
  readonly #flush: Flush;
  readonly #seeker: Seeker;
  readonly #newcomer: Newcomer;
  readonly #donor: Donor;
  readonly #departure: Departure;
  readonly #early: EarlyMessages;
  readonly #standing: Standing;

  constructor(options: MachineOptions) {
    const runtime = new Runtime(options);
    this.#runtime = runtime;
    this.#multicast = new Multicast(runtime);
    this.#membership = new Membership(runtime, this.#multicast, () => this.#flush);
    const { isOut } = this.#membership;
    this.#flush = new Flush(runtime, {
      isOut,
      nextPlaces: this.#membership.nextPlaces,
      silentApplicants: this.#membership.silentApplicants,
      install: (proposal, broughtBy) => this.#standing.install(proposal, broughtBy),
      condemn: (id) => this.#membership.condemn(id),
      pardon: (id) => this.#membership.pardon(id),
    });
    this.#seeker = new Seeker(runtime);
    this.#newcomer = new Newcomer(runtime, {
      isOut,
      settle: (head, counts) => this.#standing.settle(head.sequence, head.hash, counts),
      startOver: (why) => this.#standing.startOver(why),
    });
    this.#donor = new Donor(runtime);
    this.#departure = new Departure(runtime, isOut);
    this.#early = new EarlyMessages(runtime);
    this.#standing = new Standing(runtime, {
      multicast: this.#multicast,
      membership: this.#membership,
      flush: this.#flush,
      seeker: this.#seeker,
      newcomer: this.#newcomer,
      donor: this.#donor,
      departure: this.#departure,
      early: this.#early,
    });
  }

  get status(): GroupStatus {
    const { phase, isSettled, wedgedAt } = this.#runtime;
    if (phase === 'left' || phase === 'departing') return 'left';
    if (!isSettled) return this.#standing.wasExcluded ? 'excluded' : 'joining';
    return wedgedAt === undefined ? 'joined' : 'blocked';
  }

  /** Cut off from the majority: what is sent now goes nowhere. */
  get isMinority(): boolean {
    return this.#flush.isMinority;
  }

  get view(): View | undefined {
    return this.#standing.shown;
  }

  get delivered(): DeliveredMark {
    const { row } = this.#runtime;
    return { sequence: row.delivered, orderHash: row.orderHash };
  }

  /** How much is kept, for metrics and for tests of its bounds. */
  get queues(): { readonly rowBytes: number; readonly ownBytes: number; readonly earlyBytes: number } {
    return {
      rowBytes: this.#runtime.row.bytes,
      ownBytes: this.#runtime.own.waitingBytes,
      earlyBytes: this.#early.bytes,
    };
  }

  get drops(): Readonly<Record<string, number>> {
    return this.#runtime.drops;
  }

  /** Bytes came that are no message. */
  noteMalformed(): void {
    this.#runtime.drop('malformed');
  }

  /**
   * Takes one own message straight into the batch under construction, without an input for each; a `flush` input lets it
   * go. Its request number; undefined: the queue is full.
   */
  post(payload: Uint8Array): number | undefined {
    return this.#runtime.own.append(payload);
  }

  step(inputs: readonly (Input | Wake)[], now: Millis): readonly Effect[] {
    this.#runtime.now = now;
    for (const input of inputs) this.#take(input);
    const { deadlines } = this.#runtime;
    for (let key = deadlines.takeDue(now); key !== undefined; key = deadlines.takeDue(now)) this.#onDeadline(key);
    this.#endStep();
    return this.#runtime.takeEffects();
  }

  nextDeadline(): Millis | undefined {
    return this.#runtime.deadlines.earliest();
  }

  #endStep(): void {
    const { table, isSettled } = this.#runtime;
    this.#multicast.endStep();
    this.#donor.endStep();
    this.#newcomer.endStep();
    this.#membership.endStep();
    this.#flush.endStep();
    this.#standing.endStep();
    this.#departure.endStep(this.#membership.isLeaving);
    // A view that was just installed lets go what waited for it.
    const isDue = this.#early.isDue(this.#runtime.table);
    if (isDue) for (const { from, message } of this.#early.take()) this.#receive(from, message);
    if (isDue || this.#runtime.table !== table || this.#runtime.isSettled !== isSettled) this.#endStep();
  }

  #take(input: Input | Wake): void {
    switch (input.type) {
      case 'message':
        return this.#receive(input.from, input.message);
      case 'flush':
      case 'wake':
        return;
      case 'join':
        return this.#standing.join(input.seeds);
      case 'leave':
        return this.#standing.leave();
      case 'abandon':
        return this.#standing.abandon();
      case 'suspect':
        return this.#membership.suspect(input.member);
      case 'trust':
        return this.#membership.trust(input.member);
      case 'reset':
        return this.#onReset(input.peer);
      case 'trouble':
        return this.#hintAt(input.peer);
      case 'chunk':
        return this.#donor.onChunk(input.donation, input.bytes, input.isLast);
      case 'capture-failed':
        return this.#donor.onFailed(input.donation);
      case 'consumed':
        return this.#newcomer.onConsumed(input.transfer, input.bytes);
      case 'restored':
        return this.#onRestored(input);
    }
  }

  #receive(from: Address, message: GroupMessage): void {
    switch (message.kind) {
      case 'join':
        return this.#membership.onJoin(from, message);
      case 'join-refused':
        return this.#onJoinRefused(message.reason);
      case 'excluded':
        return this.#standing.onExcluded(from, message);
      case 'install':
        return this.#onInstall(from, message);
      case 'propose':
        this.#catchUp(from, message);
        break;
      default:
        break;
    }
    const { table } = this.#runtime;
    if (table === undefined) return this.#receiveOutside(from, message);
    if (message.lineage !== table.stamp.lineage) return this.#runtime.drop('another group');
    const rank = table.rankAt(from);
    const lag = table.view.id - message.epoch;
    if (lag === -1) return this.#early.hold(from, message); // also from those who come with the next view
    if (rank === undefined) return this.#answerStranger(from, lag, table);
    if (lag < -1) return this.#multicast.need(from);
    if (lag > 0) return this.#answerLaggard(from, message);
    this.#multicast.heard(rank);
    this.#handle(rank, from, message);
  }

  /** From a member of this view, in this view. */
  #handle(rank: number, from: Address, message: GroupMessage): void {
    switch (message.kind) {
      case 'request':
      case 'ordered':
      case 'ack':
      case 'stable':
        return this.#handleHot(rank, from, message);
      case 'resend':
        return this.#runtime.own.resend();
      case 'need':
        return this.#flush.onNeed(from, message.epoch, message.received);
      case 'leave':
        // Whoever answers so from this address, the member that we know there is gone.
        return message.isGone ? this.#membership.condemnAt(rank) : this.#membership.leave(message.id);
      case 'propose':
        return this.#flush.onPropose(rank, from, message);
      case 'promise':
        return this.#flush.onPromise(rank, from, message);
      case 'reject':
        return this.#flush.onReject(message);
      case 'sync':
        return this.#flush.onSync(from, message);
      case 'accepted':
        return this.#flush.onAccepted(rank, message);
      default:
        return this.#handleState(from, message);
    }
  }

  #handleHot(rank: number, from: Address, message: HotMessage): void {
    if (message.kind === 'ordered') this.#multicast.onOrdered(from, message);
    else if (message.kind === 'request') this.#multicast.onRequest(rank, from, message);
    else if (message.kind === 'ack') this.#multicast.onAck(rank, message);
    else this.#multicast.onStable(from, message);
  }

  #handleState(from: Address, message: ControlMessage): void {
    if (message.kind === 'state-request') this.#donor.onRequest(from, message.transfer);
    else if (message.kind === 'state-credit') this.#donor.onCredit(from, message.transfer, message.bytes);
    else if (message.kind === 'state-head') this.#newcomer.onHead(from, message);
    else if (message.kind === 'state-chunk') this.#newcomer.onChunk(from, message);
    else if (message.kind === 'state-refused') this.#newcomer.onRefused(from, message.transfer);
  }

  // A member that is no member any more in its own eyes says so, so that nobody waits for it.
  #receiveOutside(from: Address, message: GroupMessage): void {
    const runtime = this.#runtime;
    this.#departure.onMessage(from, message);
    if (message.kind !== 'propose' && message.kind !== 'sync') return;
    if (message.kind === 'propose' && runtime.phase === 'joining') this.#seeker.answer(from);
    const { places } = message.kind === 'propose' ? message.current : message.proposal;
    if (message.kind === 'propose' && !places.some(({ id }) => id === runtime.self.id)) return;
    if (runtime.phase === 'departing' || !runtime.mayRepeat(`gone ${from}`)) return;
    const { lineage, epoch } = message;
    const gone = { kind: 'leave', id: runtime.self.id, isGone: true, lineage, epoch } as const;
    runtime.emit({ type: 'send', to: from, message: gone });
  }

  // Whoever is left out learns it from anybody whom it talks to.
  #answerStranger(from: Address, lag: number, table: ViewTable): void {
    if (lag < 0) return this.#multicast.need(from);
    if (!this.#runtime.mayRepeat(`excluded ${from}`)) return;
    this.#runtime.send(from, { kind: 'excluded', size: table.size, leader: table.leader.id });
  }

  #answerLaggard(from: Address, message: GroupMessage): void {
    const { kind } = message;
    // State slices of a transfer that began in the last view are still good.
    if (kind.startsWith('state-')) return this.#handleState(from, message as ControlMessage);
    if (kind === 'ordered' || kind === 'request' || kind === 'accepted') return;
    const isBehind = kind === 'need' || kind === 'propose' || kind === 'promise';
    if (isBehind && this.#runtime.mayRepeat(`help ${from}`))
      this.#flush.onNeed(from, message.epoch, 'received' in message ? message.received : Infinity);
  }

  /** A proposer tells the view that it wants to change: for who has not heard of that one. */
  #catchUp(from: Address, { lineage, current }: Extract<ControlMessage, { kind: 'propose' }>): void {
    const { table } = this.#runtime;
    if (table === undefined) this.#standing.becomeMember(lineage, current);
    else if (lineage === table.stamp.lineage && current.epoch === table.view.id + 1)
      this.#flush.onInstall(from, current);
  }

  #onInstall(from: Address, { lineage, proposal }: Extract<ControlMessage, { kind: 'install' }>): void {
    const { table } = this.#runtime;
    if (table === undefined) return this.#standing.becomeMember(lineage, proposal);
    if (lineage !== table.stamp.lineage) return this.#runtime.drop('another group');
    if (proposal.epoch <= table.view.id) return this.#multicast.confirm(table, from); // it did not know that we know
    const isNewcomer = proposal.places.some(({ id, isJoiner }) => isJoiner && id === this.#runtime.self.id);
    if (proposal.epoch > table.view.id && isNewcomer) {
      this.#standing.dropOut(proposal.epoch - 1); // the others have already taken us in again
      return this.#standing.becomeMember(lineage, proposal);
    }
    if (proposal.epoch > table.view.id + 1) return this.#multicast.need(from);
    this.#flush.onInstall(from, proposal);
  }

  #onJoinRefused(reason: Extract<ControlMessage, { kind: 'join-refused' }>['reason']): void {
    const runtime = this.#runtime;
    if (runtime.phase !== 'joining') return;
    const final = this.#seeker.onRefused(reason);
    if (final === undefined || this.#standing.wasExcluded) return;
    runtime.phase = 'idle';
    runtime.deadlines.delete('join');
    runtime.emit({ type: 'join-failed', failure: { kind: 'refused', reason: final } });
  }

  #onRestored({ transfer, isOk, reason }: Extract<Input, { type: 'restored' }>): void {
    if (this.#newcomer.onRestored(transfer, isOk)) return;
    this.#runtime.emit({ type: 'join-failed', failure: { kind: 'state', reason } });
    this.#standing.leave();
  }

  #onReset(peer: Address): void {
    const { table } = this.#runtime;
    if (table !== undefined && table.leader.address === peer) this.#multicast.leaderReset(peer);
    this.#hintAt(peer);
  }

  #hintAt(peer: Address): void {
    const { table } = this.#runtime;
    const rank = table?.rankAt(peer);
    const member: GroupMember | undefined = rank === undefined ? undefined : table?.view.members[rank];
    if (member !== undefined) this.#runtime.hint(member.id);
  }

  #onDeadline(key: DeadlineKey): void {
    switch (key) {
      case 'ack':
      case 'stable':
      case 'heartbeat':
        return this.#multicast.onDeadline(key);
      case 'gather':
        return this.#membership.onGathered();
      case 'slow':
        return this.#membership.onSlow();
      case 'retry':
        return this.#flush.onRetry();
      case 'flush':
        return this.#flush.onTimeout();
      case 'join':
        return this.#seeker.ask();
      case 'donor':
        return this.#newcomer.onDeadline();
      case 'leave':
        return this.#departure.onDeadline();
      case 'early':
        return this.#early.onDeadline((from) => this.#multicast.need(from));
      default:
        return this.#runtime.emit({ type: 'forget', peer: key.slice('forget '.length) as Address });
    }
  }
}
