import { Deadlines, fraction, pick, type Address, type Millis, type Random } from '@grp/core';
import { crcOverheadBytes, encodeMessage, partOverheadBytes } from '@grp/memberlist-wire';
import type { Effect, MemberEventKind } from './effects.ts';
import type { SwimConfig } from './config.ts';
import { GossipQueue } from './gossip.ts';
import { LocalHealth } from './health.ts';
import type { MemberList, MemberRecord } from './members.ts';
import { retransmitLimit } from './rules.ts';

export interface RuntimeOptions {
  readonly config: SwimConfig;
  readonly random: Random;
  readonly list: MemberList;
  readonly self: MemberRecord;
  /** Room for parts in one datagram, their own overhead included. */
  readonly datagramBytes: number;
  /** Wall-clock time of an instant of the machine. */
  readonly wallMs: (at: Millis) => number;
}

/** News that goes to everyone at once, and to one more address that may not count as live. */
interface Urgent {
  readonly part: Uint8Array;
  readonly alsoTo: Address | undefined;
}

export interface SpreadOptions {
  readonly urgent?: boolean;
  readonly twice?: boolean;
  readonly alsoTo?: Address;
}

/** What the parts of the machine share: the time and the effects of the current step, the list, the news. */
export class Runtime {
  readonly config: SwimConfig;
  readonly random: Random;
  readonly list: MemberList;
  readonly self: MemberRecord;
  readonly health: LocalHealth;
  readonly gossip: GossipQueue;
  readonly deadlines = new Deadlines<string>();
  readonly wallMs: (at: Millis) => number;
  readonly #datagramBytes: number;
  #effects: Effect[] = [];
  #urgent: Urgent[] = [];
  #repeated: Urgent[] = [];
  #ticket = 0;
  now: Millis = 0;
  /** When a life last came, went or changed: a list that is still moving is not worth comparing. */
  changedAt: Millis = 0;
  leaving = false;

  constructor({ config, random, list, self, datagramBytes, wallMs }: RuntimeOptions) {
    this.config = config;
    this.random = random;
    this.list = list;
    this.self = self;
    this.health = new LocalHealth(config.healthMax);
    this.gossip = new GossipQueue(config.broadcastsMax);
    this.wallMs = wallMs;
    this.#datagramBytes = datagramBytes;
  }

  nextTicket(): number {
    return ++this.#ticket;
  }

  effect(effect: Effect): void {
    this.#effects.push(effect);
  }

  drop(reason: string): void {
    this.#effects.push({ type: 'drop', reason });
  }

  memberEvent(kind: MemberEventKind, record: MemberRecord): void {
    this.#effects.push({ type: 'member', kind, member: this.list.view(record, this.wallMs) });
  }

  /**
   * Queues news for gossip. With `urgent` it also goes to every live member at the end of this step while the cluster
   * is small enough, and to `alsoTo` in any case; with `twice` once more a gossip interval later, because whoever missed
   * it would be the only one with a wrong list.
   */
  spread(key: string, part: Uint8Array, { urgent = false, twice = false, alsoTo }: SpreadOptions = {}): void {
    this.gossip.add(key, part);
    if (urgent) this.#urgent.push({ part, alsoTo });
    if (urgent && twice) {
      this.#repeated.push({ part, alsoTo });
      this.deadlines.set('repeat', this.now + this.config.gossipIntervalMs);
    }
    if (this.deadlines.get('gossip') === undefined) {
      this.deadlines.set('gossip', this.now + this.config.gossipIntervalMs);
    }
  }

  /** Says once more what was to be said twice. */
  repeat(): void {
    this.#urgent.push(...this.#repeated);
    this.#repeated = [];
  }

  /** Sends probe traffic, with as much waiting news as fits when the receiver is known to be a member. */
  sendProbe(to: Address, parts: readonly Uint8Array[], options: { readonly piggyback: boolean }): void {
    if (!options.piggyback || this.gossip.size === 0) {
      this.#effects.push({ type: 'send', to, parts, crc: false });
      return;
    }
    const used = parts.reduce((sum, part) => sum + part.length + partOverheadBytes, 0);
    const news = this.gossip.take(this.#datagramBytes - used, this.sendsMax(), true);
    this.#effects.push({ type: 'send', to, parts: [...parts, ...news], crc: false });
  }

  /** One gossip round: the news that was sent least often, to a few members and to the recently down. */
  gossipRound(): void {
    const { gossipFanout, gossipToDownMs, gossipIntervalMs } = this.config;
    for (const { address } of this.list.sampleLive(gossipFanout)) this.#sendNews(address, true);
    const recent = this.#drawDown(gossipFanout, gossipToDownMs);
    if (recent !== undefined) this.#sendNews(recent.address, false);
    if (this.list.live().length === 0) this.gossip.clear(); // nobody to tell; a joiner gets the whole list anyway
    if (this.gossip.size > 0) this.deadlines.set('gossip', this.now + gossipIntervalMs);
  }

  /**
   * One of the recently down, to hear that it is taken for dead, and to refute. Each shall hear from about as many
   * members per round as a living one does: in a large cluster only few of its members need to tell it.
   */
  #drawDown(fanout: number, recentMs: Millis): MemberRecord | undefined {
    const { list, random, now } = this;
    if (list.down.size === 0) return undefined;
    const share = fanout / Math.max(1, list.live().length);
    const draw = fraction(random);
    if (draw >= share * list.down.size) return undefined; // nearly always, without a look at anybody
    const recent = [...list.down.values()].filter(({ changedAt }) => now - changedAt < recentMs);
    return draw < share * recent.length ? pick(random, recent) : undefined;
  }

  sendsMax(): number {
    return retransmitLimit(this.config.retransmitFactor, this.list.liveCount);
  }

  /** Ends a step: urgent news goes out, packed; then everything this step wants done. */
  flush(): readonly Effect[] {
    if (this.#urgent.length > 0) this.#sendUrgent();
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  aliveSelf(): Uint8Array {
    return encodeAlive(this.self);
  }

  #sendNews(to: Address, counted: boolean): void {
    const parts = this.gossip.take(this.#datagramBytes - crcOverheadBytes, this.sendsMax(), counted);
    if (parts.length > 0) this.#effects.push({ type: 'send', to, parts, crc: true });
  }

  #sendUrgent(): void {
    const everyone = new Set<Address>();
    if (this.list.liveCount <= this.config.broadcastMembersMax) {
      for (const { address } of this.list.live()) everyone.add(address);
    }
    const whole = this.#urgent.map(({ part }) => part);
    for (const to of everyone) this.#sendPacked(to, whole);
    for (const { part, alsoTo } of this.#urgent) {
      if (alsoTo !== undefined && !everyone.has(alsoTo)) this.#sendPacked(alsoTo, [part]);
    }
    this.#urgent = [];
  }

  #sendPacked(to: Address, parts: readonly Uint8Array[]): void {
    let packed: Uint8Array[] = [];
    let room = this.#datagramBytes - crcOverheadBytes;
    for (const part of parts) {
      const size = part.length + partOverheadBytes;
      if (packed.length > 0 && (size > room || packed.length === 255)) {
        this.#effects.push({ type: 'send', to, parts: packed, crc: true });
        packed = [];
        room = this.#datagramBytes - crcOverheadBytes;
      }
      packed.push(part);
      room -= size;
    }
    this.#effects.push({ type: 'send', to, parts: packed, crc: true });
  }
}

export function encodeAlive(record: MemberRecord): Uint8Array {
  return encodeMessage({
    type: 'alive',
    incarnation: record.incarnation,
    node: record.name,
    address: record.address,
    meta: record.meta,
    versions: record.versions,
  });
}
