import type { Machine, Millis, Wake } from '@grp/core';
import type { Effect, Input, Ticket } from '../effects.ts';
import type { Message } from '../messages.ts';
import type { Configuration, LogIndex, RoleName, ServerId, Term } from '../types.ts';
import { Applier } from './applier.ts';
import { checkInvariants } from './assertions.ts';
import { Election } from './election.ts';
import { Follower } from './follower.ts';
import { Handover } from './handover.ts';
import { Leader } from './leader.ts';
import { Membership } from './membership.ts';
import { Reads } from './reads.ts';
import { Recovery } from './recovery.ts';
import { Snapshots } from './snapshots.ts';
import { normalise, restore, type RaftMachineOptions } from './restoring.ts';
import type { State } from './state.ts';

/** Where a server stands: its role, its term, and how far its log has come. */
/** A wake-up that is later than this says that the process, or the machine, stood still. */
const lateMs = 3;

/** Where a server stands: its role, its term, and how far its log has come. */
export interface RaftStatus {
  readonly id: ServerId;
  readonly role: RoleName;
  readonly term: Term;
  readonly vote: ServerId | undefined;
  readonly leader: ServerId | undefined;
  readonly commitIndex: LogIndex;
  readonly appliedIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly durableIndex: LogIndex;
  readonly firstIndex: LogIndex;
  /** The last entry that the newest snapshot stands for; 0: there is none. */
  readonly snapshotIndex: LogIndex;
  readonly configuration: Configuration;
  readonly isRecovering: boolean;
  readonly stoppedFor: string | undefined;
  /** As leader: what it knows of each follower. */
  readonly followers: Readonly<Record<ServerId, FollowerStatus>>;
  /** As candidate: who granted a vote or a pre-vote. */
  readonly votes: readonly ServerId[];
}

export interface FollowerStatus {
  readonly match: LogIndex;
  readonly next: LogIndex;
  readonly mode: 'probe' | 'replicate' | 'snapshot';
}

/**
 * Raft (Ongaro, Ousterhout 2014; sections without a name are that paper's, "Ongaro 2014" is the dissertation) as a machine:
 * messages, proposals and what the disk has done go in; messages, writes and entries to apply come out.
 *
 * The host performs effects in order, `persist` and `install-snapshot` one after the other in particular, and gives the
 * answer to each as an input. Nothing that depends on a write leaves the machine before its `durable` comes in.
 */
export class RaftMachine implements Machine<Input, Effect> {
  readonly #state: State;
  readonly #recovery: Recovery;
  readonly #election: Election;
  readonly #follower: Follower;
  readonly #leader: Leader;
  readonly #handover: Handover;
  readonly #membership: Membership;
  readonly #reads: Reads;
  readonly #snapshots: Snapshots;
  readonly #applier: Applier;
  #told: { readonly role: RoleName; readonly term: Term; readonly leader: ServerId | undefined } | undefined;

  constructor(options: RaftMachineOptions) {
    const state = restore(options);
    this.#state = state;
    const stepDown = (): void => this.#election.becomeFollower(state.term, undefined);
    this.#recovery = new Recovery(state, options.restored?.damage ?? { log: false, hardState: false }, {
      becomeFollower: (term) => this.#election.becomeFollower(term, undefined),
      followerLost: (from, life) => this.#leader.followerLost(from, life),
    });
    this.#election = new Election(state, this.#recovery, {
      began: () => {
        this.#recovery.onLeading();
        this.#handover.begin();
        this.#leader.begin();
      },
      ended: () => {
        this.#leader.end();
        this.#handover.end();
        this.#reads.onEnd();
      },
    });
    this.#follower = new Follower(state, this.#election, this.#recovery);
    this.#leader = new Leader(state, {
      stepDown,
      committed: () =>
        this.#membership.onCommit(() => {
          this.#handover.bequeath();
          stepDown();
        }),
      sendSnapshot: (progress) => this.#snapshots.send(progress),
      continueSnapshot: (progress) => this.#snapshots.continue(progress),
    });
    this.#handover = new Handover(state, this.#leader, stepDown);
    this.#membership = new Membership(state, this.#leader);
    this.#reads = new Reads(state, this.#leader);
    this.#snapshots = new Snapshots(state, this.#leader);
    this.#applier = new Applier(state, this.#snapshots);
    normalise(state, options.restored);
  }

  step(inputs: readonly (Input | Wake)[], now: Millis): readonly Effect[] {
    const state = this.#state;
    const due = this.nextDeadline();
    state.now = now;
    for (const input of inputs) if (state.stoppedFor === undefined) this.#take(input);
    if (state.stoppedFor !== undefined) return state.takeEffects();
    if (due !== undefined && now - due > lateMs) {
      this.#election.postpone(now - due);
      this.#leader.postpone(now - due);
    }
    this.#runDeadlines();
    return this.#flush();
  }

  nextDeadline(): Millis | undefined {
    return this.#state.stoppedFor === undefined ? this.#state.deadlines.earliest() : undefined;
  }

  status(): RaftStatus {
    const state = this.#state;
    const { log } = state;
    return {
      id: state.id,
      role: state.role,
      term: state.term,
      vote: state.vote,
      leader: state.leader,
      commitIndex: state.commit,
      appliedIndex: state.applied,
      lastIndex: log.lastIndex,
      durableIndex: log.durable,
      firstIndex: log.base.index + 1,
      snapshotIndex: state.snapshot?.index ?? 0,
      configuration: state.configuration,
      isRecovering: this.#recovery.isUnderWay,
      stoppedFor: state.stoppedFor,
      followers: Object.fromEntries(
        [...this.#leader.followers].map(([id, { match, next, mode }]) => [id, { match, next, mode }]),
      ),
      votes: state.role === 'leader' ? [] : this.#election.granted,
    };
  }

  /** The term of an entry; undefined where the log does not reach. For checkers. */
  termAt(index: LogIndex): Term | undefined {
    return this.#state.log.term(index);
  }

  #take(input: Input | Wake): void {
    const state = this.#state;
    switch (input.type) {
      case 'wake':
        break;
      case 'start':
        this.#recovery.start();
        this.#election.start();
        break;
      case 'receive':
        this.#receive(input.from, input.message);
        break;
      case 'propose':
        if (this.#isServing(input.ticket)) this.#leader.propose(input.ticket, input.payload);
        break;
      case 'read':
        this.#reads.ask(input.ticket, input.mode);
        break;
      case 'read-done':
        this.#reads.onDone(input.ticket);
        break;
      case 'change':
        if (this.#isServing(input.ticket)) this.#membership.change(input.ticket, input.steps);
        break;
      case 'transfer':
        if (state.role === 'leader') this.#handover.request(input.ticket, input.to);
        else state.refuse(input.ticket, 'not-leader');
        break;
      case 'durable':
        state.disk.confirm(input.number);
        this.#leader.advanceCommit();
        this.#election.tally();
        break;
      case 'persist-failed':
        this.#onDiskFailure(input.reason);
        break;
      case 'space':
        state.isLowOnSpace = input.isLow;
        if (input.isLow && state.role === 'leader') this.#handover.escape();
        break;
      case 'snapshot':
        this.#snapshots.want();
        break;
      case 'applied':
        this.#applier.onApplied(input.index);
        break;
      case 'connected':
        this.#election.connected(input.peer);
        break;
      case 'disconnected':
        if (state.role === 'leader') this.#leader.onDisconnected(input.peer);
        this.#election.disconnected(input.peer);
        break;
      default:
        this.#takeFetched(input);
    }
  }

  #takeFetched(
    input: Extract<
      Input,
      { type: 'log-read' | 'snapshot-taken' | 'snapshot-read' | 'chunk-saved' | 'snapshot-installed' }
    >,
  ): void {
    switch (input.type) {
      case 'log-read':
        if (!this.#applier.onLogRead(input.ticket, input.entries)) this.#leader.onLogRead(input.ticket, input.entries);
        break;
      case 'snapshot-taken':
        this.#snapshots.onTaken(input.snapshot);
        break;
      case 'snapshot-read':
        this.#snapshots.onRead(input.ticket, input.bytes);
        break;
      case 'chunk-saved':
        this.#follower.onChunkSaved(input.id, input.isSaved);
        break;
      case 'snapshot-installed':
        if (input.isWhole) this.#applier.onInstalled();
        this.#follower.onInstalled(input.id, input.isWhole);
        break;
    }
  }

  #receive(from: ServerId, message: Message): void {
    const state = this.#state;
    const isAnswerToLeader = message.type === 'append-response' || message.type === 'snapshot-response';
    if (isAnswerToLeader && message.term > state.term) return this.#election.becomeFollower(message.term, undefined);
    if (isAnswerToLeader && (message.term < state.term || state.role !== 'leader')) return state.drop('stale-response');
    switch (message.type) {
      case 'vote-request':
        return this.#election.onVoteRequest(from, message);
      case 'vote-response':
        return this.#election.onVoteResponse(from, message);
      case 'append-request':
        return this.#follower.onAppend(from, message);
      case 'append-response':
        return this.#leader.onResponse(from, message);
      case 'snapshot-request':
        return this.#follower.onSnapshot(from, message);
      case 'snapshot-response':
        return this.#snapshots.onResponse(from, message);
      case 'timeout-now':
        return this.#election.onTimeoutNow(from, message.term);
      case 'read-index-request':
        return this.#reads.onRequest(from, message);
      case 'read-index-response':
        return this.#reads.onResponse(from, message);
      case 'recovery-request':
        return this.#recovery.onRequest(from, message);
      case 'recovery-response':
        return this.#recovery.onResponse(from, message);
    }
  }

  /** Does this server take proposals? */
  #isServing(ticket: Ticket): boolean {
    const state = this.#state;
    if (state.role !== 'leader') state.refuse(ticket, 'not-leader');
    else if (this.#handover.isUnderWay) state.refuse(ticket, 'transferring');
    else return true;
    return false;
  }

  #onDiskFailure(reason: string): void {
    const state = this.#state;
    if (!state.rules.stopsOnDiskFailure) return;
    if (state.role === 'leader') this.#handover.bequeath();
    state.stoppedFor = reason;
    state.effect({ type: 'stopped', reason });
  }

  #runDeadlines(): void {
    const { deadlines, now } = this.#state;
    for (let name = deadlines.takeDue(now); name !== undefined; name = deadlines.takeDue(now)) {
      if (name === 'election') this.#election.onTimeout();
      else if (name === 'heartbeat') this.#leader.onHeartbeat();
      else if (name === 'news') this.#leader.onNews();
      else if (name === 'transfer') this.#handover.onTimeout();
      else if (name === 'recovery') this.#recovery.ask();
      else this.#onStall();
    }
  }

  #onStall(): void {
    const state = this.#state;
    state.isStalled = state.disk.waitingSince !== undefined;
    if (state.isStalled && state.role === 'leader') this.#handover.escape();
  }

  #flush(): readonly Effect[] {
    const state = this.#state;
    const { disk, log } = state;
    this.#tellRole();
    if (state.role === 'leader') {
      this.#reads.prepare();
      this.#handover.flush();
      this.#leader.flush();
    }
    this.#follower.flush();
    const write = disk.flush({ term: state.term, vote: state.vote }, state.commit, state.now);
    for (const { to, message } of disk.release()) state.send(to, message);
    this.#watchDisk();
    this.#applier.flush();
    this.#snapshots.consider();
    this.#reads.flush();
    log.evict(Math.min(state.applying, log.durable), state.config.cacheBytesMax);
    checkInvariants(state);
    const effects = state.takeEffects();
    if (write === undefined) return effects;
    // The messages have the longer way: through a peer's disk, and back. The disk starts next, before anything is applied.
    return effects.toSpliced(effects.findLastIndex(({ type }) => type === 'send') + 1, 0, write);
  }

  #watchDisk(): void {
    const state = this.#state;
    const since = state.disk.waitingSince;
    if (since === undefined) {
      state.isStalled = false;
      state.deadlines.delete('stall');
    } else if (!state.isStalled) state.deadlines.set('stall', since + state.config.storageStallMs);
  }

  #tellRole(): void {
    const { role, term, leader } = this.#state;
    const told = this.#told;
    if (told?.role === role && told.term === term && told.leader === leader) return;
    this.#told = { role, term, leader };
    this.#state.effect({ type: 'role', role, term, leader });
  }
}
