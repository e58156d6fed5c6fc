import type { Millis } from '@grp/core';
import type { BlobRecord, ServerRecord } from '../meta/records.ts';
import type { FileServer, ServerId } from '../model.ts';
import type { MasterContext } from './context.ts';
import type { Repair } from './repair.ts';
import type { DeletionOrder } from './types.ts';

const excessPerPass = 100;
const movesExamined = 1_000;

/** Has servers delete what nobody wants, and confirms to the log that they have. */
export class Deletions {
  readonly #orders = new Map<number, DeletionOrder & { readonly deadline: Millis }>();
  readonly #retryAt = new Map<ServerId, Millis>();

  work(context: MasterContext): void {
    const { state, config, now } = context;
    for (const [deletion, { at, deadline }] of this.#orders)
      if (deadline <= now) this.#fail(context, deletion, at.id);
      else context.wakeAt(deadline);
    if (state.deletionCount === 0) return;
    const busy = new Set([...this.#orders.values()].map(({ at }) => at.id));
    for (const { id, deletions } of state.servers.values()) {
      const server = deletions.size === 0 || busy.has(id) ? undefined : context.server(id);
      if (server === undefined || context.isProposed(`deleted ${id}`)) continue;
      const retryAt = this.#retryAt.get(id) ?? 0;
      if (retryAt > now) {
        context.wakeAt(retryAt);
        continue;
      }
      const items = [...deletions].slice(0, config.deletionsPerRequestMax).map(([blob, epoch]) => ({ blob, epoch }));
      const order = { deletion: context.number(), at: server, items };
      const deadline = now + config.copyTimeoutMs;
      this.#orders.set(order.deletion, { ...order, deadline });
      context.wakeAt(deadline);
      context.emit({ type: 'delete', order });
    }
  }

  done(context: MasterContext, deletion: number): void {
    const order = this.#orders.get(deletion);
    if (order === undefined) return;
    this.#orders.delete(deletion);
    const { at, items } = order;
    const command = { kind: 'deleted', node: at.id, incarnation: at.incarnation, items } as const;
    context.propose(`deleted ${at.id}`, command, (result) => {
      if (result === undefined) this.#retryAt.set(at.id, context.now + context.config.retryMs);
    });
  }

  failed(context: MasterContext, deletion: number): void {
    const order = this.#orders.get(deletion);
    if (order !== undefined) this.#fail(context, deletion, order.at.id);
  }

  #fail({ now, config }: MasterContext, deletion: number, id: ServerId): void {
    this.#orders.delete(deletion);
    this.#retryAt.set(id, now + config.retryMs);
  }
}

/** More holders than wanted: the one that holds the most bytes gives its copy up, one of a doubled zone before others. */
export function dropExcess(context: MasterContext): void {
  let seen = 0;
  for (const blob of context.state.excess) {
    if (++seen > excessPerPass) return;
    const record = context.state.blobs.get(blob);
    const server = record === undefined ? undefined : fullestHolder(context, record);
    if (server === undefined) continue;
    const { id: node, incarnation } = server;
    context.propose(`drop ${blob}`, { kind: 'drop-holder', blob, node, incarnation, onlyExcess: true, asOf: 0 });
  }
}

function fullestHolder({ state }: MasterContext, { holders }: BlobRecord): ServerRecord | undefined {
  const servers = holders.flatMap((id) => state.servers.get(id) ?? []);
  const isDoubled = ({ zone }: ServerRecord): boolean => servers.filter((other) => other.zone === zone).length > 1;
  return servers.toSorted(
    (a, b) => Number(isDoubled(b)) - Number(isDoubled(a)) || b.heldBytes - a.heldBytes || (a.id < b.id ? -1 : 1),
  )[0];
}

/** Removed files whose versions were kept long enough. */
export function purgeRemoved(context: MasterContext, wallMs: number): void {
  const { state, config } = context;
  let seen = 0;
  for (const name of state.removed) {
    if (++seen > excessPerPass) return;
    const newest = state.newest(name);
    if (newest === undefined || wallMs - newest.at < config.removedKeepMs) continue;
    context.propose(`purge ${name}`, { kind: 'purge', name, version: newest.version });
  }
}

/** Moves blobs from the server that holds the most bytes to the one that holds the least, as long as they differ much. */
export function rebalance(context: MasterContext, repair: Repair): void {
  const { state, config, reserveBytes } = context;
  if (repair.copying > 0 || state.excess.size > 0) return;
  const live = context.liveServers().filter(({ freeBytes }) => freeBytes > reserveBytes);
  const held = (server: FileServer): number => state.servers.get(server.id)?.heldBytes ?? 0;
  const sorted = live.toSorted((a, b) => held(a) - held(b));
  const [emptiest, fullest] = [sorted[0], sorted.at(-1)];
  if (emptiest === undefined || fullest === undefined) return;
  const mean = live.reduce((sum, server) => sum + held(server), 0) / live.length;
  let gap = held(fullest) - held(emptiest);
  let examined = 0;
  for (const blob of state.servers.get(fullest.id)?.held ?? []) {
    if (gap <= config.rebalanceSpread * mean || ++examined > movesExamined) return;
    const record = state.blobs.get(blob);
    if (record === undefined || !isMovable(context, record, fullest, emptiest) || 2 * record.bytes > gap) continue;
    if (!repair.move(context, record, fullest, emptiest)) return;
    gap -= 2 * record.bytes;
  }
}

function isMovable(
  { state }: MasterContext,
  { holders, replicas }: BlobRecord,
  from: FileServer,
  to: FileServer,
): boolean {
  if (holders.length !== replicas || holders.includes(to.id)) return false;
  const others = holders.filter((id) => id !== from.id).map((id) => state.servers.get(id)?.zone);
  return to.zone === from.zone || !others.includes(to.zone);
}
