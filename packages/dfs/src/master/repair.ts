import type { Millis } from '@grp/core';
import type { Ack, BlobId, FileServer, ServerId } from '../model.ts';
import type { Result } from '../meta/commands.ts';
import type { BlobRecord } from '../meta/records.ts';
import { placeReplicas } from '../placement.ts';
import type { MasterContext } from './context.ts';
import type { CopyOrder, CopyProblem } from './types.ts';

interface ActiveCopy {
  readonly order: CopyOrder;
  readonly deadline: Millis;
  /** The holder that this copy relieves, when it is made to even out the servers. */
  readonly relieves: ServerId | undefined;
  /** It is there: what is left is that the log knows it. */
  ack: Ack | undefined;
}

/** How many entries of the queue are looked at in vain before the rest waits for a slot. */
const passesMax = 256;
const rebuildMs = 50;
/** Patience doubles so often: whoever is slow because all are gets more time instead of more copies. */
const doublingsMax = 2;
/** Copies given up for slow of which an acknowledgement still counts. */
const lateMax = 1_024;

/** Makes the replicas that are missing: fewest holders first, from many servers to many, within a budget of bytes. */
export class Repair {
  readonly #copies = new Map<number, ActiveCopy>();
  /** Given up for slow, oldest first: they go on where they are made, and count when they are there. */
  readonly #late = new Map<number, ActiveCopy>();
  readonly #attempts = new Map<BlobId, number>();
  readonly #load = new Map<ServerId, number>();
  readonly #targets = new Map<BlobId, Set<ServerId>>();
  readonly #retryAt = new Map<BlobId, Millis>();
  readonly #shunnedUntil = new Map<ServerId, Millis>();
  /** Versions that their writers may still be completing, by when they were first seen. */
  #seenAt = new Map<BlobId, Millis>();
  #queue: BlobId[] = [];
  #rebuiltAt: Millis = -Infinity;
  #serversSeenAt = 0;
  #tokens: number;
  #tokensAt: Millis = 0;
  copiesDone = 0;
  copyBytesDone = 0;

  constructor(tokens: number) {
    this.#tokens = tokens;
  }

  get copying(): number {
    return this.#copies.size;
  }

  isCopying(blob: BlobId): boolean {
    return this.#targets.has(blob);
  }

  work(context: MasterContext): void {
    this.#tellAll(context);
    this.#expire(context);
    this.#refill(context);
    this.#rebuild(context);
    this.#start(context);
    for (const { deadline, ack } of this.#copies.values()) if (ack === undefined) context.wakeAt(deadline);
  }

  /** Begins a copy that nobody is missing, so that a full server may give up its own. False: there is no room for it now. */
  move(context: MasterContext, record: BlobRecord, from: FileServer, to: FileServer): boolean {
    const source = this.#sourceOf(context, record);
    if (this.#tokens <= 0 || this.isCopying(record.blob) || source === undefined) return false;
    if (this.#copies.size >= context.config.copiesMax || this.#isLoaded(context, to.id)) return false;
    this.#begin(context, { record, from: source, to, relieves: from.id });
    return true;
  }

  copied(context: MasterContext, copy: number, ack: Ack): void {
    // A copy that was given up for slow is a copy all the same.
    const active = this.#copies.get(copy) ?? this.#late.get(copy);
    if (active === undefined) return;
    active.ack = ack;
    this.#tell(context, copy, active);
  }

  /** Tells the log of copies that are there until it answers: what is on a disk is not copied once more for that. */
  #tellAll(context: MasterContext): void {
    for (const copies of [this.#copies, this.#late])
      for (const [copy, active] of copies) if (active.ack !== undefined) this.#tell(context, copy, active);
  }

  #tell(context: MasterContext, copy: number, active: ActiveCopy): void {
    const { ack } = active;
    if (ack === undefined) return;
    const { blob, bytes } = active.order;
    context.propose(`holder ${blob} ${ack.node}`, { kind: 'add-holders', items: [{ blob, ack }] }, (result) => {
      if (result === undefined || !this.#end(copy)) return;
      this.#attempts.delete(blob);
      this.copiesDone++;
      this.copyBytesDone += bytes;
      if (active.relieves !== undefined) this.#relieve(context, blob, active.relieves);
    });
  }

  failed(context: MasterContext, copy: number, problem: CopyProblem): void {
    this.#late.delete(copy);
    const active = this.#copies.get(copy);
    if (active === undefined) return;
    this.#end(copy);
    const { blob, from, to } = active.order;
    const { now, config } = context;
    // What the target says of the source is verified before the source's copy is given up.
    if (problem === 'source-bad') context.verify({ blob, node: from.id, incarnation: from.incarnation });
    const shunned = problem === 'source-unreachable' || problem === 'source-bad' ? from.id : to.id;
    this.#shunnedUntil.set(shunned, now + config.retryMs);
    this.#shun(context, blob);
  }

  /** For a blob that another source or target may still have at once. */
  #shun(context: MasterContext, blob: BlobId): void {
    this.#retryAt.set(blob, context.now + context.config.retryMs / 10);
    this.#queue.push(blob);
    context.wakeAt(context.now + context.config.retryMs / 10);
  }

  #relieve(context: MasterContext, blob: BlobId, node: ServerId): void {
    const server = context.state.servers.get(node);
    if (server === undefined) return;
    const { incarnation } = server;
    context.propose(`drop ${blob}`, { kind: 'drop-holder', blob, node, incarnation, onlyExcess: true, asOf: 0 });
  }

  #expire(context: MasterContext): void {
    for (const [copy, active] of this.#copies) {
      const { deadline, order, ack } = active;
      if (deadline > context.now || ack !== undefined) continue;
      this.#end(copy);
      if (this.#late.size >= lateMax) this.#late.delete(this.#late.keys().next().value as number);
      this.#late.set(copy, active);
      // Whose fault it is nobody knows; another pair may do better.
      this.#shunnedUntil.set(order.to.id, context.now + context.config.retryMs);
      const retryAt = context.now + context.config.retryMs * this.#patience(order.blob);
      this.#attempts.set(order.blob, (this.#attempts.get(order.blob) ?? 0) + 1);
      this.#retryAt.set(order.blob, retryAt);
      context.wakeAt(retryAt);
    }
  }

  #patience(blob: BlobId): number {
    return 2 ** Math.min(doublingsMax, this.#attempts.get(blob) ?? 0);
  }

  #refill({ now, config }: MasterContext): void {
    const gained = ((now - this.#tokensAt) * config.repairBytesPerSecond) / 1_000;
    this.#tokens = Math.min(config.repairBurstBytes, this.#tokens + gained);
    this.#tokensAt = now;
  }

  #rebuild(context: MasterContext): void {
    const { state, now, config } = context;
    if (state.deficient.size === 0) {
      this.#queue = [];
      this.#seenAt.clear();
      this.#retryAt.clear();
      this.#attempts.clear();
      return;
    }
    const isDue = this.#queue.length === 0 || state.serversChangedAt !== this.#serversSeenAt;
    if (!isDue) return;
    if (now - this.#rebuiltAt < rebuildMs && state.serversChangedAt === this.#serversSeenAt) {
      context.wakeAt(this.#rebuiltAt + rebuildMs);
      return;
    }
    this.#rebuiltAt = now;
    this.#serversSeenAt = state.serversChangedAt;
    const seenAt = new Map<BlobId, Millis>();
    const due: BlobRecord[] = [];
    for (const blob of state.deficient) {
      const record = state.blobs.get(blob) as BlobRecord;
      const isNewborn = record.changedAt === record.version;
      const since = this.#seenAt.get(blob) ?? now;
      if (isNewborn) seenAt.set(blob, since);
      if (isNewborn && since + config.settleMs > now) context.wakeAt(since + config.settleMs);
      else due.push(record);
    }
    this.#seenAt = seenAt;
    for (const known of [this.#retryAt, this.#attempts])
      for (const blob of known.keys()) if (!state.deficient.has(blob)) known.delete(blob);
    this.#queue = due
      .toSorted((a, b) => a.holders.length - b.holders.length || a.version - b.version)
      .map(({ blob }) => blob);
  }

  #start(context: MasterContext): void {
    const { config, now, state } = context;
    const later: BlobId[] = [];
    const again: BlobId[] = [];
    let position = 0;
    for (; position < this.#queue.length && later.length < passesMax; position++) {
      if (this.#copies.size >= config.copiesMax || !this.#hasRoom(context)) break;
      if (this.#tokens <= 0) {
        context.wakeAt(now + Math.max(1, (-this.#tokens * 1_000) / config.repairBytesPerSecond));
        break;
      }
      const blob = this.#queue[position] as BlobId;
      const record = state.blobs.get(blob);
      if (record === undefined || record.holders.length >= record.replicas) continue;
      const retryAt = this.#retryAt.get(blob) ?? 0;
      if (retryAt > now) context.wakeAt(retryAt);
      const isStarted = retryAt <= now && this.#startCopy(context, record);
      if (!isStarted) later.push(blob);
      else if (this.#missing(record) > 0) again.push(blob);
    }
    this.#queue = [...later, ...this.#queue.slice(position), ...again];
    // Those that still lack a replica have one more under way: they come after all that lacked as many.
    if (again.length > 0) context.wakeAt(now + 1);
  }

  #missing({ blob, replicas, holders }: BlobRecord): number {
    return replicas - holders.length - (this.#targets.get(blob)?.size ?? 0);
  }

  /** Begins one copy of it, if one is missing. False: that is not possible now. */
  #startCopy(context: MasterContext, record: BlobRecord): boolean {
    if (this.#missing(record) <= 0) return true;
    const from = this.#sourceOf(context, record);
    const to = from === undefined ? undefined : this.#targetFor(context, record);
    if (from === undefined || to === undefined) return false;
    this.#begin(context, { record, from, to, relieves: undefined });
    return true;
  }

  /** A holder that is up and not loaded, the least loaded first. */
  #sourceOf(context: MasterContext, { holders }: BlobRecord): FileServer | undefined {
    const live = holders.filter((id) => !this.#isShunned(context, id) && !this.#isLoaded(context, id));
    const sorted = live.toSorted((a, b) => this.#loadOf(a) - this.#loadOf(b));
    for (const id of sorted) {
      const server = context.server(id);
      if (server !== undefined) return server;
    }
    return undefined;
  }

  #targetFor(context: MasterContext, { blob, bytes, holders }: BlobRecord): FileServer | undefined {
    const { state, reserveBytes } = context;
    const taken = new Set([...holders, ...(this.#targets.get(blob) ?? [])]);
    const servers = context.liveServers().map((server) => {
      const isDeleting = state.servers.get(server.id)?.deletions.has(blob) === true;
      const isOut = isDeleting || this.#isShunned(context, server.id) || this.#isLoaded(context, server.id);
      return isOut && !taken.has(server.id) ? { ...server, up: false } : server;
    });
    const avoid = [...this.#late.values()].flatMap(({ order }) => (order.blob === blob ? order.to.id : []));
    return placeReplicas({ blob, servers, count: 1, bytes, reserveBytes, holders: [...taken], avoid })[0];
  }

  #begin(
    context: MasterContext,
    copy: {
      readonly record: BlobRecord;
      readonly from: FileServer;
      readonly to: FileServer;
      readonly relieves: ServerId | undefined;
    },
  ): void {
    const { record, from, to, relieves } = copy;
    const { blob, bytes, sha256 } = record;
    const { config, now, state } = context;
    const order = { copy: context.number(), blob, bytes, sha256, from, to, epoch: state.position };
    const patienceMs = config.copyTimeoutMs + (bytes * 1_000) / config.copyBytesPerSecondMin;
    const deadline = now + patienceMs * this.#patience(blob);
    this.#copies.set(order.copy, { order, deadline, relieves, ack: undefined });
    this.#targets.set(blob, (this.#targets.get(blob) ?? new Set()).add(to.id));
    for (const { id } of [from, to]) this.#load.set(id, this.#loadOf(id) + 1);
    this.#tokens -= bytes;
    context.emit({ type: 'copy', order });
  }

  #end(copy: number): boolean {
    if (this.#late.delete(copy)) return true;
    const active = this.#copies.get(copy);
    if (active === undefined) return false;
    const { blob, from, to } = active.order;
    this.#copies.delete(copy);
    const targets = this.#targets.get(blob);
    targets?.delete(to.id);
    if (targets?.size === 0) this.#targets.delete(blob);
    for (const { id } of [from, to]) this.#load.set(id, this.#loadOf(id) - 1);
    return true;
  }

  #loadOf(id: ServerId): number {
    return this.#load.get(id) ?? 0;
  }

  #isLoaded({ config }: MasterContext, id: ServerId): boolean {
    return this.#loadOf(id) >= config.copiesPerServerMax;
  }

  /** A copy needs two servers that are not busy with others; while there are not, no blob need be looked at. */
  #hasRoom(context: MasterContext): boolean {
    const { copiesPerServerMax } = context.config;
    let busy = 0;
    for (const load of this.#load.values()) if (load >= copiesPerServerMax) busy++;
    return context.state.servers.size - busy >= 2;
  }

  #isShunned(context: MasterContext, id: ServerId): boolean {
    const until = this.#shunnedUntil.get(id) ?? 0;
    if (until <= context.now) return false;
    context.wakeAt(until);
    return true;
  }
}

/** A copy is bad, missing or one too many: it counts no longer, and the server deletes what it has of it. */
export function dropCopy(
  context: MasterContext,
  copy: { readonly blob: BlobId; readonly node: ServerId; readonly incarnation: number; readonly asOf?: number },
  onResult?: (result: Result | undefined) => void,
): void {
  const { blob, node, incarnation, asOf = 0 } = copy;
  const command = { kind: 'drop-holder', blob, node, incarnation, onlyExcess: false, asOf } as const;
  context.propose(`drop ${blob} ${node}`, command, onResult);
}
