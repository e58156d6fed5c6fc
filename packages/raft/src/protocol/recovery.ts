import { below, invariant } from '@grp/core';
import type { AppendRequest, RecoveryRequest, RecoveryResponse } from '../messages.ts';
import type { LogIndex, LogPosition, ServerId, Term } from '../types.ts';
import { allVoters } from './quorum.ts';
import type { State } from './state.ts';

export interface RecoveryHooks {
  readonly becomeFollower: (term: Term) => void;
  /** As leader: this life of a follower lost part of its log. */
  readonly followerLost: (from: ServerId, life: number) => void;
}

/** What the disk lost, told at each start until `recovered` was said and is durable. */
export interface Damage {
  /** Entries may be missing at the end of the log: torn, or acknowledged and rotten. */
  readonly log: boolean;
  /** The term and the vote may be older than what this server once said. */
  readonly hardState: boolean;
}

/**
 * A server that may have lost entries which it acknowledged (protocol-aware recovery; Alagappan et al., FAST 2018). It
 * neither votes, nor stands, nor counts for commits and leases, until one of these settles what it has lost:
 *
 * - A leader brings it up to where the leader's log ended when it heard of the loss. Whatever this server acknowledged and
 *   could still be committed lies below: to this leader, because it was in its log; to an earlier one, by leader
 *   completeness, because the leader was elected without this server's damaged vote.
 * - All voters have answered, and none leads: then whatever none of them can read is on no disk, and what some can read
 *   sets the bar. This server votes for logs at least as up-to-date as the best of them, and may lead with such a log.
 *
 * A quorum of undamaged servers needs no help from it: it elects its leader by itself.
 */
export class Recovery {
  readonly #state: State;
  readonly #hooks: RecoveryHooks;
  #life = 0;
  #isNeeded: boolean;
  #isTermUnknown: boolean;
  readonly #reports = new Map<ServerId, RecoveryResponse>();
  #goal: { readonly term: Term; readonly through: LogIndex } | undefined;

  constructor(state: State, damage: Damage, hooks: RecoveryHooks) {
    this.#state = state;
    this.#hooks = hooks;
    this.#isNeeded = damage.log || damage.hardState;
    this.#isTermUnknown = damage.hardState;
  }

  get isUnderWay(): boolean {
    return this.#isNeeded;
  }

  /** Goes with every acknowledgement while it is under way. */
  get life(): number | undefined {
    return this.#isNeeded ? this.#life : undefined;
  }

  start(): void {
    if (!this.#isNeeded) return;
    const { random } = this.#state;
    this.#life = 1 + below(random, 0xffff_fffe);
    this.ask();
  }

  /** Asks everyone, until it is settled. */
  ask(): void {
    if (!this.#isNeeded) return;
    const { term, peers, deadlines, now, config } = this.#state;
    for (const to of peers) this.#state.send(to, { type: 'recovery-request', term, life: this.#life });
    deadlines.set('recovery', now + config.recoveryIntervalMs);
    this.#settleTerm();
  }

  /** May a log that ends here get this server's vote, or be its own when it stands? */
  allows(last: LogPosition): boolean {
    const { rules } = this.#state;
    if (!this.#isNeeded || rules.recoveringMayVote) return true;
    const bar = this.#bar();
    return bar !== undefined && rules.isUpToDate(last, bar);
  }

  onRequest(from: ServerId, { life }: RecoveryRequest): void {
    const state = this.#state;
    const isLeader = state.role === 'leader';
    if (isLeader) this.#hooks.followerLost(from, life);
    // The term goes out as it is on disk or will be: a report promises nothing.
    state.send(from, { type: 'recovery-response', term: state.term, life, last: state.log.last, isLeader });
  }

  onResponse(from: ServerId, response: RecoveryResponse): void {
    if (!this.#isNeeded || response.life !== this.#life) return;
    if (response.term > this.#state.term) this.#hooks.becomeFollower(response.term);
    this.#reports.set(from, response);
    this.#settleTerm();
  }

  /** The leader says how far this server must get. */
  onAppend({ term, recovery }: AppendRequest): void {
    if (this.#isNeeded && recovery?.life === this.#life) this.#goal = { term, through: recovery.through };
  }

  /** The log is durable and equal to the leader's up to here. */
  reached(match: LogIndex): void {
    const { term } = this.#state;
    const goal = this.#goal;
    if (this.#isNeeded && goal?.term === term && match >= goal.through && !this.#isTermUnknown) this.#end();
  }

  /** Elected with the best log there is: it is the measure now. */
  onLeading(): void {
    if (this.#isNeeded) this.#end();
  }

  #end(): void {
    invariant(!this.#isTermUnknown, 'who does not know its term has not recovered');
    this.#isNeeded = false;
    this.#reports.clear();
    this.#state.deadlines.delete('recovery');
    this.#state.effect({ type: 'recovered' });
  }

  /** The best log that anyone can read; undefined while somebody has not answered, or leads. */
  #bar(): LogPosition | undefined {
    if (this.#isTermUnknown) return undefined;
    const { configuration, id, log, rules } = this.#state;
    let bar = log.last;
    for (const voter of allVoters(configuration)) {
      if (voter === id) continue;
      const report = this.#reports.get(voter);
      if (report === undefined || report.isLeader) return undefined;
      if (rules.isUpToDate(report.last, bar)) bar = report.last;
    }
    return bar;
  }

  /** Every candidate knows its own term: above all that anyone reports, this server has promised nothing. */
  #settleTerm(): void {
    const state = this.#state;
    if (!this.#isTermUnknown) return;
    const others = allVoters(state.configuration).filter((voter) => voter !== state.id);
    if (others.some((voter) => !this.#reports.has(voter))) return;
    // Its vote in this term may be given already: it is spent.
    if (state.vote === undefined) state.setVote(state.id);
    this.#isTermUnknown = false;
  }
}
