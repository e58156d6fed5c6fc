import type { Millis } from '@grp/core';
import type { Ack, BlobId, FileServer, ServerId } from '../model.ts';
import type { BlobRecord } from '../meta/records.ts';
import { placeReplicas } from '../placement.ts';
import type { MasterContext } from './context.ts';
import type { CopyOrder, CopyProblem } from './types.ts';

interface ActiveCopy {
  readonly order: CopyOrder;
  readonly deadline: Millis;
  /** The holder that this copy relieves, when it is made to even out the servers. */
  readonly relieves: ServerId | undefined;
}

/** How many entries of the queue are looked at in vain before the rest waits for a slot. */
const passesMax = 256;
const rebuildMs = 50;

/** Makes the replicas that are missing: fewest holders first, from many servers to many, within a budget of bytes. */
export class Repair {
  readonly #copies = new Map<number, ActiveCopy>();
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
  rotFound = 0;

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
    this.#expire(context);
    this.#refill(context);
    this.#rebuild(context);
    this.#start(context);
    for (const { deadline } of this.#copies.values()) context.wakeAt(deadline);
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
    const active = this.#copies.get(copy);
    // A copy that was given up for slow is a copy all the same.
    if (active === undefined) return;
    const { blob, bytes } = active.order;
    context.propose(`holder ${blob} ${ack.node}`, { kind: 'add-holders', items: [{ blob, ack }] }, (result) => {
      if (!this.#end(copy)) return;
      if (result === undefined) return this.#postpone(context, blob);
      this.copiesDone++;
      this.copyBytesDone += bytes;
      if (active.relieves !== undefined) this.#relieve(context, blob, active.relieves);
    });
  }

  failed(context: MasterContext, copy: number, problem: CopyProblem): void {
    const active = this.#copies.get(copy);
    if (active === undefined) return;
    this.#end(copy);
    const { blob, from, to } = active.order;
    const { now, config } = context;
    if (problem === 'source-bad') {
      this.rotFound++;
      dropCopy(context, { blob, node: from.id, incarnation: from.incarnation });
      this.#shun(context, blob);
      return;
    }
    const shunned = problem === 'source-unreachable' ? from.id : to.id;
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
    for (const [copy, { deadline, order }] of this.#copies) {
      if (deadline > context.now || context.isProposed(`holder ${order.blob} ${order.to.id}`)) continue;
      this.#end(copy);
      // Whose fault it is nobody knows; another pair may do better.
      this.#shunnedUntil.set(order.to.id, context.now + context.config.retryMs);
      this.#postpone(context, order.blob);
    }
  }

  #postpone(context: MasterContext, blob: BlobId): void {
    this.#retryAt.set(blob, context.now + context.config.retryMs);
    context.wakeAt(context.now + context.config.retryMs);
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
    for (const blob of this.#retryAt.keys()) if (!state.deficient.has(blob)) this.#retryAt.delete(blob);
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
      if (this.#copies.size >= config.copiesMax) break;
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
    return placeReplicas({ blob, servers, count: 1, bytes, reserveBytes, holders: [...taken] })[0];
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
    const deadline = now + config.copyTimeoutMs + (bytes * 1_000) / config.copyBytesPerSecondMin;
    this.#copies.set(order.copy, { order, deadline, relieves });
    this.#targets.set(blob, (this.#targets.get(blob) ?? new Set()).add(to.id));
    for (const { id } of [from, to]) this.#load.set(id, this.#loadOf(id) + 1);
    this.#tokens -= bytes;
    context.emit({ type: 'copy', order });
  }

  #end(copy: number): boolean {
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
): void {
  const { blob, node, incarnation, asOf = 0 } = copy;
  const command = { kind: 'drop-holder', blob, node, incarnation, onlyExcess: false, asOf } as const;
  context.propose(`drop ${blob} ${node}`, command);
}
