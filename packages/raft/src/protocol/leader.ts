import { invariant, type Millis } from '@grp/core';
import type { ClientPayload, Ticket } from '../effects.ts';
import type { AppendResponse } from '../messages.ts';
import { entryBytes, type Entry, type LogIndex, type Payload, type ServerId } from '../types.ts';
import { compareStandings } from './priority.ts';
import { Progress } from './progress.ts';
import { allVoters } from './quorum.ts';
import { confirmedRound } from './rules.ts';
import type { State } from './state.ts';

export interface LeaderHooks {
  /** Leadership cannot go on. */
  readonly stepDown: () => void;
  /** The commit index has risen. */
  readonly committed: () => void;
  /** A follower needs entries that are gone from the log. */
  readonly sendSnapshot: (progress: Progress) => void;
  /** Goes on with a snapshot that is being sent. */
  readonly continueSnapshot: (progress: Progress) => void;
}

/** Rounds that nobody confirms are forgotten: a lease is then not renewed by them. */
const roundsMax = 4_096;

/** Replication by the leader (§5.3): progress of each follower, rounds of heartbeats, commits. */
export class Leader {
  readonly #state: State;
  readonly #hooks: LeaderHooks;
  readonly #progress = new Map<ServerId, Progress>();
  #round = 0;
  /** When each round began, for the rounds that are not confirmed yet. */
  #rounds: { readonly round: number; readonly at: Millis }[] = [];
  #confirmedRound = 0;
  #confirmedAt: Millis = 0;
  #hasConfirmed = false;
  /** Who could not listen itself has no right to complain of silence: until then it does not give up. */
  #patientUntil: Millis = 0;
  #mustBeat = false;
  /** Followers are told how far is committed though there is nothing else to say. */
  #mustTell = false;
  #uncommittedBytes = 0;
  #uncommitted: { readonly index: LogIndex; readonly bytes: number }[] = [];
  /** Leases end for good in a term in which the leader asked another to take over. */
  hasAbdicated = false;

  constructor(state: State, hooks: LeaderHooks) {
    this.#state = state;
    this.#hooks = hooks;
  }

  get followers(): ReadonlyMap<ServerId, Progress> {
    return this.#progress;
  }

  get roundsBegun(): number {
    return this.#round;
  }

  get confirmedRound(): number {
    return this.#confirmedRound;
  }

  /** A quorum will not vote for another before (Ongaro 2014, §6.4.1). */
  get leaseUntil(): Millis {
    const { config } = this.#state;
    if (!this.#hasConfirmed || this.hasAbdicated) return -Infinity;
    return this.#confirmedAt + config.electionTimeoutMs * (1 - config.clockDriftMax);
  }

  begin(): void {
    const state = this.#state;
    this.#progress.clear();
    this.#round = 0;
    this.#rounds = [];
    this.#confirmedRound = 0;
    this.#confirmedAt = state.now;
    this.#hasConfirmed = false;
    this.hasAbdicated = false;
    this.#uncommitted = [];
    this.#uncommittedBytes = 0;
    this.reconfigure();
    // §8: an entry of the own term, so that the commit index becomes known.
    this.append({ type: 'no-op' });
    this.beat();
    this.advanceCommit();
  }

  end(): void {
    this.#progress.clear();
    this.#state.deadlines.delete('heartbeat');
    this.#state.deadlines.delete('news');
  }

  /** Followers come and go with the configuration. */
  reconfigure(): void {
    const { peers, log, now } = this.#state;
    for (const id of this.#progress.keys()) if (!peers.includes(id)) this.#progress.delete(id);
    for (const id of peers)
      if (!this.#progress.has(id)) this.#progress.set(id, new Progress(id, log.lastIndex + 1, now));
  }

  propose(ticket: Ticket, payload: ClientPayload): void {
    const state = this.#state;
    if (state.isLowOnSpace) return state.refuse(ticket, 'low-on-space');
    if (this.#uncommittedBytes >= state.config.uncommittedBytesMax) return state.refuse(ticket, 'overloaded');
    const index = this.append(payload);
    state.effect({ type: 'accepted', ticket, index, term: state.term });
    return undefined;
  }

  append(payload: Payload): LogIndex {
    const state = this.#state;
    const entry: Entry = { index: state.log.lastIndex + 1, term: state.term, payload };
    state.append([entry]);
    const bytes = entryBytes(entry);
    this.#uncommitted.push({ index: entry.index, bytes });
    this.#uncommittedBytes += bytes;
    return entry.index;
  }

  /** A new round: its answers prove leadership at this moment. */
  beat(): void {
    const { now, deadlines, config } = this.#state;
    this.#rounds.push({ round: ++this.#round, at: now });
    if (this.#rounds.length > roundsMax) this.#rounds.splice(0, roundsMax / 2);
    this.#mustBeat = true;
    deadlines.set('heartbeat', now + config.heartbeatMs);
    this.#confirmRounds();
  }

  /** This process stood still: what the followers said meanwhile is not read yet. */
  postpone(stillMs: Millis): void {
    const { now, config } = this.#state;
    const isNews = now >= this.#patientUntil + config.quorumTimeoutMs;
    if (isNews) this.#patientUntil = now + Math.min(stillMs + 2 * config.heartbeatMs, config.quorumTimeoutMs);
  }

  onHeartbeat(): void {
    const { now, config } = this.#state;
    const isAlone = now - this.#confirmedAt > config.quorumTimeoutMs && now >= this.#patientUntil;
    if (config.checkQuorum && isAlone) return this.#hooks.stepDown();
    for (const progress of this.#progress.values()) {
      progress.isProbeSent = false;
      if (now - progress.heardAt > config.electionTimeoutMs) progress.stableSince = undefined;
    }
    return this.beat();
  }

  /** No entries came along that could have carried the commit index. */
  onNews(): void {
    this.#mustTell = true;
  }

  onResponse(from: ServerId, response: AppendResponse): void {
    const state = this.#state;
    const progress = this.#progress.get(from);
    if (progress === undefined) return state.drop('response-of-stranger');
    progress.heardAt = state.now;
    progress.priority = response.priority;
    progress.isLowOnSpace = response.isLowOnSpace;
    const { recoveringLife: life } = response;
    if (life !== undefined) {
      if (progress.recovery?.life !== life) return this.followerLost(from, life);
    } else {
      progress.recovery = undefined;
      this.confirmRound(progress, response.round);
    }
    if (response.mismatch !== undefined) this.#onMismatch(progress, response.mismatch);
    else this.#onMatch(progress, response.match);
    return undefined;
  }

  /** A follower heard of this round, and still took this server for its leader. */
  confirmRound(progress: Progress, round: number): void {
    progress.round = Math.max(progress.round, round);
    this.#confirmRounds();
  }

  followerLost(id: ServerId, life: number): void {
    const progress = this.#progress.get(id);
    if (progress === undefined || progress.recovery?.life === life) return;
    progress.lost(life, this.#state.log.lastIndex);
  }

  /** The connection broke: what was on its way is lost. */
  onDisconnected(id: ServerId): void {
    const progress = this.#progress.get(id);
    if (progress === undefined) return;
    if (progress.transfer !== undefined) progress.transfer.sentAt = undefined;
    else progress.probe(progress.match + 1);
  }

  /** How far each voter's log is durable; one's own counts when the disk has it. */
  advanceCommit(): void {
    const state = this.#state;
    if (state.role !== 'leader') return;
    const { log, rules, configuration } = state;
    const own = rules.appendsWaitForDisk ? log.durable : log.lastIndex;
    const index = rules.committedIndex(configuration, (id) => (id === state.id ? own : this.#countedMatch(id)));
    if (index <= state.commit || !rules.mayCommit(log.term(index) ?? 0, state.term)) return;
    state.setCommit(index);
    let freed = 0;
    while ((this.#uncommitted[freed]?.index ?? Infinity) <= index)
      this.#uncommittedBytes -= this.#uncommitted[freed++]?.bytes ?? 0;
    this.#uncommitted.splice(0, freed);
    this.#hooks.committed();
  }

  /** Sends each follower what it lacks and what is news to it. */
  flush(): void {
    const { deadlines, now, config } = this.#state;
    const isBeat = this.#mustBeat;
    const mustTell = this.#mustTell || config.commitNewsMs === 0;
    this.#mustBeat = false;
    this.#mustTell = false;
    let isBehind = false;
    for (const progress of this.#progress.values()) isBehind = this.#fill(progress, isBeat, mustTell) || isBehind;
    // The next entries usually follow at once, and take the news along: a message, and a turn of each follower, are saved.
    if (!isBehind) deadlines.delete('news');
    else if (deadlines.get('news') === undefined) deadlines.set('news', now + config.commitNewsMs);
  }

  /** Entries from disk, asked for by `#fill`. */
  onLogRead(ticket: Ticket, entries: readonly Entry[] | undefined): boolean {
    const progress = [...this.#progress.values()].find(({ reading }) => reading === ticket);
    if (progress === undefined) return false;
    progress.reading = undefined;
    const first = entries?.[0];
    const { log } = this.#state;
    // The log may have been compacted meanwhile; a leader's own entries never change.
    if (entries === undefined || first?.index !== progress.next || progress.mode === 'snapshot') return true;
    invariant(
      entries.every(({ index, term }) => log.term(index) === term || index <= log.base.index),
      'the disk gives back what was written',
    );
    if (log.term(progress.next - 1) !== undefined) this.#send(progress, entries);
    return true;
  }

  /** Voters who could lead at once, the best first: caught up, and heard of lately. */
  successors(): Progress[] {
    const { configuration, log, now, config } = this.#state;
    return allVoters(configuration)
      .map((id) => this.#progress.get(id))
      .filter((progress) => progress !== undefined)
      .filter((progress) => now - progress.heardAt <= config.electionTimeoutMs && !progress.isLowOnSpace)
      .filter((progress) => progress.mode === 'replicate' && progress.recovery === undefined)
      .toSorted(
        (a, b) => Number(b.match === log.lastIndex) - Number(a.match === log.lastIndex) || compareStandings(a, b),
      );
  }

  #countedMatch(id: ServerId): LogIndex {
    const progress = this.#progress.get(id);
    return progress === undefined || progress.recovery !== undefined ? 0 : progress.match;
  }

  #confirmRounds(): void {
    const { configuration, id } = this.#state;
    const round = confirmedRound(configuration, (voter) =>
      voter === id ? this.#round : (this.#progress.get(voter)?.round ?? 0),
    );
    if (round <= this.#confirmedRound) return;
    this.#confirmedRound = round;
    this.#hasConfirmed = true;
    for (const begun of this.#rounds) if (begun.round === round) this.#confirmedAt = begun.at;
    this.#rounds = this.#rounds.filter((begun) => begun.round > round);
  }

  #onMismatch(progress: Progress, { previous, hint }: NonNullable<AppendResponse['mismatch']>): void {
    if (progress.mode === 'snapshot' || previous <= progress.match) return;
    // Of a probe, only the answer to the last question counts.
    if (progress.mode === 'probe' && previous !== progress.next - 1) return;
    const fits = this.#state.log.lastPlace(hint).index;
    progress.probe(Math.max(progress.match, Math.min(fits, previous - 1)) + 1);
  }

  #onMatch(progress: Progress, match: LogIndex): void {
    const { log, now } = this.#state;
    if (match > log.lastIndex) return this.#state.drop('match-beyond-log');
    const isNews = progress.acknowledge(match);
    const { transfer } = progress;
    const fits = progress.mode === 'probe' && match >= progress.next - 1;
    // It has the snapshot, or turned out to need none.
    const hasSnapshot = transfer !== undefined && match >= Math.min(transfer.snapshot.index, log.base.index);
    if (fits || hasSnapshot || (isNews && progress.mode === 'probe')) progress.replicate(now);
    if (isNews) this.advanceCommit();
    return undefined;
  }

  /** True: it has entries of which it has not heard that they are committed. */
  #fill(progress: Progress, isBeat: boolean, mustTell: boolean): boolean {
    const { log, config, commit } = this.#state;
    let isSent = false;
    if (progress.mode !== 'snapshot' && log.term(progress.next - 1) === undefined) this.#hooks.sendSnapshot(progress);
    if (progress.mode === 'snapshot') this.#hooks.continueSnapshot(progress);
    else {
      while (this.#mayFeed(progress) && progress.hasRoom(config.inflightMax, config.inflightBytesMax)) {
        const entries = log.slice(progress.next, config.appendBytesMax);
        if (entries === undefined) {
          this.#readLog(progress);
          break;
        }
        this.#send(progress, entries);
        isSent = true;
      }
    }
    const isNews = (): boolean =>
      progress.mode === 'replicate' && progress.toldCommit < Math.min(commit, progress.next - 1);
    if (!isSent && (isBeat || (mustTell && isNews()))) this.#send(progress, []);
    return isNews();
  }

  #mayFeed(progress: Progress): boolean {
    if (progress.next > this.#state.log.lastIndex || progress.reading !== undefined) return false;
    return !progress.isLowOnSpace && !(progress.mode === 'probe' && progress.isProbeSent);
  }

  #readLog(progress: Progress): void {
    const state = this.#state;
    const ticket = state.newTicket();
    progress.reading = ticket;
    const to = state.log.cacheFrom - 1;
    state.effect({ type: 'read-log', ticket, from: progress.next, to, bytesMax: state.config.appendBytesMax });
  }

  #send(progress: Progress, entries: readonly Entry[]): void {
    const { log, term, commit } = this.#state;
    // While it receives a snapshot nothing is known of its log; any place will do to say that the leader lives.
    const index = progress.mode === 'snapshot' ? log.base.index : progress.next - 1;
    const previousTerm = log.term(index);
    invariant(previousTerm !== undefined, 'the entry before is in the log, or its place is the base');
    const { recovery } = progress;
    this.#state.send(progress.id, {
      type: 'append-request',
      term,
      previous: { index, term: previousTerm },
      entries,
      commit,
      round: this.#round,
      rank: this.#rankOf(progress),
      ...(recovery !== undefined && { recovery }),
    });
    progress.toldCommit = commit;
    const last = entries.at(-1)?.index;
    if (last !== undefined)
      progress.sent(
        last,
        entries.reduce((bytes, entry) => bytes + entryBytes(entry), 0),
      );
    else if (progress.mode === 'probe') progress.isProbeSent = true;
  }

  #rankOf(progress: Progress): number {
    const voters = allVoters(this.#state.configuration);
    let rank = 0;
    for (const other of this.#progress.values())
      if (voters.includes(other.id) && compareStandings(other, progress) < 0) rank++;
    return rank;
  }
}
