import type { Address, Millis, NodeId } from '@grp/core';
import type { ControlBody } from './messages.ts';
import { RequestCounts } from './request-counts.ts';
import type { Runtime } from './runtime.ts';
import type { ViewTable } from './view-table.ts';

type Head = Extract<ControlBody, { kind: 'state-head' }>;
type Chunk = Extract<ControlBody, { kind: 'state-chunk' }>;

export interface TransferContext {
  readonly isOut: (id: NodeId) => boolean;
  /** The state is there, and the row reaches as far: deliveries begin behind it. */
  readonly settle: (head: Head, counts: RequestCounts) => void;
  /** Nobody is left who could give the state: the join begins anew. */
  readonly startOver: (why: string) => void;
}

/**
 * The joiner's side of a state transfer. One donor gives the state as it is at some point of the row, in slices, as fast as
 * the application takes them; meanwhile the messages behind that point wait. When the donor fails, the next one begins
 * anew, at a later point.
 */
export class Newcomer {
  readonly #runtime: Runtime;
  readonly #context: TransferContext;
  #transfer = 0;
  #donor: NodeId | undefined;
  #head: Head | undefined;
  #isRestored = false;
  #heardAt: Millis = 0;
  /** Since when no old member of the view can be reached. */
  #aloneSince: Millis | undefined;
  /** Donors that said no, this time round. */
  readonly #refused = new Set<NodeId>();

  constructor(runtime: Runtime, context: TransferContext) {
    this.#runtime = runtime;
    this.#context = context;
  }

  get isWaiting(): boolean {
    return this.#donor !== undefined || this.#runtime.deadlines.get('donor') !== undefined;
  }

  /** This member came into a view without a state. */
  begin(): void {
    this.#refused.clear();
    this.#aloneSince = undefined;
    this.#ask();
  }

  onHead(from: Address, head: Head): void {
    if (!this.#isFromDonor(from, head.transfer) || this.#head !== undefined) return;
    this.#head = head;
    this.#heard();
    this.#runtime.emit({ type: 'restore', transfer: head.transfer });
  }

  onChunk(from: Address, { transfer, bytes, isLast }: Chunk): void {
    if (!this.#isFromDonor(from, transfer) || this.#head === undefined) return;
    this.#heard();
    this.#runtime.emit({ type: 'restore-chunk', transfer, bytes, isLast });
  }

  onRefused(from: Address, transfer: number): void {
    if (!this.#isFromDonor(from, transfer) || this.#donor === undefined) return;
    this.#refused.add(this.#donor);
    this.#abort();
    this.#retrySoon();
  }

  /** The application has taken in so much: more may come. */
  onConsumed(transfer: number, bytes: number): void {
    const donor = this.#donorAddress();
    if (transfer !== this.#transfer || donor === undefined) return;
    this.#heard();
    this.#runtime.send(donor, { kind: 'state-credit', transfer, bytes });
  }

  /** False: the application cannot make anything of this state. */
  onRestored(transfer: number, isOk: boolean): boolean {
    if (transfer !== this.#transfer || this.#head === undefined) return true; // of a transfer that was given up
    this.#isRestored = isOk;
    return isOk;
  }

  onDeadline(): void {
    const { now, config, deadlines } = this.#runtime;
    if (this.#isRestored) return; // nothing more is wanted of the donor
    if (this.#donor === undefined) return this.#ask();
    const patientUntil = this.#heardAt + config.stateTimeoutMs;
    if (now < patientUntil) return deadlines.set('donor', patientUntil);
    this.#runtime.hint(this.#donor);
    this.#refused.add(this.#donor);
    this.#abort();
    this.#ask();
  }

  endStep(): void {
    const { table, row, isSettled, config, wedgedAt } = this.#runtime;
    if (table === undefined || isSettled) return;
    if (row.bytes > config.joinerBytesMax)
      return this.#context.startOver('too many messages while the state was coming');
    if (this.#isRestored && this.#head !== undefined) {
      // In a flush what was received later may still be cut off.
      if ((wedgedAt ?? row.received) >= this.#head.sequence) this.#finish(table, this.#head);
      return;
    }
    if (this.#donor === undefined || (table.rankOf(this.#donor) !== undefined && !this.#context.isOut(this.#donor)))
      return;
    this.#abort();
    this.#ask();
  }

  /** A view was installed: what the donor had delivered behind its cut is not in the row. */
  installed(table: ViewTable): void {
    if (this.#head === undefined || this.#head.sequence <= table.proposal.cut) return;
    this.#abort();
    this.#ask();
  }

  reset(): void {
    this.#abort();
    this.#runtime.deadlines.delete('donor');
  }

  #finish(table: ViewTable, head: Head): void {
    this.#donor = undefined;
    this.#head = undefined;
    this.#isRestored = false;
    this.#runtime.deadlines.delete('donor');
    const members = new Set(table.view.members.map(({ id }) => id));
    this.#context.settle(head, RequestCounts.from(head.requests, members));
  }

  // The rank rule: joiners spread over the old members, beginning with the last one, so that the leader comes last.
  #ask(): void {
    const { table, now, config, deadlines } = this.#runtime;
    if (table === undefined) return;
    const live = table.view.members.filter(({ id }, rank) => rank !== table.selfRank && !this.#context.isOut(id));
    const veterans = live.filter(({ id }) => table.proposal.places[table.rankOf(id) ?? -1]?.isJoiner === false);
    // Those who came with this view may have the state by now, if nobody else is left.
    const able = veterans.length > 0 ? veterans : live;
    const willing = able.filter(({ id }) => !this.#refused.has(id));
    if (willing.length === 0) {
      // All are busy, or nobody can be reached. A joiner has a vote in its view: it does not give that up lightly.
      if (veterans.length > 0) this.#aloneSince = undefined;
      else this.#aloneSince ??= now;
      if (now - (this.#aloneSince ?? now) >= 2 * config.stateTimeoutMs)
        return this.#context.startOver('nobody is left who has the state');
      this.#refused.clear();
      return this.#retrySoon();
    }
    const donor = willing[(willing.length * 2 - 1 - (table.selfRank % willing.length)) % willing.length];
    if (donor === undefined) return;
    this.#donor = donor.id;
    this.#transfer++;
    this.#heardAt = now;
    deadlines.set('donor', now + config.stateTimeoutMs);
    this.#runtime.send(donor.address, { kind: 'state-request', transfer: this.#transfer });
  }

  #retrySoon(): void {
    const { deadlines, now } = this.#runtime;
    deadlines.set('donor', now + 50);
  }

  #abort(): void {
    if (this.#head !== undefined) this.#runtime.emit({ type: 'restore-abort', transfer: this.#transfer });
    this.#donor = undefined;
    this.#head = undefined;
    this.#isRestored = false;
  }

  #heard(): void {
    this.#heardAt = this.#runtime.now;
  }

  #donorAddress(): Address | undefined {
    const { table } = this.#runtime;
    const rank = this.#donor === undefined ? undefined : table?.rankOf(this.#donor);
    return rank === undefined ? undefined : table?.view.members[rank]?.address;
  }

  #isFromDonor(from: Address, transfer: number): boolean {
    return transfer === this.#transfer && from === this.#donorAddress();
  }
}

interface Donation {
  readonly id: number;
  readonly to: Address;
  readonly transfer: number;
  credit: number;
  /** Captured, not yet sent. */
  readonly slices: { readonly bytes: Uint8Array; readonly isLast: boolean }[];
  isDrawing: boolean;
}

/** The donor's side: captures between two deliveries, and sends slice by slice as the joiner allows. */
export class Donor {
  readonly #runtime: Runtime;
  readonly #donations = new Map<number, Donation>();
  #requests: { readonly from: Address; readonly transfer: number }[] = [];
  #nextId = 1;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  onRequest(from: Address, transfer: number): void {
    this.#requests = this.#requests.filter((request) => request.from !== from); // it asks anew
    if (this.#runtime.isSettled && this.#requests.length < this.#runtime.config.membersMax)
      this.#requests.push({ from, transfer });
    else this.#runtime.send(from, { kind: 'state-refused', transfer, isFinal: false });
  }

  onCredit(from: Address, transfer: number, bytes: number): void {
    for (const donation of this.#donations.values()) {
      if (donation.to !== from || donation.transfer !== transfer) continue;
      donation.credit += bytes;
      this.#pump(donation);
    }
  }

  onChunk(id: number, bytes: Uint8Array, isLast: boolean): void {
    const donation = this.#donations.get(id);
    if (donation === undefined) return;
    donation.isDrawing = false;
    const { stateChunkBytes: size } = this.#runtime.config;
    for (let start = 0; start < bytes.length; start += size) {
      const slice = bytes.subarray(start, start + size);
      donation.slices.push({ bytes: slice, isLast: isLast && start + size >= bytes.length });
    }
    if (bytes.length === 0 && isLast) donation.slices.push({ bytes, isLast });
    this.#pump(donation);
  }

  onFailed(id: number): void {
    const donation = this.#donations.get(id);
    if (donation === undefined) return;
    this.#donations.delete(id);
    this.#runtime.send(donation.to, { kind: 'state-refused', transfer: donation.transfer, isFinal: true });
  }

  /** Behind all deliveries of this step: here is a point at which the state can be taken. */
  endStep(): void {
    // As many as may be under way at a time; the others wait for their turn.
    while (this.#requests.length > 0 && this.#donations.size < this.#runtime.config.stateDonationsMax) {
      const request = this.#requests.shift();
      if (request !== undefined) this.#donate(request.from, request.transfer);
    }
  }

  /** Members that are gone need nothing more. */
  keepOnly(table: ViewTable | undefined): void {
    this.#requests = this.#requests.filter(({ from }) => table?.rankAt(from) !== undefined);
    for (const { id, to } of [...this.#donations.values()]) if (table?.rankAt(to) === undefined) this.#end(id);
  }

  #donate(to: Address, transfer: number): void {
    const runtime = this.#runtime;
    for (const older of [...this.#donations.values()]) if (older.to === to) this.#end(older.id);
    const { stateWindowBytes: credit } = runtime.config;
    if (runtime.table?.rankAt(to) === undefined || !runtime.isSettled) return;
    const { row } = runtime;
    const { delivered: sequence, counts, hash } = row;
    runtime.send(to, { kind: 'state-head', transfer, sequence, hash: hash.state, requests: counts.list() });
    const id = this.#nextId++;
    this.#donations.set(id, { id, to, transfer, credit, slices: [], isDrawing: true });
    runtime.emit({ type: 'capture', donation: id });
    runtime.emit({ type: 'draw', donation: id });
  }

  #pump(donation: Donation): void {
    const runtime = this.#runtime;
    const { slices, to, transfer, id } = donation;
    while (donation.credit > 0) {
      const slice = slices.shift();
      if (slice === undefined) break;
      donation.credit -= slice.bytes.length;
      runtime.send(to, { kind: 'state-chunk', transfer, ...slice });
      if (slice.isLast) return this.#end(id);
    }
    if (slices.length > 0 || donation.isDrawing) return;
    donation.isDrawing = true;
    runtime.emit({ type: 'draw', donation: id });
  }

  #end(id: number): void {
    this.#donations.delete(id);
    this.#runtime.emit({ type: 'end-capture', donation: id });
  }
}
