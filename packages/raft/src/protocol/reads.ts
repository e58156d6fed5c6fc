import type { Millis } from '@grp/core';
import type { Ticket } from '../effects.ts';
import type { ReadIndexRequest, ReadIndexResponse } from '../messages.ts';
import type { LogIndex, ServerId } from '../types.ts';
import type { Leader } from './leader.ts';
import type { State } from './state.ts';

interface WaitingRead {
  readonly ticket: Ticket;
  /** Who asked; undefined: this server's own client. */
  readonly from: ServerId | undefined;
  readonly mode: 'read-index' | 'lease';
  /** The commit index when it was asked; undefined while the leader does not know it (§8). */
  index: LogIndex | undefined;
  /** The round that must be confirmed; undefined until one is begun for it. */
  round: number | undefined;
}

/** Linearizable reads without a log entry: ReadIndex and leases (§8; Ongaro 2014, §6.4). */
export class Reads {
  readonly #state: State;
  readonly #leader: Leader;
  /** As leader: not proven yet. */
  #unproven: WaitingRead[] = [];
  /** As follower: asked of the leader. */
  readonly #forwarded = new Map<Ticket, { readonly leader: ServerId; readonly at: Millis }>();
  /** The index is known, the state machine is not there yet; by rising index as they came. */
  #unapplied: { readonly ticket: Ticket; readonly index: LogIndex; readonly mustConfirm: boolean }[] = [];
  /** Read under a lease, and being read: the lease must still hold afterwards. */
  readonly #unconfirmed = new Map<Ticket, 'lease'>();

  constructor(state: State, leader: Leader) {
    this.#state = state;
    this.#leader = leader;
  }

  get size(): number {
    return this.#unproven.length + this.#forwarded.size + this.#unapplied.length + this.#unconfirmed.size;
  }

  ask(ticket: Ticket, mode: 'read-index' | 'lease'): void {
    const state = this.#state;
    if (this.size >= state.config.readsMax) return state.refuse(ticket, 'overloaded');
    if (state.role === 'leader') {
      this.#unproven.push({ ticket, from: undefined, mode, index: undefined, round: undefined });
      return undefined;
    }
    const { leader } = state;
    if (leader === undefined) return state.refuse(ticket, 'not-leader');
    this.#forwarded.set(ticket, { leader, at: state.now });
    state.send(leader, { type: 'read-index-request', term: state.term, ticket });
    return undefined;
  }

  onRequest(from: ServerId, { ticket }: ReadIndexRequest): void {
    const state = this.#state;
    if (state.role !== 'leader' || this.size >= state.config.readsMax)
      return state.send(from, { type: 'read-index-response', term: state.term, ticket });
    this.#unproven.push({ ticket, from, mode: 'read-index', index: undefined, round: undefined });
    return undefined;
  }

  onResponse(from: ServerId, { ticket, index }: ReadIndexResponse): void {
    const state = this.#state;
    if (this.#forwarded.get(ticket)?.leader !== from) return state.drop('stale-read-index');
    this.#forwarded.delete(ticket);
    if (index === undefined) return state.refuse(ticket, 'not-leader');
    this.#unapplied.push({ ticket, index, mustConfirm: false });
    return undefined;
  }

  /** What was asked of a leader that is none any more, or that does not answer, is not coming. */
  #giveUpForwarded(): void {
    const state = this.#state;
    for (const [ticket, { leader, at }] of this.#forwarded) {
      if (leader === state.leader && state.now - at < state.config.quorumTimeoutMs) continue;
      this.#forwarded.delete(ticket);
      state.refuse(ticket, 'not-leader');
    }
  }

  /** Leadership ended: nothing can be proven any more. */
  onEnd(): void {
    const state = this.#state;
    for (const { ticket, from } of this.#unproven) {
      if (from === undefined) state.refuse(ticket, 'not-leader');
      else state.send(from, { type: 'read-index-response', term: state.term, ticket });
    }
    this.#unproven = [];
  }

  /** The state machine was read under a lease: the answer counts if the lease still holds now. */
  onDone(ticket: Ticket): void {
    const state = this.#state;
    if (!this.#unconfirmed.delete(ticket)) return;
    const { role, rules, now } = state;
    const stillHolds = role === 'leader' && rules.leaseStillHolds(now, this.#leader.leaseUntil);
    if (stillHolds) state.effect({ type: 'read-confirmed', ticket });
    else this.ask(ticket, 'read-index');
  }

  /** Begins a round when reads want one. Before the leader sends. */
  prepare(): void {
    const state = this.#state;
    if (state.role !== 'leader' || !state.rules.mayRead(state.commitTerm, state.term)) return;
    let isRoundWanted = false;
    const round = state.rules.roundOfRead(this.#leader.roundsBegun);
    for (const read of this.#unproven) {
      if (read.index !== undefined) continue;
      read.index = state.commit;
      if (read.mode === 'lease' && this.#hasLease()) continue;
      read.round = round;
      isRoundWanted ||= round > this.#leader.roundsBegun;
    }
    if (isRoundWanted) this.#leader.beat();
  }

  /** Lets go what is proven, and what the state machine has reached. */
  flush(): void {
    const state = this.#state;
    if (this.#forwarded.size > 0) this.#giveUpForwarded();
    if (this.#unproven.length > 0) {
      const confirmed = this.#leader.confirmedRound;
      this.#unproven = this.#unproven.filter((read) => !this.#prove(read, confirmed));
    }
    if (this.#unapplied.length === 0) return;
    this.#unapplied = this.#unapplied.filter(({ ticket, index, mustConfirm }) => {
      if (index > state.applied || state.installing !== undefined) return true;
      if (mustConfirm) this.#unconfirmed.set(ticket, 'lease');
      state.effect({ type: 'read-ready', ticket, mustConfirm });
      return false;
    });
  }

  #prove({ ticket, from, index, round }: WaitingRead, confirmed: number): boolean {
    if (index === undefined || (round !== undefined && round > confirmed)) return false;
    if (from === undefined) this.#unapplied.push({ ticket, index, mustConfirm: round === undefined });
    else this.#state.send(from, { type: 'read-index-response', term: this.#state.term, ticket, index });
    return true;
  }

  #hasLease(): boolean {
    const { role, rules, now } = this.#state;
    return role === 'leader' && rules.leaseHolds(now, this.#leader.leaseUntil);
  }
}
