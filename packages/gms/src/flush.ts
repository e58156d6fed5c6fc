import { below, invariant, type Address, type Millis, type NodeId } from '@grp/core';
import type { AcceptedProposal, Ballot, ControlBody, Place, Proposal } from './messages.ts';
import { compareBallots, isQuorum } from './rules.ts';
import type { Runtime } from './runtime.ts';
import type { ViewTable } from './view-table.ts';

type Message<Kind extends ControlBody['kind']> = Extract<ControlBody, { kind: Kind }>;

/** What the flush asks of the other parts. */
export interface FlushContext {
  /** Suspected, or known to be gone: it is not waited for, and not taken along. */
  readonly isOut: (id: NodeId) => boolean;
  /** The members of the next view: of those who go on, without those who leave, with those who come. */
  readonly nextPlaces: (continuing: readonly Place[], admitSince: Millis | undefined) => readonly Place[];
  /** Those who want to come in and have not spoken since then. */
  readonly silentApplicants: (since: Millis) => readonly Address[];
  /** A view was decided; it is installed now. */
  readonly install: (proposal: Proposal, broughtBy: Address | undefined) => void;
  readonly condemn: (id: NodeId) => void;
  /** It answers: it is not gone. */
  readonly pardon: (id: NodeId) => void;
}

interface Answer {
  readonly received: number;
  readonly isSettled: boolean;
  readonly accepted: AcceptedProposal | undefined;
}

/** So long a flush waits for applicants: a round trip at 10 % loss seldom takes longer. */
const applicantsMs = 50;

interface Proposing {
  readonly since: Millis;
  readonly ballot: Ballot;
  /** By rank. */
  readonly promises: Map<number, Answer>;
  /** Set when enough is known: from then on it never changes under this ballot. */
  proposal: Proposal | undefined;
  readonly accepts: Set<number>;
}

/**
 * The change from one view to the next. Each change is one decision of the members of the last view (Lamport 1998, single
 * decree): `propose` and `promise` gather what everyone holds and has accepted, `sync` and `accepted` bring all who go on
 * to the same point and fix the view, `install` tells that it is decided. A rival with a higher ballot may take over at
 * any point, and adopts what may have been decided (weakness 10 of the research; Derecho's issue 126).
 */
export class Flush {
  readonly #runtime: Runtime;
  readonly #context: FlushContext;
  #promised: Ballot | undefined;
  #accepted: AcceptedProposal | undefined;
  #proposing: Proposing | undefined;
  /** A view that is decided, but something before it is missing here. */
  #pending: { readonly proposal: Proposal; readonly from: Address } | undefined;
  #isMinority = false;
  #wedgedSince = 0;

  constructor(runtime: Runtime, context: FlushContext) {
    this.#runtime = runtime;
    this.#context = context;
  }

  get isProposing(): boolean {
    return this.#proposing !== undefined;
  }

  get isMinority(): boolean {
    return this.#isMinority;
  }

  /** Who leads the flush that is under way. */
  get proposer(): number | undefined {
    return this.#runtime.wedgedAt === undefined ? undefined : this.#promised?.rank;
  }

  /** Begins a flush of its own, above every ballot that was seen. */
  propose(why: string): void {
    const { table, row, isSettled } = this.#runtime;
    if (table === undefined) return;
    const ballot = { round: (this.#promised?.round ?? 0) + 1, rank: table.selfRank };
    this.#runtime.log('gms.flush', { view: table.view.id, round: ballot.round, rank: ballot.rank, why });
    this.#promised = ballot;
    this.#wedge();
    const answer = { received: row.received, isSettled, accepted: this.#accepted };
    const promises = new Map([[table.selfRank, answer]]);
    this.#proposing = { since: this.#runtime.now, ballot, promises, proposal: undefined, accepts: new Set() };
    this.#runtime.deadlines.delete('flush');
    this.#askAgain(table, this.#proposing, false);
    // Applicants are asked whether they still want to come, because with a view they get a vote in the one after it.
    const body = { kind: 'propose', ballot, received: row.received, current: table.proposal } as const;
    for (const address of this.#context.silentApplicants(this.#runtime.now)) this.#runtime.send(address, body);
  }

  onPropose(rank: number, from: Address, { ballot, received }: Message<'propose'>): void {
    const runtime = this.#runtime;
    if (ballot.rank !== rank) return runtime.drop('ballot of another');
    if (this.#promised !== undefined && compareBallots(ballot, this.#promised) < 0)
      return runtime.send(from, { kind: 'reject', promised: this.#promised });
    this.#follow(ballot);
    this.#fill(from, received, Infinity);
    const { row, isSettled } = runtime;
    runtime.send(from, { kind: 'promise', ballot, received: row.received, accepted: this.#accepted, isSettled });
  }

  onPromise(rank: number, from: Address, message: Message<'promise'>): void {
    const own = this.#mine(message.ballot);
    if (own === undefined) return;
    own.promises.set(rank, message);
    if (own.proposal !== undefined && !own.accepts.has(rank))
      this.#sync(own.ballot, own.proposal, from, message.received);
  }

  onReject({ promised }: Message<'reject'>): void {
    const { table, deadlines, now, options } = this.#runtime;
    const own = this.#proposing;
    if (own === undefined || table === undefined || compareBallots(promised, own.ballot) <= 0) return;
    this.#proposing = undefined;
    this.#promised = promised;
    const rival = table.view.members[promised.rank];
    const yields = promised.rank < table.selfRank && rival !== undefined && !this.#context.isOut(rival.id);
    // Whoever does not yield waits a moment, so that two who see the world differently do not go on like that for ever.
    if (yields) this.#armTimeout();
    else deadlines.set('retry', now + 5 + below(options.random, 50));
  }

  onSync(from: Address, { ballot, proposal }: Message<'sync'>): void {
    const runtime = this.#runtime;
    if (this.#promised !== undefined && compareBallots(ballot, this.#promised) < 0)
      return runtime.send(from, { kind: 'reject', promised: this.#promised });
    this.#follow(ballot);
    const goesOn = proposal.places.some(({ id }) => id === runtime.self.id);
    // Whoever goes on must hold everything before the cut, so that nobody can deliver what another cannot get any more.
    if (goesOn && runtime.row.received < proposal.cut)
      return runtime.send(from, { kind: 'need', received: runtime.row.received });
    this.#accepted = { ballot, proposal };
    runtime.send(from, { kind: 'accepted', ballot });
  }

  onAccepted(rank: number, { ballot }: Message<'accepted'>): void {
    this.#mine(ballot)?.accepts.add(rank);
  }

  /** Somebody knows which view comes next. */
  onInstall(from: Address, proposal: Proposal): void {
    const { row, table, self } = this.#runtime;
    if (table === undefined || proposal.epoch !== table.view.id + 1) return;
    const goesOn = proposal.places.some(({ id, isJoiner }) => id === self.id && !isJoiner);
    if (!goesOn || row.received >= proposal.cut) return this.#context.install(proposal, from);
    this.#wedge();
    this.#pending = { proposal, from };
    this.#runtime.send(from, { kind: 'need', received: row.received });
    this.#armTimeout();
  }

  /** Sends a member what it lacks, and the view if it has not installed it. */
  onNeed(from: Address, epoch: number, received: number): void {
    const { table } = this.#runtime;
    if (table === undefined) return;
    if (epoch === table.view.id) return this.#fill(from, received, Infinity);
    this.help(from, received);
  }

  /** For a member that is one view behind. */
  help(to: Address, received: number): void {
    const { table } = this.#runtime;
    if (table === undefined) return;
    this.#fill(to, received, table.proposal.cut);
    this.#runtime.send(to, { kind: 'install', proposal: table.proposal });
  }

  /** After everything that a step brought: is it enough? */
  endStep(): void {
    const { table, row } = this.#runtime;
    if (table === undefined) return;
    if (this.#pending !== undefined && row.received >= this.#pending.proposal.cut) {
      const { proposal, from } = this.#pending;
      return this.#context.install(proposal, from);
    }
    const own = this.#proposing;
    if (own !== undefined && own.proposal === undefined) this.#gather(table, own);
    if (own?.proposal !== undefined) this.#decide(table, own, own.proposal);
    this.#noteMinority(table);
  }

  onRetry(): void {
    const { table, now, config } = this.#runtime;
    if (table === undefined) return;
    const own = this.#proposing;
    if (own === undefined) {
      if (this.#runtime.wedgedAt !== undefined) this.propose('again');
      return;
    }
    if (own.proposal === undefined && now - this.#wedgedSince >= config.silentExcludeMs)
      for (const { id } of this.#missing(table, own)) this.#context.condemn(id);
    this.#askAgain(table, own, true);
  }

  /** Nobody brings the flush to its end. */
  onTimeout(): void {
    const { table } = this.#runtime;
    if (table === undefined || this.#proposing !== undefined) return;
    const proposer = this.#promised === undefined ? undefined : table.view.members[this.#promised.rank];
    if (proposer !== undefined) this.#runtime.hint(proposer.id);
    this.propose('no progress');
  }

  /** A new view, or none: nothing of the flush is left. */
  reset(): void {
    this.#promised = undefined;
    this.#accepted = undefined;
    this.#proposing = undefined;
    this.#pending = undefined;
    this.#isMinority = false;
    this.#runtime.wedgedAt = undefined;
    for (const key of ['retry', 'flush'] as const) this.#runtime.deadlines.delete(key);
  }

  #mine(ballot: Ballot): Proposing | undefined {
    const own = this.#proposing;
    return own !== undefined && compareBallots(own.ballot, ballot) === 0 ? own : undefined;
  }

  #follow(ballot: Ballot): void {
    this.#promised = ballot;
    if (this.#mine(ballot) === undefined) {
      this.#proposing = undefined;
      this.#runtime.deadlines.delete('retry');
    }
    this.#wedge();
    this.#armTimeout();
  }

  // From here on nothing more is delivered in this view but what everybody delivers who goes on.
  #wedge(): void {
    const runtime = this.#runtime;
    if (runtime.wedgedAt !== undefined) return;
    runtime.wedgedAt = runtime.row.received;
    this.#wedgedSince = runtime.now;
    if (runtime.isSettled) runtime.emit({ type: 'blocked', reason: 'flush' });
  }

  #armTimeout(): void {
    const { deadlines, now, config, table } = this.#runtime;
    deadlines.set('flush', now + config.flushTimeoutMs + 100 * (table?.selfRank ?? 0));
  }

  #missing(table: ViewTable, own: Proposing): readonly { readonly id: NodeId; readonly address: Address }[] {
    const answered = (rank: number): boolean =>
      own.proposal === undefined ? own.promises.has(rank) : own.accepts.has(rank);
    return table.view.members.filter(({ id }, rank) => !answered(rank) && !this.#context.isOut(id));
  }

  #askAgain(table: ViewTable, own: Proposing, isRetry: boolean): void {
    const { deadlines, now, config, row } = this.#runtime;
    const { ballot, proposal } = own;
    if (isRetry) for (const { id } of this.#missing(table, own)) this.#runtime.hint(id);
    for (const [rank, { address }] of table.view.members.entries()) {
      if (rank === table.selfRank) continue;
      const answer = own.promises.get(rank);
      if (isRetry && answer !== undefined && answer.received > row.received)
        this.#runtime.send(address, { kind: 'need', received: row.received });
      // Those who are suspected are asked too: after a partition that nobody could decide in, they are the way out.
      if (answer === undefined) {
        const body = { kind: 'propose', ballot, received: row.received, current: table.proposal } as const;
        this.#runtime.send(address, body, isRetry);
      } else if (proposal !== undefined && !own.accepts.has(rank))
        this.#sync(ballot, proposal, address, answer.received);
    }
    deadlines.set('retry', now + config.flushRetryMs);
  }

  #gather(table: ViewTable, own: Proposing): void {
    const { row, options } = this.#runtime;
    if (this.#missing(table, own).length > 0) return;
    let goingOn = this.#goingOn(table, own);
    if (!isQuorum(goingOn.length, table.size, options.quorum)) {
      // Without those who were too slow or too silent it cannot be done, and they have answered after all.
      for (const rank of own.promises.keys()) this.#context.pardon((table.view.members[rank] as { id: NodeId }).id);
      goingOn = this.#goingOn(table, own);
      if (!isQuorum(goingOn.length, table.size, options.quorum)) return;
    }
    const answers = [...own.promises.values()];
    if (!answers.some(({ isSettled }) => isSettled)) return; // nobody here has the state: the group is elsewhere, or lost
    if (answers.some(({ received }) => received > row.received)) return; // what was promised is still on its way
    const { deadlines, now } = this.#runtime;
    if (now < own.since + applicantsMs && this.#context.silentApplicants(own.since).length > 0)
      return deadlines.set('retry', own.since + applicantsMs);
    const continuing = goingOn.map((rank) => table.proposal.places[rank] as Place);
    own.proposal = highestAccepted(answers)?.proposal ?? this.#fresh(table, continuing, own.since);
    this.#accepted = { ballot: own.ballot, proposal: own.proposal };
    own.accepts.add(table.selfRank);
    for (const [rank, { received }] of own.promises) {
      if (rank === table.selfRank) continue;
      this.#sync(own.ballot, own.proposal, (table.view.members[rank] as { address: Address }).address, received);
    }
  }

  #goingOn(table: ViewTable, own: Proposing): number[] {
    const isOut = (rank: number): boolean => this.#context.isOut((table.view.members[rank] as { id: NodeId }).id);
    return [...own.promises.keys()].filter((rank) => !isOut(rank)).toSorted((a, b) => a - b);
  }

  #fresh(table: ViewTable, continuing: readonly Place[], since: Millis): Proposal {
    const { row, isSettled } = this.#runtime;
    const cut = row.received;
    const counts = row.countsAt(cut);
    const numbered = continuing.map((place) => ({
      ...place,
      nextRequest: counts.next(place.id) ?? place.nextRequest,
      isJoiner: false,
    }));
    // Who has no state does not know what former members have sent, so it takes nobody in.
    const places = this.#context.nextPlaces(numbered, isSettled ? since : undefined);
    const known = places.map((place) => ({ ...place, nextRequest: counts.next(place.id) ?? place.nextRequest }));
    return { epoch: table.view.id + 1, places: known, cut };
  }

  #sync(ballot: Ballot, proposal: Proposal, to: Address, received: number): void {
    this.#fill(to, received, proposal.cut);
    this.#runtime.send(to, { kind: 'sync', ballot, proposal });
  }

  #decide(table: ViewTable, own: Proposing, proposal: Proposal): void {
    const { options } = this.#runtime;
    if (!isQuorum(own.accepts.size, table.size, options.quorum)) return;
    // All who go on hold what is before the cut, not only a majority: at the level `safe` whoever delivers it first may die.
    const waited = proposal.places.some(({ id, isJoiner }) => {
      const rank = isJoiner ? undefined : table.rankOf(id);
      return rank !== undefined && !own.accepts.has(rank) && !this.#context.isOut(id);
    });
    if (waited) return;
    const goingOn = proposal.places.filter(({ id }) => id !== this.#runtime.self.id);
    for (const { address } of goingOn) this.#runtime.send(address, { kind: 'install', proposal });
    for (const rank of own.promises.keys()) {
      const { id, address } = table.view.members[rank] as { id: NodeId; address: Address };
      if (rank === table.selfRank || proposal.places.some((place) => place.id === id)) continue;
      this.#runtime.send(address, { kind: 'install', proposal }); // it leaves, or is left out
    }
    this.#context.install(proposal, undefined);
  }

  #fill(to: Address, after: number, upTo: number): void {
    const { row } = this.#runtime;
    if (!row.holdsAfter(after)) return this.#runtime.drop('cannot fill');
    for (const { message, last } of row.after(after)) {
      if (last > upTo) break;
      this.#runtime.emit({ type: 'send', to, message });
    }
  }

  #noteMinority(table: ViewTable): void {
    const runtime = this.#runtime;
    const live = table.view.members.filter(({ id }) => !this.#context.isOut(id)).length;
    const isMinority = runtime.wedgedAt !== undefined && !isQuorum(live, table.size, runtime.options.quorum);
    if (isMinority === this.#isMinority) return;
    this.#isMinority = isMinority;
    runtime.log('gms.minority', { view: table.view.id, live, size: table.size, blocked: String(isMinority) });
    if (isMinority && runtime.isSettled) runtime.emit({ type: 'blocked', reason: 'minority' });
  }
}

function highestAccepted(answers: readonly Answer[]): AcceptedProposal | undefined {
  let highest: AcceptedProposal | undefined;
  for (const { accepted } of answers) {
    if (accepted === undefined) continue;
    if (highest === undefined || compareBallots(accepted.ballot, highest.ballot) > 0) highest = accepted;
  }
  invariant(highest === undefined || highest.proposal.places.length > 0, 'a view has members');
  return highest;
}
