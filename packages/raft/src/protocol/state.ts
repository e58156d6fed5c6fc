import { Deadlines, invariant, type Millis, type Random } from '@grp/core';
import type { RaftConfig } from '../config.ts';
import type { Effect, Refusal, Ticket } from '../effects.ts';
import type { Message } from '../messages.ts';
import type { Configuration, Entry, LogIndex, RoleName, ServerId, SnapshotInfo, Term } from '../types.ts';
import type { Configurations } from './configurations.ts';
import { DiskQueue } from './disk-queue.ts';
import type { LogView } from './log.ts';
import { allServers, isVoter } from './quorum.ts';
import type { Rules } from './rules.ts';

export type DeadlineName = 'election' | 'heartbeat' | 'news' | 'stall' | 'transfer' | 'recovery';

export interface StateOptions {
  readonly id: ServerId;
  readonly priority: number;
  readonly config: RaftConfig;
  readonly rules: Rules;
  readonly random: Random;
  readonly log: LogView;
  readonly configurations: Configurations;
  readonly term: Term;
  readonly vote: ServerId | undefined;
  readonly commit: LogIndex;
  readonly snapshot: SnapshotInfo | undefined;
}

/** What all parts of one server share: its hard state, its log and indices, its deadlines, and the effects of this step. */
export class State {
  readonly id: ServerId;
  readonly priority: number;
  readonly config: RaftConfig;
  readonly rules: Rules;
  readonly random: Random;
  readonly log: LogView;
  readonly configurations: Configurations;
  readonly deadlines = new Deadlines<DeadlineName>();
  readonly disk: DiskQueue;
  now: Millis = 0;
  role: RoleName = 'follower';
  /** Whom this server follows in this term, itself while it leads. */
  leader: ServerId | undefined;
  // base ≤ snapshot, applied ≤ applying ≤ commit ≤ last
  #commit: LogIndex;
  /** Handed to the state machine. */
  applying: LogIndex;
  /** Done by the state machine. */
  applied: LogIndex;
  snapshot: SnapshotInfo | undefined;
  /** A snapshot that the host is putting in the place of the log. */
  installing: SnapshotInfo | undefined;
  isLowOnSpace = false;
  isStalled = false;
  stoppedFor: string | undefined;
  #term: Term;
  #vote: ServerId | undefined;
  #effects: Effect[] = [];
  #ticket = 0;

  constructor(options: StateOptions) {
    const { id, priority, config, rules, random, log, configurations, term, vote, commit, snapshot } = options;
    this.id = id;
    this.priority = priority;
    this.config = config;
    this.rules = rules;
    this.random = random;
    this.log = log;
    this.configurations = configurations;
    this.#term = term;
    this.#vote = vote;
    this.#commit = commit;
    this.snapshot = snapshot;
    this.applying = snapshot?.index ?? 0;
    this.applied = this.applying;
    this.disk = new DiskQueue(log);
  }

  get term(): Term {
    return this.#term;
  }

  get vote(): ServerId | undefined {
    return this.#vote;
  }

  get commit(): LogIndex {
    return this.#commit;
  }

  get commitTerm(): Term {
    return this.log.term(this.#commit) ?? 0;
  }

  get configuration(): Configuration {
    return this.configurations.current;
  }

  get isVoter(): boolean {
    return isVoter(this.configuration, this.id);
  }

  /** Everyone else in the configuration. */
  get peers(): ServerId[] {
    return allServers(this.configuration).filter((id) => id !== this.id);
  }

  setTerm(term: Term, vote: ServerId | undefined): void {
    invariant(term > this.#term, 'terms only rise');
    this.#term = term;
    this.#vote = vote;
    this.disk.touchHardState();
  }

  setVote(vote: ServerId): void {
    if (this.#vote === vote) return;
    invariant(this.#vote === undefined, 'one vote per term');
    this.#vote = vote;
    this.disk.touchHardState();
  }

  setCommit(index: LogIndex): void {
    invariant(index > this.#commit, 'the commit index only rises');
    invariant(index <= this.log.lastIndex, 'what is committed is in the log');
    this.#commit = index;
  }

  append(entries: readonly Entry[]): void {
    this.log.append(entries);
    const before = this.configurations.newest;
    this.configurations.append(entries);
    if (this.configurations.newest !== before) this.#tellConfiguration();
  }

  truncateFrom(index: LogIndex): void {
    invariant(this.role !== 'leader', 'a leader only appends to its log (§5.3)');
    invariant(index > this.#commit, 'a committed entry is never removed');
    const before = this.configurations.newest;
    this.log.truncateFrom(index);
    this.configurations.truncateFrom(index);
    this.disk.truncated(index);
    if (this.configurations.newest !== before) this.#tellConfiguration();
  }

  /** A snapshot has taken the place of the log. */
  installed(snapshot: SnapshotInfo, isOnDisk = true): void {
    invariant(snapshot.index >= this.#commit, 'a snapshot never takes back what is committed');
    this.log.reset(snapshot);
    this.disk.emptied({ index: snapshot.index, term: snapshot.term }, isOnDisk);
    this.configurations.reset({ index: snapshot.index, configuration: snapshot.configuration });
    this.snapshot = snapshot;
    this.#commit = snapshot.index;
    this.applying = snapshot.index;
    this.applied = snapshot.index;
    this.#tellConfiguration();
  }

  newTicket(): Ticket {
    return ++this.#ticket;
  }

  effect(effect: Effect): void {
    this.#effects.push(effect);
  }

  send(to: ServerId, message: Message): void {
    this.#effects.push({ type: 'send', to, message });
  }

  refuse(ticket: Ticket, reason: Refusal): void {
    this.#effects.push({ type: 'refused', ticket, reason, leader: this.leader });
  }

  drop(reason: string): void {
    this.#effects.push({ type: 'drop', reason });
  }

  takeEffects(): Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  #tellConfiguration(): void {
    this.#effects.push({ type: 'configuration', ...this.configurations.newest });
  }
}
