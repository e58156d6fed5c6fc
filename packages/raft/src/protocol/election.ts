import { below, invariant, type Millis } from '@grp/core';
import type { VoteRequest, VoteResponse } from '../messages.ts';
import type { ServerId, Term } from '../types.ts';
import { compareStandings } from './priority.ts';
import { allVoters, majority } from './quorum.ts';
import type { Recovery } from './recovery.ts';
import type { State } from './state.ts';

export interface ElectionHooks {
  /** This server leads from now on. */
  readonly began: () => void;
  /** It leads no longer. */
  readonly ended: () => void;
}

/** Who leads: terms, votes, and the doubts of a follower (§5.2, §5.4.1; pre-vote and priorities on top). */
export class Election {
  readonly #state: State;
  readonly #recovery: Recovery;
  readonly #hooks: ElectionHooks;
  /** When the leader was heard; a start counts, for a vote given before it may have been part of a leader's lease. */
  #leaderHeardAt: Millis = 0;
  #rank: number | undefined;
  /** Peers to which there is a connection, where the host tells. */
  readonly #connected = new Set<ServerId>();
  /** How long doubts were put off since the leader was heard, for one's own delays. */
  #postponedMs: Millis = 0;
  #votes = new Map<ServerId, boolean>();
  #ownVoteNumber = 0;
  #isTransfer = false;
  #failedRounds = 0;
  /** A pre-vote was refused for one's own higher priority, since a leader was last heard. */
  #hasObjected = false;

  constructor(state: State, recovery: Recovery, hooks: ElectionHooks) {
    this.#state = state;
    this.#recovery = recovery;
    this.#hooks = hooks;
  }

  get granted(): ServerId[] {
    return [...this.#votes].filter(([, isGranted]) => isGranted).map(([id]) => id);
  }

  start(): void {
    const { now, configuration, id } = this.#state;
    this.#leaderHeardAt = now;
    // Alone there is nobody to wait for.
    const isAlone = allVoters(configuration).length === 1 && this.#state.isVoter;
    this.#waitUntil(isAlone && configuration.voters[0] === id ? now : now + this.#timeoutMs());
  }

  /** The leader of this term spoke. */
  heard(leader: ServerId, rank?: number): void {
    const state = this.#state;
    if (state.role !== 'follower') this.becomeFollower(state.term, leader);
    invariant(state.leader === undefined || state.leader === leader, 'one leader per term');
    state.leader = leader;
    this.#leaderHeardAt = state.now;
    this.#hasObjected = false;
    this.#failedRounds = 0;
    this.#postponedMs = 0;
    if (rank !== undefined) this.#rank = rank;
    this.#waitUntil(state.now + this.#timeoutMs() + this.#patienceMs());
  }

  connected(peer: ServerId): void {
    this.#connected.add(peer);
  }

  /** A leader that is dead cannot keep its connections: it is doubted as soon as votes may be had. */
  disconnected(peer: ServerId): void {
    const { leader, role, now, deadlines } = this.#state;
    if (!this.#connected.delete(peer) || peer !== leader || role !== 'follower') return;
    const at = Math.max(now, this.#leaderHeardAt + this.#timeoutMs());
    if (at < (deadlines.get('election') ?? -Infinity)) this.#waitUntil(at);
  }

  becomeFollower(term: Term, leader: ServerId | undefined): void {
    const state = this.#state;
    const wasLeader = state.role === 'leader';
    if (term > state.term) state.setTerm(term, undefined);
    state.role = 'follower';
    state.leader = leader;
    if (wasLeader) {
      this.#hooks.ended();
      this.#rank = undefined;
    }
    if (wasLeader || state.deadlines.get('election') === undefined) this.#waitUntil(state.now + this.#timeoutMs());
  }

  /**
   * After this process stood still, what waited in its sockets is read before anybody is doubted; and a leader on the same
   * busy machine is given as long as one needed oneself. All in all no longer than one waits anyway: on a machine that is
   * always late somebody must be elected too.
   */
  postpone(stillMs: Millis): void {
    const { deadlines, now, config } = this.#state;
    if ((deadlines.get('election') ?? Infinity) > now || this.#postponedMs >= config.electionTimeoutMs) return;
    const leastMs = stillMs > config.heartbeatMs ? config.heartbeatMs : 0;
    const waitMs = Math.min(Math.max(stillMs, leastMs), config.electionTimeoutMs - this.#postponedMs);
    this.#postponedMs += waitMs;
    this.#waitUntil(now + waitMs);
  }

  /** Nothing was heard for too long. */
  onTimeout(): void {
    const state = this.#state;
    if (state.role === 'leader') return;
    if (!this.isElectable()) {
      if (state.role !== 'follower') this.becomeFollower(state.term, undefined);
      this.#waitUntil(state.now + this.#timeoutMs());
      return;
    }
    if (state.role !== 'follower') this.#failedRounds++;
    state.leader = undefined;
    if (state.config.preVote) this.#preCampaign();
    else this.#campaign(false);
  }

  /** Could this server lead? It counts as a voter, its log is whole, and its disk works. */
  isElectable(): boolean {
    const state = this.#state;
    return (
      state.isVoter &&
      state.installing === undefined &&
      !state.isLowOnSpace &&
      !state.isStalled &&
      this.#recovery.allows(state.log.last)
    );
  }

  onTimeoutNow(from: ServerId, term: Term): void {
    const state = this.#state;
    if (term < state.term || state.role === 'leader') return state.drop('stale-timeout-now');
    if (term > state.term) this.becomeFollower(term, from);
    if (this.isElectable()) this.#campaign(true);
    return undefined;
  }

  onVoteRequest(from: ServerId, request: VoteRequest): void {
    if (request.isPreVote) this.#onPreVoteRequest(from, request);
    else this.#onVoteRequest(from, request);
  }

  onVoteResponse(from: ServerId, { term, isPreVote, isGranted }: VoteResponse): void {
    const state = this.#state;
    if (isPreVote && isGranted) {
      if (state.role !== 'pre-candidate' || term !== state.term + 1) return state.drop('stale-vote');
    } else {
      if (term > state.term) return this.becomeFollower(term, undefined);
      const expected = isPreVote ? 'pre-candidate' : 'candidate';
      if (term < state.term || state.role !== expected) return state.drop('stale-vote');
    }
    this.#votes.set(from, isGranted);
    return this.tally();
  }

  /** Counts again: a vote came in, or one's own is durable now. */
  tally(): void {
    const state = this.#state;
    const { rules, configuration, id } = state;
    if (state.role !== 'candidate' && state.role !== 'pre-candidate') return;
    const isCandidate = state.role === 'candidate';
    const isOwnVoteKept = !isCandidate || !rules.votesWaitForDisk || state.disk.isConfirmed(this.#ownVoteNumber);
    const granted = (voter: ServerId): boolean =>
      voter === id ? isOwnVoteKept && state.isVoter : this.#votes.get(voter) === true;
    if (rules.isElected(configuration, granted)) {
      if (isCandidate) this.#lead();
      else this.#campaign(false);
      return;
    }
    const isLost = [configuration.voters, configuration.outgoing].some((side) => {
      const refusals = side.filter((voter) => this.#votes.get(voter) === false).length;
      return side.length > 0 && side.length - refusals < majority(side.length);
    });
    // A lost round ends at once; the next one begins a little later, by chance, so that two candidates part.
    if (isLost && (state.deadlines.get('election') ?? 0) > state.now + this.#retryMsMax())
      this.#waitUntil(state.now + this.#retryMs());
  }

  #onPreVoteRequest(from: ServerId, request: VoteRequest): void {
    const state = this.#state;
    const isWelcome =
      request.term > state.term &&
      !this.#heedsLeader() &&
      this.#recovery.allows(request.last) &&
      state.rules.isUpToDate(request.last, state.log.last);
    const isGranted = isWelcome && !this.#objects(from, request);
    const term = isGranted ? request.term : state.term;
    state.send(from, { type: 'vote-response', term, isPreVote: true, isGranted });
  }

  #onVoteRequest(from: ServerId, request: VoteRequest): void {
    const state = this.#state;
    const refuse = (): void =>
      state.send(from, { type: 'vote-response', term: state.term, isPreVote: false, isGranted: false });
    if (request.term < state.term) return refuse();
    // Not even the term is taken over, or a removed server could depose a leader for ever (§6).
    if (!request.isTransfer && this.#heedsLeader()) return state.drop('vote-against-living-leader');
    if (request.term > state.term) this.becomeFollower(request.term, undefined);
    const isFree = state.vote === undefined || state.vote === from;
    const isGranted =
      isFree && this.#recovery.allows(request.last) && state.rules.isUpToDate(request.last, state.log.last);
    if (!isGranted) return refuse();
    state.setVote(from);
    this.#waitUntil(state.now + this.#timeoutMs());
    const response = { type: 'vote-response', term: state.term, isPreVote: false, isGranted: true } as const;
    if (state.rules.votesWaitForDisk) state.disk.hold(from, response);
    else state.send(from, response);
    return undefined;
  }

  #heedsLeader(): boolean {
    const { role, rules, now, config } = this.#state;
    return role === 'leader' || rules.heedsLeader(now, this.#leaderHeardAt, config.electionTimeoutMs);
  }

  /**
   * Highest id wins: refuses a pre-vote, never a vote, once, and only while standing for election itself. The one refused
   * asks again soon, and is then let through: the outage is never longer than without priorities.
   */
  #objects(from: ServerId, { priority, last }: VoteRequest): boolean {
    const state = this.#state;
    const own = { id: state.id, priority: state.priority };
    if (!state.config.priorityElections || this.#hasObjected) return false;
    if (compareStandings(own, { id: from, priority }) > 0 || !this.isElectable()) return false;
    if (!state.rules.isUpToDate(state.log.last, last)) return false;
    this.#hasObjected = true;
    if (state.role === 'follower') this.#waitUntil(state.now);
    return true;
  }

  #preCampaign(): void {
    const state = this.#state;
    state.role = 'pre-candidate';
    this.#votes = new Map();
    this.#waitUntil(state.now + this.#roundMs());
    this.#ask(true, state.term + 1, (to, request) => state.send(to, request));
    this.tally();
  }

  #campaign(isTransfer: boolean): void {
    const state = this.#state;
    state.setTerm(state.term + 1, state.id);
    state.role = 'candidate';
    state.leader = undefined;
    this.#isTransfer = isTransfer;
    this.#votes = new Map();
    this.#ownVoteNumber = state.disk.number;
    this.#waitUntil(state.now + this.#roundMs());
    // A candidate that forgot its term could stand again in the same one, with a shorter log and old votes.
    this.#ask(false, state.term, (to, request) => {
      if (state.rules.votesWaitForDisk) state.disk.hold(to, request);
      else state.send(to, request);
    });
    this.tally();
  }

  #ask(isPreVote: boolean, term: Term, send: (to: ServerId, request: VoteRequest) => void): void {
    const { configuration, id, log, priority } = this.#state;
    const isTransfer = !isPreVote && this.#isTransfer;
    for (const to of allVoters(configuration))
      if (to !== id) send(to, { type: 'vote-request', term, isPreVote, isTransfer, last: log.last, priority });
  }

  #lead(): void {
    const state = this.#state;
    state.role = 'leader';
    state.leader = state.id;
    this.#failedRounds = 0;
    this.#hasObjected = false;
    state.deadlines.delete('election');
    this.#hooks.began();
  }

  #waitUntil(at: Millis): void {
    if (this.#state.role !== 'leader') this.#state.deadlines.set('election', at);
  }

  /** Silence until one doubts the leader: the minimum, one's rank, and a little chance. */
  #timeoutMs(): Millis {
    const { config, random } = this.#state;
    const staggerMs = config.priorityElections ? Math.min(this.#ownRank(), 8) * config.electionStaggerMs : 0;
    const spreadMs = config.priorityElections ? config.electionJitterMs : config.electionTimeoutMs;
    return config.electionTimeoutMs + staggerMs + below(random, spreadMs + 1);
  }

  /** More, while the connection stands over which a leader's death would be noticed. */
  #patienceMs(): Millis {
    const { leader, config } = this.#state;
    return leader !== undefined && this.#connected.has(leader) ? config.leaderPatienceMs : 0;
  }

  /** How long one round of votes may take, before another begins: more after each failure, so that rounds stop colliding. */
  #roundMs(): Millis {
    const { config, random } = this.#state;
    const spreadMs = config.electionTimeoutMs * Math.min(1 + this.#failedRounds, 4);
    return config.electionTimeoutMs / 2 + below(random, Math.ceil(spreadMs));
  }

  #retryMsMax(): Millis {
    return this.#state.config.heartbeatMs * 3;
  }

  #retryMs(): Millis {
    const { config, random } = this.#state;
    return config.heartbeatMs + below(random, config.heartbeatMs * 2);
  }

  /** Told by the last leader; before there was one, everyone is compared by id. */
  #ownRank(): number {
    if (this.#rank !== undefined) return this.#rank;
    const { id, priority, configuration } = this.#state;
    const own = { id, priority };
    // What priority others were given is not known yet.
    return allVoters(configuration).filter((other) => compareStandings({ id: other, priority }, own) < 0).length;
  }
}
