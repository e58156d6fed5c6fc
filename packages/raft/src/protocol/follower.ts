import { invariant } from '@grp/core';
import type { AppendRequest, AppendResponse, SnapshotRequest } from '../messages.ts';
import type { LogIndex, LogPosition, ServerId, SnapshotInfo } from '../types.ts';
import type { Election } from './election.ts';
import type { Recovery } from './recovery.ts';
import type { State } from './state.ts';

/** Takes what a leader sends: entries (§5.3) and snapshots (§7), and acknowledges what is durable. */
export class Follower {
  readonly #state: State;
  readonly #election: Election;
  readonly #recovery: Recovery;
  /** The log is known to equal the leader's up to here; of this term and leader. */
  #verified: LogIndex = 0;
  #verifiedTerm = 0;
  #round = 0;
  #acknowledged: LogIndex = 0;
  #mustAnswer = false;
  #mismatch: AppendResponse['mismatch'];
  /** A snapshot that is arriving: how much of it is kept, and how much will be once the chunk under way is. */
  #staging: { readonly snapshot: SnapshotInfo; readonly offset: number; readonly saving?: number } | undefined;

  constructor(state: State, election: Election, recovery: Recovery) {
    this.#state = state;
    this.#election = election;
    this.#recovery = recovery;
  }

  onAppend(from: ServerId, request: AppendRequest): void {
    const state = this.#state;
    if (!this.#follow(from, request)) return this.#tellTerm(from);
    this.#election.heard(from, request.rank);
    this.#recovery.onAppend(request);
    this.#hear(request.round);
    if (state.installing !== undefined && !state.rules.appendsWhileInstalling) return undefined;
    return this.#append(request);
  }

  onSnapshot(from: ServerId, request: SnapshotRequest): void {
    const state = this.#state;
    if (!this.#follow(from, request)) return this.#tellTerm(from);
    this.#election.heard(from);
    this.#hear(request.round);
    const { snapshot, offset, bytes } = request;
    if (state.installing?.id === snapshot.id) return this.#tellOffset(from, snapshot.id, snapshot.sizeBytes);
    if (state.installing !== undefined) return undefined;
    if (!state.rules.isSnapshotNews(snapshot.index, state.commit)) {
      // It has all of that: what is committed here equals the leader's log.
      this.#verify(state.commit);
      this.#mustAnswer = true;
      return undefined;
    }
    if (this.#staging?.snapshot.id !== snapshot.id) {
      if (offset !== 0) return this.#tellOffset(from, snapshot.id, 0);
      this.#staging = { snapshot, offset: 0 };
    }
    if (this.#staging.saving !== undefined) return undefined; // it is answered when the chunk under way is kept
    if (this.#staging.offset !== offset) return this.#tellOffset(from, snapshot.id, this.#staging.offset);
    const saving = offset + bytes.length;
    if (saving > snapshot.sizeBytes || (bytes.length === 0 && saving < snapshot.sizeBytes))
      return state.drop('snapshot-chunk-beyond-end');
    state.effect({ type: 'save-chunk', snapshot, offset, bytes });
    this.#staging = { snapshot, offset, saving };
    return undefined;
  }

  /** The leader sends no more before it hears of this: what arrives never outruns the disk. */
  onChunkSaved(id: string, isSaved: boolean): void {
    const state = this.#state;
    const { snapshot, saving } = this.#staging ?? {};
    if (snapshot?.id !== id || saving === undefined) return;
    if (!isSaved) {
      this.#staging = undefined; // and the next chunk is answered by asking for the first
      return state.drop('snapshot-chunk-not-kept');
    }
    this.#staging = { snapshot, offset: saving };
    if (state.role === 'follower' && state.leader !== undefined) this.#tellOffset(state.leader, id, saving);
    if (saving < snapshot.sizeBytes) return;
    this.#staging = undefined;
    if (!state.rules.isSnapshotNews(snapshot.index, state.commit)) return; // it caught up otherwise meanwhile
    state.installing = snapshot;
    state.effect({ type: 'install-snapshot', snapshot });
  }

  onInstalled(id: string, isWhole: boolean): void {
    const state = this.#state;
    const snapshot = state.installing;
    invariant(snapshot?.id === id, 'what is installed was asked for');
    state.installing = undefined;
    if (!isWhole) return state.drop('snapshot-damaged'); // the leader sends it again from the start
    state.installed(snapshot);
    this.#verify(snapshot.index);
    this.#mustAnswer = true;
    return undefined;
  }

  /** Acknowledges, once a step, what is durable by now. */
  flush(): void {
    const state = this.#state;
    const { leader, log, rules, disk } = state;
    if (state.role !== 'follower' || leader === undefined || this.#verifiedTerm !== state.term) return;
    const verified = Math.min(this.#verified, log.lastIndex);
    const match = rules.appendsWaitForDisk ? Math.min(verified, log.durable) : verified;
    this.#recovery.reached(match);
    if (!this.#mustAnswer && match <= this.#acknowledged) return;
    // The term, too, must not be forgotten once it was spoken of.
    if (rules.appendsWaitForDisk && !disk.isHardStateDurable) return;
    this.#mustAnswer = false;
    this.#acknowledged = match;
    const recoveringLife = this.#recovery.life;
    const mismatch = this.#mismatch;
    this.#mismatch = undefined;
    state.send(leader, {
      type: 'append-response',
      term: state.term,
      match,
      round: this.#round,
      ...(mismatch !== undefined && { mismatch }),
      ...(recoveringLife !== undefined && { recoveringLife }),
      isLowOnSpace: state.isLowOnSpace,
      priority: state.priority,
    });
  }

  /** Joins the term of whoever speaks as its leader; false: that leader is of the past. */
  #follow(from: ServerId, { term }: { readonly term: number }): boolean {
    const state = this.#state;
    if (term < state.term) return false;
    invariant(term > state.term || state.role !== 'leader', 'at most one leader per term (§5.2)');
    if (term > state.term || state.role !== 'follower') this.#election.becomeFollower(term, from);
    if (this.#verifiedTerm !== term) {
      this.#verifiedTerm = term;
      this.#verified = 0;
      this.#round = 0;
      this.#acknowledged = 0;
      this.#mismatch = undefined;
      this.#mustAnswer = false;
    }
    return true;
  }

  #append({ previous, entries, commit }: AppendRequest): void {
    const state = this.#state;
    const { log, rules } = state;
    // Entries below the base are committed, so they equal the leader's.
    const news = previous.index >= log.base.index ? entries : entries.filter(({ index }) => index > log.base.index);
    const before: LogPosition = previous.index >= log.base.index ? previous : log.base;
    if (log.term(before.index) !== before.term) {
      const hint = log.lastPlace({ index: Math.min(previous.index, log.lastIndex), term: previous.term });
      this.#mismatch = { previous: previous.index, hint };
      this.#mustAnswer = true;
      return;
    }
    let verified = before.index;
    if (news.length > 0) {
      if (state.isLowOnSpace) this.#mustAnswer = true;
      else verified = this.#take(news);
    }
    this.#verify(verified);
    if (verified <= log.durable && entries.length > 0) this.#mustAnswer = true; // the first answer was lost
    const through = Math.min(rules.followerCommit(commit, this.#verified), log.lastIndex);
    if (through > state.commit) state.setCommit(through);
  }

  #take(entries: AppendRequest['entries']): LogIndex {
    const state = this.#state;
    const { log } = state;
    const conflict = state.rules.firstConflict(entries, (index) => log.term(index));
    if (conflict !== undefined) {
      state.truncateFrom(conflict);
      this.#verified = Math.min(this.#verified, conflict - 1);
      this.#acknowledged = Math.min(this.#acknowledged, conflict - 1);
    }
    const fresh = entries.filter(({ index }) => index > log.lastIndex);
    if (fresh.length > 0) state.append(fresh);
    return (entries.at(-1) as { index: LogIndex }).index;
  }

  #verify(through: LogIndex): void {
    this.#verified = Math.max(this.#verified, through);
  }

  #hear(round: number): void {
    if (round <= this.#round) return;
    this.#round = round;
    this.#mustAnswer = true;
  }

  #tellTerm(to: ServerId): void {
    const { term, isLowOnSpace, priority } = this.#state;
    this.#state.send(to, { type: 'append-response', term, match: 0, round: 0, isLowOnSpace, priority });
  }

  #tellOffset(to: ServerId, id: string, nextOffset: number): void {
    const { term } = this.#state;
    this.#state.send(to, { type: 'snapshot-response', term, id, nextOffset, round: this.#round });
  }
}
