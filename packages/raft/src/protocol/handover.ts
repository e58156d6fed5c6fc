import type { Ticket } from '../effects.ts';
import type { ServerId } from '../types.ts';
import type { Leader } from './leader.ts';
import { compareStandings } from './priority.ts';
import type { Progress } from './progress.ts';
import type { State } from './state.ts';

// Each takeover that does not last makes the next one wait twice as long, up to this many times.
const backOffMax = 32;

/** Hands leadership over (Ongaro 2014, §3.10): on request, to a voter of higher priority, or away from a bad disk. */
export class Handover {
  readonly #state: State;
  readonly #leader: Leader;
  readonly #stepDown: () => void;
  #target: Target | undefined;
  #ledSince = 0;
  #backOff = 1;

  constructor(state: State, leader: Leader, stepDown: () => void) {
    this.#state = state;
    this.#leader = leader;
    this.#stepDown = stepDown;
  }

  /** While it is under way proposals are refused, so that the target can catch up. */
  get isUnderWay(): boolean {
    return this.#target !== undefined;
  }

  begin(): void {
    this.#ledSince = this.#state.now;
    this.#target = undefined;
  }

  /** Leadership ended, by the handover or otherwise. */
  end(): void {
    this.#finish(true);
  }

  request(ticket: Ticket, to?: ServerId): void {
    const state = this.#state;
    if (this.#target !== undefined) return state.refuse(ticket, 'transferring');
    if (to === state.id) return state.effect({ type: 'transferred', ticket, isDone: true });
    const successors = this.#leader.successors();
    const target = to === undefined ? successors[0] : successors.find(({ id }) => id === to);
    if (target === undefined)
      return state.refuse(ticket, to === undefined || state.peers.includes(to) ? 'not-caught-up' : 'unknown-server');
    return this.#start({ id: target.id, ticket });
  }

  /** The disk fails or is silent: someone else should lead, at once. */
  escape(): void {
    const target = this.#leader.successors()[0];
    if (target === undefined) this.#stepDown();
    else if (this.#target === undefined) this.#start({ id: target.id, isUrgent: true });
  }

  /** The last word of a server that stops: whoever is best should lead. */
  bequeath(): void {
    const successor = this.#leader.successors()[0];
    if (successor !== undefined) this.#state.send(successor.id, { type: 'timeout-now', term: this.#state.term });
  }

  onTimeout(): void {
    // With a disk that is still silent there is nothing to go back to.
    const { isStalled } = this.#state;
    this.#finish(false);
    if (isStalled) this.#stepDown();
  }

  flush(): void {
    const state = this.#state;
    if (state.role !== 'leader') return;
    const { configuration, configurations, commit } = state;
    const isChanging = configurations.newest.index > commit || configuration.outgoing.length > 0;
    if (!isChanging) this.#considerTakeover();
    const target = this.#target;
    if (target === undefined || target.isTold) return;
    // A joint configuration is ended by an entry that follows by itself: whoever stood for election without it would lose.
    if (isChanging && !target.isUrgent) return;
    const progress = this.#leader.followers.get(target.id);
    if (progress === undefined) return this.#finish(false);
    if (progress.match !== state.log.lastIndex) return undefined;
    target.isTold = true;
    // From now on another may be elected without waiting for this leader's lease.
    this.#leader.hasAbdicated = true;
    return state.send(target.id, { type: 'timeout-now', term: state.term });
  }

  #start({ id, ticket, isUrgent = false }: Pick<Target, 'id' | 'ticket'> & { readonly isUrgent?: boolean }): void {
    const { deadlines, now, config } = this.#state;
    this.#target = { id, ticket, isUrgent, isTold: false };
    deadlines.set('transfer', now + config.transferTimeoutMs);
  }

  #finish(isDone: boolean): void {
    const target = this.#target;
    this.#target = undefined;
    this.#state.deadlines.delete('transfer');
    if (target?.ticket !== undefined) this.#state.effect({ type: 'transferred', ticket: target.ticket, isDone });
  }

  /** A voter of higher priority that has been in good order for a while leads instead. */
  #considerTakeover(): void {
    const state = this.#state;
    const { config, now, log, id, priority } = state;
    if (!config.priorityElections || this.#target !== undefined) return;
    const waitMs = config.takeoverStableMs * this.#backOff;
    if (now - this.#ledSince < waitMs) return;
    const isDue = (candidate: Progress): boolean =>
      candidate.stableSince !== undefined &&
      now - candidate.stableSince >= config.takeoverStableMs &&
      log.lastIndex - candidate.match <= config.caughtUpEntries &&
      compareStandings(candidate, { id, priority }) < 0;
    const heir = this.#leader.successors().filter(isDue).toSorted(compareStandings)[0];
    if (heir === undefined) return;
    this.#backOff = Math.min(this.#backOff * 2, backOffMax);
    this.#start({ id: heir.id });
  }
}

interface Target {
  readonly id: ServerId;
  readonly ticket?: Ticket | undefined;
  /** The leader cannot go on: it waits for nothing but the target. */
  readonly isUrgent: boolean;
  isTold: boolean;
}
