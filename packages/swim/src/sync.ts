import { fraction, pick, type Address } from '@grp/core';
import type { NodeState, StreamMessage } from '@grp/memberlist-wire';
import type { Claims } from './claims.ts';
import type { MemberRecord } from './members.ts';
import { protocolSpoken, pushPullIntervalMs, scaledByMembers, understands } from './rules.ts';
import type { Runtime } from './runtime.ts';

type PushPull = Extract<StreamMessage, { type: 'push-pull' }>;

/** Up to this many members a periodic exchange is too cheap to be left out; beyond it the interval is stretched too. */
const smallMembersMax = 32;
/** One periodic exchange in four takes place whatever the digests say. */
const sparedMax = 3;

export interface SyncHooks {
  userState(join: boolean): Uint8Array;
  mergeUserState(state: Uint8Array, join: boolean): void;
}

/** One list exchange under way. */
interface Exchange {
  readonly to: Address;
  readonly join: boolean;
}

/**
 * Full exchanges of the list: with seeds, with a random member now and then, and with a member whose digest differs.
 * A list that missed something is whole again within one lap of probes.
 */
export class Sync {
  readonly #runtime: Runtime;
  readonly #claims: Claims;
  readonly #hooks: SyncHooks;
  readonly #exchanges = new Map<number, Exchange>();
  #digestSyncAt = 0;
  /** When a member last acked with the digest that this list has too. */
  #agreedAt = -Infinity;
  /** Periodic exchanges left out since the last, because lists agreed. */
  #spared = 0;
  /** Where in its first interval this member exchanges; undefined afterwards. */
  #firstShare: number | undefined;

  constructor(runtime: Runtime, claims: Claims, hooks: SyncHooks) {
    this.#runtime = runtime;
    this.#claims = claims;
    this.#hooks = hooks;
  }

  start(): void {
    const { config, random, deadlines, now } = this.#runtime;
    this.#firstShare = fraction(random);
    if (config.pushPullIntervalMs > 0) deadlines.set('push-pull', now + this.#firstShare * config.pushPullIntervalMs);
  }

  /**
   * The interval is over. The first was drawn before the size of the cluster was known: with the members that there are
   * now, whoever came last would otherwise exchange everything again within half a minute.
   */
  due(): void {
    const { config, deadlines, now, list } = this.#runtime;
    const share = this.#firstShare ?? 0;
    this.#firstShare = undefined;
    const intervalMs = pushPullIntervalMs(config.pushPullIntervalMs, list.liveCount);
    const restMs = share * (intervalMs - config.pushPullIntervalMs);
    if (restMs > 0) deadlines.set('push-pull', now + restMs);
    else if (this.#isSpared()) deadlines.set('push-pull', now + intervalMs);
    else this.round();
  }

  /**
   * Great lists that agree are not exchanged. Now and then they are all the same: digests are of the living alone, and two
   * lists may have the same by chance. A small list costs nothing, and an exchange also ends suspicions and settles
   * addresses. Serf agents tell no digests, and look for more than the members.
   */
  #isSpared(): boolean {
    const { now, config, list } = this.#runtime;
    const isAgreed = now - this.#agreedAt <= 2 * config.probeIntervalMs;
    const isDear = list.liveCount > smallMembersMax && !list.hasStrangers;
    this.#spared = isAgreed && isDear && this.#spared < sparedMax ? this.#spared + 1 : 0;
    return this.#spared > 0;
  }

  /** Periodic exchange with a random member. */
  round(): void {
    const { config, deadlines, now, list } = this.#runtime;
    // The name guard asks for a round where there are none by themselves: with 0 that one would never be over.
    if (config.pushPullIntervalMs > 0) {
      deadlines.set('push-pull', now + pushPullIntervalMs(config.pushPullIntervalMs, list.liveCount));
    }
    const [peer] = list.sampleLive(1, (record) => record.status === 'alive');
    if (peer !== undefined) this.exchange(peer.address);
  }

  /** Starts one exchange; returns its ticket. */
  exchange(to: Address, join = false): number {
    const ticket = this.#runtime.nextTicket();
    this.#exchanges.set(ticket, { to, join });
    const { streamTimeoutMs: timeoutMs } = this.#runtime.config;
    this.#runtime.effect({ type: 'exchange', ticket, to, message: this.#localState(join), timeoutMs });
    return ticket;
  }

  /**
   * A grp member acked with the digest of its list. While this list is still moving a difference means nothing; after
   * that one of the two has missed something. The cost of an exchange grows with the list, so its rate shrinks with it.
   */
  onDigest(peer: MemberRecord, digest: number): void {
    const { list, now, changedAt, config } = this.#runtime;
    if (digest === list.digest >>> 0) {
      this.#agreedAt = now;
      return;
    }
    const spreadMs = scaledByMembers(config.digestSyncMinMs, list.liveCount); // news needs log n rounds
    if (now - changedAt < spreadMs || now < this.#digestSyncAt) return;
    this.#digestSyncAt = now + Math.max(config.digestSyncMinMs, 50 * list.size);
    this.exchange(peer.address);
  }

  /** The end of an exchange; undefined when the ticket is not one of this part. */
  onReply(
    ticket: number,
    outcome: StreamMessage | string,
  ): { readonly to: Address; readonly problem?: string } | undefined {
    const exchange = this.#exchanges.get(ticket);
    if (exchange === undefined) return undefined;
    this.#exchanges.delete(ticket);
    const { to, join } = exchange;
    if (typeof outcome === 'string') return { to, problem: outcome };
    if (outcome.type === 'error') return { to, problem: outcome.message };
    if (outcome.type !== 'push-pull') return { to, problem: `answered with ${outcome.type}` };
    const problem = this.#merge(outcome, to, join);
    return problem === undefined ? { to } : { to, problem };
  }

  /** Answers a member that wants to exchange. What it says is merged first, so that the answer knows it already. */
  onRequest(ticket: number, from: Address, message: PushPull): void {
    const problem = this.#merge(message, undefined, message.join);
    if (problem !== undefined) {
      this.#runtime.drop('push-pull-versions'); // a counter's name is never a peer's to choose
      this.#runtime.effect({ type: 'answer', ticket, message: { type: 'error', message: `${problem} (${from})` } });
      return;
    }
    this.#runtime.effect({ type: 'answer', ticket, message: this.#localState(message.join) });
  }

  #localState(join: boolean): PushPull {
    const nodes: NodeState[] = [];
    for (const record of this.#runtime.list.all()) {
      const { name, address, meta, incarnation, versions } = record;
      nodes.push({
        name,
        address,
        meta,
        incarnation,
        versions,
        state: record.status === 'down' ? 'dead' : record.status,
      });
    }
    return { type: 'push-pull', join, nodes, userState: this.#hooks.userState(join) };
  }

  /** Undefined when merged; otherwise why not. `asked` is the address that this node dialled. */
  #merge({ nodes, userState, join }: PushPull, asked: Address | undefined, joining: boolean): string | undefined {
    const { list, self } = this.#runtime;
    for (const { state, versions, name } of nodes) {
      if (isLiveState(state) && !understands(versions)) return `${name} speaks no protocol ${protocolSpoken}`;
    }
    // A peer that joins through this node, or that this node joins through, is news that everybody should hear at once.
    const origin = join || joining;
    // A newcomer would otherwise gossip the whole list back to those who gave it.
    const alone = asked !== undefined && list.live().length === 0;
    const teller = asked === undefined ? undefined : list.at(asked);
    for (const node of nodes) {
      const { name: member, incarnation, state } = node;
      const known = list.get(member) !== undefined;
      const accusation = { node: member, incarnation, from: teller?.name ?? self.name };
      if (isLiveState(state)) this.#claims.alive(node, { origin, known: alone });
      // The end of a stranger is no news. A death is only a suspicion here: this node looks for itself.
      if (state === 'left' && known) this.#claims.dead({ ...accusation, from: member });
      if (state === 'suspect' || (state === 'dead' && known)) this.#claims.suspect(accusation);
    }
    // Only who joins skips what happened before; the one who takes it in may hear the joiner's events.
    if (userState.length > 0) this.#hooks.mergeUserState(userState, joining && asked !== undefined);
    return undefined;
  }
}

/** One member that is down is asked now and then whether it is back: that is how partitions heal. */
export function pickDown(runtime: Runtime): MemberRecord | undefined {
  const { list, random } = runtime;
  // An address that another member has by now is not asked for the old one.
  return pick(
    random,
    [...list.down.values()].filter((record) => list.at(record.address) === record),
  );
}

function isLiveState(state: NodeState['state']): boolean {
  return state === 'alive' || state === 'suspect';
}
