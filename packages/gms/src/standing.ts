import type { Address } from '@grp/core';
import type { GroupMember, View, ViewChange } from './api.ts';
import type { Departure } from './departure.ts';
import type { EarlyMessages } from './early-messages.ts';
import type { Flush } from './flush.ts';
import { hashText } from './hash.ts';
import type { Membership } from './membership.ts';
import type { ControlMessage, Proposal } from './messages.ts';
import type { Multicast } from './multicast.ts';
import { RequestCounts } from './request-counts.ts';
import { Row } from './row.ts';
import type { Runtime } from './runtime.ts';
import type { Seeker } from './seeker.ts';
import type { Donor, Newcomer } from './transfer.ts';
import { ViewTable } from './view-table.ts';

/** The parts of a member, which come and go with its views. */
export interface Parts {
  readonly multicast: Multicast;
  readonly membership: Membership;
  readonly flush: Flush;
  readonly seeker: Seeker;
  readonly newcomer: Newcomer;
  readonly donor: Donor;
  readonly departure: Departure;
  readonly early: EarlyMessages;
}

/** How a member stands to its group: comes in, goes from view to view, falls out and comes back, leaves. */
export class Standing {
  readonly #runtime: Runtime;
  readonly #parts: Parts;
  /** The last view that was given to the application. */
  shown: View | undefined;
  wasExcluded = false;
  #wantsToLeave = false;
  /** It was blocked when it fell out, and said so. */
  #wasBlocked = false;
  /** The newest view that this member knows to be over for it: late messages must not bring it back. */
  #over = { lineage: 0, epoch: 0 };

  constructor(runtime: Runtime, parts: Parts) {
    this.#runtime = runtime;
    this.#parts = parts;
  }

  // Only who is looking for the group takes a place in it.
  becomeMember(lineage: number, proposal: Proposal): void {
    const runtime = this.#runtime;
    const place = proposal.places.find(({ id }) => id === runtime.self.id);
    if (runtime.phase !== 'joining' || place?.isJoiner !== true) return;
    if (lineage === this.#over.lineage && proposal.epoch <= this.#over.epoch) return runtime.drop('view that is over');
    const known = proposal.places.map(({ id, nextRequest }) => [id, nextRequest] as const);
    runtime.row = new Row(proposal.cut, new RequestCounts(new Map(known)));
    runtime.phase = 'member';
    runtime.deadlines.delete('join');
    this.#enter(new ViewTable(proposal, lineage, runtime.self), undefined);
    this.#parts.newcomer.begin();
  }

  join(seeds: readonly Address[]): void {
    const runtime = this.#runtime;
    if (runtime.phase !== 'idle') return;
    if (seeds.some((seed) => seed !== runtime.self.address)) return this.#parts.seeker.begin(seeds);
    const founder = { ...runtime.self, nextRequest: runtime.own.firstKept, isJoiner: false };
    runtime.phase = 'member';
    runtime.isSettled = true;
    this.#enter(
      new ViewTable({ epoch: 1, places: [founder], cut: 0 }, hashText(runtime.self.id), runtime.self),
      undefined,
    );
    runtime.emit({ type: 'joined' });
  }

  /** A view was decided. Who is not in it has left, or was left out. */
  install(proposal: Proposal, broughtBy: Address | undefined): void {
    const runtime = this.#runtime;
    const { table, row, self } = runtime;
    if (table === undefined) return;
    const place = proposal.places.find(({ id }) => id === self.id);
    if (place === undefined || place.isJoiner) return this.#goOut(table, proposal, broughtBy);
    row.truncate(proposal.cut);
    this.#enter(new ViewTable(proposal, table.stamp.lineage, self), broughtBy);
  }

  #enter(table: ViewTable, broughtBy: Address | undefined): void {
    const runtime = this.#runtime;
    const before = runtime.table;
    const change = changeBetween(before?.view, table.view);
    const wasWedged = runtime.wedgedAt !== undefined;
    runtime.table = table;
    this.#parts.flush.reset();
    this.#parts.multicast.install(table, change);
    this.#parts.membership.installed(table, change.joined.length);
    this.#parts.donor.keepOnly(table);
    this.#parts.newcomer.installed(table);
    this.#parts.multicast.deliver();
    if (runtime.isSettled) {
      this.shown = table.view;
      runtime.own.rewind(runtime.row.counts.next(runtime.self.id) ?? 1);
      if (wasWedged) runtime.emit({ type: 'unblocked' });
    }
    this.#parts.multicast.confirm(table, broughtBy);
    for (const { address } of change.gone)
      if (table.rankAt(address) === undefined)
        runtime.deadlines.set(`forget ${address}`, runtime.now + runtime.config.forgetMs);
    for (const { address } of table.view.members) runtime.deadlines.delete(`forget ${address}`);
    runtime.emit({ type: 'watch', members: table.view.members });
    const { id: view, members } = table.view;
    runtime.log('gms.view', { view, members: members.map(({ name }) => name).join(), cut: table.proposal.cut });
  }

  settle(sequence: number, hash: readonly [number, number], counts: RequestCounts): void {
    const runtime = this.#runtime;
    const { row, self, table } = runtime;
    if (table === undefined) return;
    row.begin(sequence, hash, counts);
    runtime.isSettled = true;
    this.wasExcluded = false;
    runtime.emit({ type: 'state', sequence, view: table.view.id, hash });
    this.#parts.multicast.begin(sequence);
    this.#parts.multicast.deliver();
    this.shown = table.view;
    const next = row.counts.next(self.id) ?? 1;
    runtime.own.forget(next);
    runtime.emit({ type: 'covered', next });
    runtime.emit({ type: 'joined' });
    if (runtime.wedgedAt !== undefined) runtime.emit({ type: 'blocked', reason: 'flush' });
    else if (this.#wasBlocked) runtime.emit({ type: 'unblocked' });
    this.#wasBlocked = false;
  }

  // A view without us, by decision of the others.
  #goOut(table: ViewTable, proposal: Proposal, broughtBy: Address | undefined): void {
    const runtime = this.#runtime;
    if (!this.#parts.membership.isLeaving) return this.dropOut(proposal.epoch);
    const { row } = runtime;
    if (row.received >= proposal.cut && row.delivered <= proposal.cut && runtime.isSettled) {
      row.truncate(proposal.cut);
      runtime.wedgedAt = proposal.cut; // everything of the old view, also at the level `safe`: all hold it
      row.stable = proposal.cut;
      this.#parts.multicast.deliver();
    }
    this.#parts.departure.begin(table, proposal, broughtBy === undefined);
    this.#clear();
  }

  onExcluded(from: Address, message: Extract<ControlMessage, { kind: 'excluded' }>): void {
    const { table, options, self } = this.#runtime;
    this.#parts.departure.onMessage(from, message);
    if (table === undefined || message.lineage !== table.stamp.lineage || table.rankAt(from) === undefined) return;
    const newer = message.epoch - table.view.id;
    // Without a quorum rule two sides may have gone on; the smaller one comes to the other.
    const smaller = message.size - table.size || (message.leader < table.leader.id ? 1 : -1);
    const yields = newer > 0 || (newer === 0 && options.quorum === 'none' && smaller > 0);
    if (!yields || message.leader === self.id) return;
    // Those who may be on this side with us shall not wait for us; they ask the others themselves.
    for (const peer of table.others)
      if (peer !== from) this.#runtime.send(peer, { kind: 'leave', id: self.id, isGone: true }, true);
    this.dropOut(message.epoch, from);
  }

  dropOut(epoch: number, by?: Address): void {
    const runtime = this.#runtime;
    const former = runtime.table?.others ?? [];
    if (runtime.isSettled) {
      this.wasExcluded = true;
      this.#wasBlocked = runtime.wedgedAt !== undefined;
      runtime.emit({ type: 'excluded', view: epoch });
    }
    runtime.log('gms.excluded', { view: epoch });
    this.#markOver(epoch);
    this.#clear();
    if (this.#wantsToLeave) this.#end(); // so be it
    else this.#parts.seeker.again(former, by);
  }

  startOver(why: string): void {
    const runtime = this.#runtime;
    runtime.log('gms.start-over', { why });
    const former = runtime.table?.others ?? [];
    this.#markOver(runtime.table?.view.id ?? 0);
    this.#clear();
    this.#parts.seeker.again(former);
  }

  #markOver(epoch: number): void {
    const { table } = this.#runtime;
    if (table !== undefined) this.#over = { lineage: table.stamp.lineage, epoch };
  }

  #clear(): void {
    const runtime = this.#runtime;
    this.#parts.flush.reset();
    this.#parts.multicast.reset();
    this.#parts.membership.reset();
    this.#parts.newcomer.reset();
    this.#parts.early.clear();
    runtime.table = undefined;
    runtime.isSettled = false;
    runtime.own.rewind(0); // places in a row that others may not have are worth nothing
    this.#parts.donor.keepOnly(undefined);
  }

  /** Goes as soon as everything that was sent before has its place in the row. */
  leave(): void {
    if (this.#runtime.phase !== 'departing') this.#wantsToLeave = true;
  }

  endStep(): void {
    const { table, phase, self, own, isSettled } = this.#runtime;
    if (!this.#wantsToLeave || phase === 'departing' || this.#parts.membership.isLeaving) return;
    if (phase === 'left' || phase === 'idle' || phase === 'joining') return this.#end();
    if (table === undefined || (isSettled && !own.isDrained)) return;
    if (table.size === 1) return this.#end();
    this.#parts.membership.leave(self.id);
    this.#parts.departure.announce(table);
  }

  // The caller gave up: whoever is half in goes out again, whoever wants to leave is gone.
  abandon(): void {
    const { phase, isSettled } = this.#runtime;
    if (phase === 'joining') {
      this.#runtime.deadlines.delete('join');
      this.#runtime.phase = 'idle';
    } else if (this.#wantsToLeave || phase === 'departing') this.#end();
    else if (phase === 'member' && !isSettled) this.leave();
  }

  #end(): void {
    this.#wantsToLeave = false;
    this.#clear();
    this.#parts.departure.end();
  }
}

function changeBetween(before: View | undefined, view: View): ViewChange {
  const has = (members: readonly GroupMember[], id: string): boolean => members.some((member) => member.id === id);
  const former = before?.members ?? [];
  return {
    view,
    joined: view.members.filter(({ id }) => !has(former, id)),
    gone: former.filter(({ id }) => !has(view.members, id)),
  };
}
