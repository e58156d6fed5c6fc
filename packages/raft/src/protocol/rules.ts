import type { Configuration, Entry, LogIndex, LogPosition, ServerId, Term } from '../types.ts';
import { majority, majorityValue, quorumValue } from './quorum.ts';

/** A write that the disk has not confirmed. */
export interface OpenWrite {
  readonly number: number;
  /** The last entry that was written. */
  readonly written: LogIndex;
  /** The last of them that is still in the log. */
  last: LogIndex;
}

/**
 * The sentences of the paper on which safety rests, one function or fact each. The machine consults this table, so that a
 * test can replace one sentence by a classical mistake and show that it is noticed; nobody else replaces anything.
 */
export interface Rules {
  /** §5.4.1: the later last term wins; with equal terms, the longer log. */
  readonly isUpToDate: (candidate: LogPosition, own: LogPosition) => boolean;
  /** §5.2: a candidate leads once a majority (of each side, while joint) voted for it. */
  readonly isElected: (configuration: Configuration, granted: (id: ServerId) => boolean) => boolean;
  /** §5.3, §5.4: an entry is committed once a majority of the voters has it. Learners never count. */
  readonly committedIndex: (configuration: Configuration, matchOf: (id: ServerId) => LogIndex) => LogIndex;
  /** §5.4.2, figure 8: only entries of the leader's own term are committed by counting. */
  readonly mayCommit: (entryTerm: Term, currentTerm: Term) => boolean;
  /** §5.3: the first entry that conflicts with the log, from where it is cut; entries that are there already stay. */
  readonly firstConflict: (
    entries: readonly Entry[],
    termAt: (index: LogIndex) => Term | undefined,
  ) => LogIndex | undefined;
  /** §5.3, figure 2: never beyond the last entry that is known to equal the leader's. */
  readonly followerCommit: (leaderCommit: LogIndex, verified: LogIndex) => LogIndex;
  /** §5.1, figure 2: the vote is on disk before it is given. */
  readonly votesWaitForDisk: boolean;
  /** Figure 2: entries are on disk before they are acknowledged. */
  readonly appendsWaitForDisk: boolean;
  /** How far the log is durable when the disk confirms a write: of each write, only what was not cut away since. */
  readonly durableThrough: (confirmed: readonly OpenWrite[], durable: LogIndex) => LogIndex;
  /** Ongaro's correction of 2015: one change at a time, and none before an entry of the own term is committed. */
  readonly mayChange: (facts: {
    readonly commit: LogIndex;
    readonly commitTerm: Term;
    readonly term: Term;
    readonly configurationIndex: LogIndex;
  }) => boolean;
  /** Ongaro 2014, §6.4 step 1: a leader knows the commit index once an entry of its own term is committed. */
  readonly mayRead: (commitTerm: Term, currentTerm: Term) => boolean;
  /** Ongaro 2014, §6.4 step 3: a read is proven by a round that began after it was asked. */
  readonly roundOfRead: (roundsBegun: number) => number;
  /** Ongaro 2014, §6.4.1; asked before the read. */
  readonly leaseHolds: (now: number, until: number) => boolean;
  /** Asked after it: the process may have stood still in between. */
  readonly leaseStillHolds: (now: number, until: number) => boolean;
  /** §7: a snapshot that ends before the commit index brings nothing, and would take something away. */
  readonly isSnapshotNews: (snapshotIndex: LogIndex, commit: LogIndex) => boolean;
  /** While a snapshot is being installed the log is nobody's to append to. */
  readonly appendsWhileInstalling: boolean;
  /** §6, Ongaro 2014 §4.2.3: no vote against a leader that was heard within the minimum election timeout. */
  readonly heedsLeader: (now: number, heardAt: number, electionTimeoutMs: number) => boolean;
  /** A server whose log may lack what it acknowledged must not vote by that log. */
  readonly recoveringMayVote: boolean;
  /** After a failed fsync nobody knows what is on disk: this server stops. */
  readonly stopsOnDiskFailure: boolean;
}

/** The rules as the paper has them. */
export const paperRules: Rules = {
  isUpToDate: (candidate, own) =>
    candidate.term === own.term ? candidate.index >= own.index : candidate.term > own.term,
  isElected: ({ voters, outgoing }, granted) => {
    const wins = (side: readonly ServerId[]): boolean => side.filter(granted).length >= majority(side.length);
    return wins(voters) && (outgoing.length === 0 || wins(outgoing));
  },
  committedIndex: quorumValue,
  mayCommit: (entryTerm, currentTerm) => entryTerm === currentTerm,
  firstConflict: (entries, termAt) =>
    entries.find(({ index, term }) => {
      const own = termAt(index);
      return own !== undefined && own !== term;
    })?.index,
  followerCommit: (leaderCommit, verified) => Math.min(leaderCommit, verified),
  votesWaitForDisk: true,
  appendsWaitForDisk: true,
  durableThrough: (confirmed, durable) => confirmed.reduce((through, { last }) => Math.max(through, last), durable),
  mayChange: ({ commit, commitTerm, term, configurationIndex }) => commitTerm === term && configurationIndex <= commit,
  mayRead: (commitTerm, currentTerm) => commitTerm === currentTerm,
  roundOfRead: (roundsBegun) => roundsBegun + 1,
  leaseHolds: (now, until) => now < until,
  leaseStillHolds: (now, until) => now < until,
  isSnapshotNews: (snapshotIndex, commit) => snapshotIndex > commit,
  appendsWhileInstalling: false,
  heedsLeader: (now, heardAt, electionTimeoutMs) => now - heardAt < electionTimeoutMs,
  recoveringMayVote: false,
  stopsOnDiskFailure: true,
};

/** The greatest round that a quorum has answered. */
export function confirmedRound(configuration: Configuration, roundOf: (id: ServerId) => number): number {
  const { voters, outgoing } = configuration;
  const incoming = majorityValue(voters.map(roundOf), 0);
  return outgoing.length === 0 ? incoming : Math.min(incoming, majorityValue(outgoing.map(roundOf), 0));
}
