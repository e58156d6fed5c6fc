import type { Address, Millis, NodeId } from '@grp/core';
import type { GroupMember } from './api.ts';
import type { Flush } from './flush.ts';
import type { ControlBody, Place } from './messages.ts';
import type { Multicast } from './multicast.ts';
import { leaversMax, lowestLive } from './rules.ts';
import type { Runtime } from './runtime.ts';
import type { ViewTable } from './view-table.ts';

type JoinMessage = Extract<ControlBody, { kind: 'join' }>;

interface Applicant {
  readonly member: GroupMember;
  readonly nextRequest: number;
  /** When it asked last. Who does not ask any more has gone elsewhere, or died. */
  readonly at: Millis;
}

const suspectsMax = 4_096;
const applicantsMax = 4_096;
/** Join retries without a word, after which an applicant is forgotten. */
const patience = 8;
/** Join retries without a word, after which it is not taken in until it asks again. */
const freshness = 1.2;
const herdMs = 1_000;

/**
 * Who should be in the next view: collects joins, leaves and suspicions, and begins a flush when it is up to this member.
 * What comes within a short window shares one view.
 */
export class Membership {
  readonly #runtime: Runtime;
  readonly #flush: () => Flush;
  readonly #multicast: Multicast;
  readonly #applicants = new Map<NodeId, Applicant>();
  readonly #leavers = new Set<NodeId>();
  readonly #suspects = new Set<NodeId>();
  /** Members of this view that are gone although the detector does not say so: too slow, or their process was restarted. */
  readonly #condemned = new Set<NodeId>();
  #lastJoinAt: Millis = -Infinity;

  constructor(runtime: Runtime, multicast: Multicast, flush: () => Flush) {
    this.#runtime = runtime;
    this.#multicast = multicast;
    this.#flush = flush;
  }

  readonly isOut = (id: NodeId): boolean =>
    id !== this.#runtime.self.id && (this.#suspects.has(id) || this.#condemned.has(id));

  get isLeaving(): boolean {
    return this.#leavers.has(this.#runtime.self.id);
  }

  suspect(id: NodeId): void {
    this.#suspects.delete(id);
    this.#suspects.add(id);
    if (this.#suspects.size > suspectsMax) this.#suspects.delete(this.#suspects.values().next().value as NodeId);
  }

  trust(id: NodeId): void {
    this.#suspects.delete(id);
  }

  condemn(id: NodeId): void {
    if (this.#runtime.table?.rankOf(id) !== undefined) this.#condemned.add(id);
  }

  pardon(id: NodeId): void {
    this.#condemned.delete(id);
  }

  condemnAt(rank: number): void {
    const member = this.#runtime.table?.view.members[rank];
    if (member !== undefined) this.#condemned.add(member.id);
  }

  leave(id: NodeId): void {
    const { table, self } = this.#runtime;
    if (table?.rankOf(id) === undefined) return;
    if (id === self.id || this.#isUpToMe(table)) this.#leavers.add(id);
    else if (table.leader.id !== self.id) this.#forward(table, { kind: 'leave', id, isGone: false });
  }

  /** Somebody wants to come in: through whichever member, as often as it likes. */
  onJoin(from: Address, message: JoinMessage): void {
    const { table, options, self } = this.#runtime;
    if (message.member.id === self.id) return;
    if (table === undefined) return this.#refuse(from, 'not-a-member');
    if (message.group !== options.group) return this.#refuse(from, 'other-group');
    if (message.delivery !== options.delivery) return this.#refuse(from, 'other-delivery');
    this.#noteLater(table, message.member);
    if (this.#isUpToMe(table)) this.#apply(table, message);
    else if (!message.isForwarded) this.#forward(table, { ...message, isForwarded: true });
  }

  /** The members of the next view. */
  readonly nextPlaces = (continuing: readonly Place[], admitSince: Millis | undefined): readonly Place[] => {
    const { options, table } = this.#runtime;
    let leaving = leaversMax(table?.size ?? 1, options.quorum);
    const staying = continuing.filter(({ id }) => !this.#leavers.has(id) || leaving-- <= 0);
    const joiners = this.#admissible().filter(
      ({ member, at }) => at >= (admitSince ?? Infinity) && !staying.some(({ id }) => id === member.id),
    );
    const coming = joiners.map(({ member, nextRequest }) => ({ ...member, nextRequest, isJoiner: true }));
    return [...staying, ...coming].slice(0, Math.max(staying.length, this.#runtime.config.membersMax));
  };

  /** Whoever is taken in has a vote: the dead must not outnumber the living. So each is asked once more. */
  readonly silentApplicants = (since: Millis): readonly Address[] =>
    this.#admissible()
      .filter(({ at }) => at < since)
      .map(({ member }) => member.address);

  /** After everything that a step brought: is a change due, and is it up to this member? */
  endStep(): void {
    const { table, now, deadlines, wedgedAt } = this.#runtime;
    const flush = this.#flush();
    if (table === undefined || flush.isProposing || !this.#isUpToMe(table)) return;
    if (wedgedAt !== undefined) {
      const proposer = flush.proposer === undefined ? undefined : table.view.members[flush.proposer];
      // A flush whose leader died goes on under the next: it must, or nobody is served any more.
      if (proposer !== undefined && this.isOut(proposer.id)) flush.propose(`${proposer.name} is gone`);
      return;
    }
    const gone = table.view.members.find(({ id }) => this.isOut(id));
    if (gone !== undefined) return flush.propose(`${gone.name} is gone`);
    if (this.#admissible().length === 0 && ![...this.#leavers].some((id) => table.rankOf(id) !== undefined)) return;
    if (deadlines.get('gather') === undefined) deadlines.set('gather', now + this.#gatherMs());
  }

  onGathered(): void {
    const { table, wedgedAt } = this.#runtime;
    const flush = this.#flush();
    if (table === undefined || wedgedAt !== undefined || flush.isProposing || !this.#isUpToMe(table)) return;
    const leaving = [...this.#leavers].filter((id) => table.rankOf(id) !== undefined).length;
    const joining = this.#admissible().length;
    if (leaving + joining > 0) flush.propose(`${joining} join, ${leaving} leave`);
  }

  /** The row stands still because of one member. */
  onSlow(): void {
    const { table, deadlines, now, config } = this.#runtime;
    const { stalledSince } = this.#multicast;
    const slowest = table?.view.members[this.#multicast.slowest()];
    if (stalledSince === undefined || slowest === undefined) return;
    this.#runtime.hint(slowest.id);
    if (now - stalledSince >= config.slowExcludeMs) {
      this.#runtime.log('gms.slow', { member: slowest.id, stalledMs: Math.round(now - stalledSince) });
      this.condemn(slowest.id);
    }
    deadlines.set('slow', now + config.slowHintMs);
  }

  installed(table: ViewTable, joinedCount: number): void {
    for (const { id } of table.view.members) this.#applicants.delete(id);
    for (const id of this.#leavers) if (table.rankOf(id) === undefined) this.#leavers.delete(id);
    this.#condemned.clear();
    this.#runtime.deadlines.delete('gather');
    if (joinedCount > 0) this.#lastJoinAt = this.#runtime.now;
  }

  reset(): void {
    this.#applicants.clear();
    this.#leavers.clear();
    this.#condemned.clear();
    this.#runtime.deadlines.delete('gather');
  }

  #apply(table: ViewTable, { member, nextRequest }: JoinMessage): void {
    const { now, config } = this.#runtime;
    const rank = table.rankOf(member.id);
    if (rank !== undefined) {
      // It is in the view already. Either it does not know yet, or it has lost everything and begins anew.
      const isNew = table.proposal.places[rank]?.isJoiner === true && !this.#multicast.hasHeard(rank);
      if (isNew) return this.#runtime.send(member.address, { kind: 'install', proposal: table.proposal });
      this.#condemned.add(member.id);
    }
    if (
      table.size + this.#applicants.size >= config.membersMax &&
      !this.#applicants.has(member.id) &&
      rank === undefined
    )
      return this.#refuse(member.address, 'full');
    if (this.#applicants.size >= applicantsMax) return this.#runtime.drop('too many applicants');
    for (const [id, applicant] of this.#applicants)
      if (applicant.member.address === member.address) this.#applicants.delete(id);
    this.#applicants.set(member.id, { member, nextRequest, at: now });
  }

  // Two processes never share an address: who asks from there is the later one, and the earlier is dead. Whoever hears it
  // knows it, for the dead one may be the leader that all the others would pass the question on to.
  #noteLater(table: ViewTable, { id, address }: GroupMember): void {
    const rank = table.rankAt(address);
    const earlier = rank === undefined ? undefined : table.view.members[rank];
    if (earlier !== undefined && earlier.id !== id && earlier.id !== this.#runtime.self.id)
      this.#condemned.add(earlier.id);
  }

  #admissible(): Applicant[] {
    const { now, config, table } = this.#runtime;
    const patient = [...this.#applicants.values()].filter(({ member, at }) => {
      if (now - at > patience * config.joinRetryMs) this.#applicants.delete(member.id);
      const isFresh = now - at <= freshness * config.joinRetryMs; // a living applicant asks again
      return isFresh && this.#applicants.has(member.id) && !this.#suspects.has(member.id);
    });
    return patient.filter(({ member }) => {
      const rank = table?.rankAt(member.address);
      const holder = rank === undefined ? undefined : table?.view.members[rank];
      return holder === undefined || this.isOut(holder.id);
    });
  }

  #isUpToMe(table: ViewTable): boolean {
    return lowestLive(table.view.members, this.isOut)?.id === this.#runtime.self.id;
  }

  #gatherMs(): number {
    const { now, config } = this.#runtime;
    return now - this.#lastJoinAt < herdMs ? config.gatherBusyMs : config.gatherMs;
  }

  #forward(table: ViewTable, body: ControlBody): void {
    const leader = lowestLive(table.view.members, this.isOut);
    if (leader !== undefined) this.#runtime.send(leader.address, body);
  }

  #refuse(to: Address, reason: Extract<ControlBody, { kind: 'join-refused' }>['reason']): void {
    this.#runtime.send(to, { kind: 'join-refused', reason });
  }
}
