import { below, shuffle, type Address, type Millis, type NodeId, type Random } from '@grp/core';
import { decodeTags, encodeTags } from '@grp/memberlist-wire';
import type { Member, MemberStatus, Tags } from './api.ts';
import { lifeHash, type RoundTrip } from './rules.ts';

/** The tag that carries `startedAt` (ms, base 36). Its presence also tells that a member is grp, not a Serf agent. */
export const lifeTag = 'grp';
export const metaBytesMax = 512;

/** One member as the machine keeps it: one record per name, for its latest known life. */
export interface MemberRecord {
  readonly name: string;
  address: Address;
  status: MemberStatus;
  incarnation: number;
  meta: Uint8Array;
  versions: Uint8Array;
  tags: Tags;
  startedAt: number | undefined;
  changedAt: Millis;
  roundTrip: RoundTrip | undefined;
  /** The lap in which it was last probed. */
  probedLap: number;
  /** Where it stands among the live others; −1 outside. */
  place: number;
}

/** What is said of a member. The bytes may be views into what it came in: the list keeps copies. */
export interface MemberFacts {
  readonly name: string;
  readonly address: Address;
  readonly incarnation: number;
  readonly meta: Uint8Array;
  readonly versions: Uint8Array;
}

export interface Life {
  readonly tags: Tags;
  readonly startedAt: number | undefined;
}

/** Splits a member's meta into its own tags and the stamp of its life. Meta that is no tag map has none. */
export function readMeta(meta: Uint8Array): Life {
  const decoded = decodeTags(meta);
  if ('malformed' in decoded && typeof decoded.malformed === 'string' && !(lifeTag in decoded)) {
    return { tags: {}, startedAt: undefined };
  }
  const { [lifeTag]: stamp, ...tags } = decoded as Record<string, string>;
  const startedAt = stamp === undefined ? undefined : Number.parseInt(stamp, 36);
  return { tags, startedAt: Number.isSafeInteger(startedAt) ? startedAt : undefined };
}

/** The inverse of `readMeta`. */
export function writeMeta(tags: Tags, startedAt: number): Uint8Array {
  return encodeTags({ ...tags, [lifeTag]: startedAt.toString(36) });
}

export function memberId(record: Pick<MemberRecord, 'name' | 'startedAt'>): NodeId {
  return `${record.name}#${record.startedAt ?? 0}` as NodeId;
}

export function isLive(status: MemberStatus): boolean {
  return status === 'alive' || status === 'suspect';
}

/** The list: every member ever heard of and not yet forgotten, this node included, with its digest and probe order. */
export class MemberList {
  readonly #random: Random;
  readonly #self: string;
  readonly #records = new Map<string, MemberRecord>();
  readonly #byAddress = new Map<Address, MemberRecord>();
  /** Live others in no order, for random choice in O(1). */
  readonly #live: MemberRecord[] = [];
  readonly #down = new Map<string, MemberRecord>();
  #strangers = 0;
  /** Live members, this one included, sorted by name: the same ring at every member, for the probe schedule. */
  readonly #ring: MemberRecord[] = [];
  /** Where this member stands in the ring. */
  #ownIndex = 0;
  /** 1 while this member is in the list. */
  #ownCount = 0;
  #lap = 1;
  digest = 0;

  constructor(self: string, random: Random) {
    this.#self = self;
    this.#random = random;
  }

  /** Members kept, gone ones included. */
  get size(): number {
    return this.#records.size;
  }

  /** Members that were judged down and are not forgotten, by name. */
  get down(): ReadonlyMap<string, MemberRecord> {
    return this.#down;
  }

  /** Some living member is not grp: it needs what only Serf agents look at. */
  get hasStrangers(): boolean {
    return this.#strangers > 0;
  }

  /** Live members, this node included while it is. */
  get liveCount(): number {
    return this.#live.length + this.#ownCount;
  }

  get(name: string): MemberRecord | undefined {
    return this.#records.get(name);
  }

  at(address: Address): MemberRecord | undefined {
    return this.#byAddress.get(address);
  }

  all(): IterableIterator<MemberRecord> {
    return this.#records.values();
  }

  /** Live members but this node. Not to be kept across changes. */
  live(): readonly MemberRecord[] {
    return this.#live;
  }

  add(facts: MemberFacts, status: MemberStatus, now: Millis): MemberRecord {
    const { tags, startedAt } = readMeta(facts.meta);
    // Every property in one literal, in one order: all records have one shape.
    const record: MemberRecord = {
      name: facts.name,
      address: flat(facts.address),
      status,
      incarnation: facts.incarnation,
      meta: facts.meta.slice(),
      versions: this.#keptVersions(facts.versions),
      tags,
      startedAt,
      changedAt: now,
      roundTrip: undefined,
      probedLap: 0,
      place: -1,
    };
    this.#records.set(record.name, record);
    if (record.name === this.#self) this.#ownCount = 1;
    this.#byAddress.set(record.address, record);
    if (isLive(status)) this.#enter(record);
    return record;
  }

  /** Takes over what a greater incarnation says about address and meta. */
  refresh(record: MemberRecord, facts: MemberFacts): void {
    const live = isLive(record.status);
    if (live) this.digest ^= lifeHash(record.name, record.incarnation);
    if (record.address !== facts.address) {
      this.#vacate(record);
      record.address = flat(facts.address);
      record.roundTrip = undefined;
    }
    this.#byAddress.set(record.address, record);
    record.incarnation = facts.incarnation;
    record.versions = this.#keptVersions(facts.versions);
    if (!equalBytes(record.meta, facts.meta)) {
      record.meta = facts.meta.slice();
      const strange = record.startedAt === undefined;
      const { tags, startedAt } = readMeta(facts.meta);
      record.tags = tags;
      record.startedAt = startedAt;
      // The same name may come back as something else: a Serf agent where a grp node was.
      if (record.place >= 0) this.#strangers += Number(record.startedAt === undefined) - Number(strange);
    }
    if (live) this.digest ^= lifeHash(record.name, record.incarnation);
  }

  setStatus(record: MemberRecord, status: MemberStatus, incarnation: number, now: Millis): void {
    const wasLive = isLive(record.status);
    const nowLive = isLive(status);
    if (wasLive && (!nowLive || incarnation !== record.incarnation)) this.#countOut(record);
    record.status = status;
    const moved = record.incarnation !== incarnation;
    record.incarnation = incarnation;
    record.changedAt = now;
    if (status === 'down') this.#down.set(record.name, record);
    else this.#down.delete(record.name);
    if (wasLive && nowLive) {
      if (moved) this.digest ^= lifeHash(record.name, incarnation);
    } else if (nowLive) {
      this.#enter(record);
    } else if (wasLive) {
      this.#leave(record);
    }
  }

  forget(record: MemberRecord): void {
    if (isLive(record.status)) {
      this.#countOut(record);
      this.#leave(record);
    }
    this.#down.delete(record.name);
    this.#records.delete(record.name);
    if (record.name === this.#self) this.#ownCount = 0;
    this.#vacate(record);
  }

  /**
   * Whose turn it is in a round. SWIM §4.3 shuffles each lap; we rotate instead: in round r the member at place p of the
   * sorted ring probes place p + 1 + r mod (n−1). Where members agree on the round, everyone is probed exactly once in
   * each, by another member each time, so that nobody is overlooked for seconds by bad luck. Where they do not, it is
   * still once per lap, because whoever was probed in this lap is passed over.
   */
  scheduled(round: number): MemberRecord | undefined {
    const ring = this.#ring;
    if (ring.length < 2 || ring[this.#ownIndex]?.name !== this.#self) return undefined;
    const first = this.#ownIndex + 1 + (round % (ring.length - 1));
    for (let tries = 0; tries < 2; tries++) {
      for (let step = 0; step < ring.length; step++) {
        const record = ring[(first + step) % ring.length] as MemberRecord;
        if (record.probedLap !== this.#lap && record.name !== this.#self) return record;
      }
      this.#lap++; // everyone has been probed
    }
    return undefined;
  }

  /** Takes the turn: the member is not scheduled again in this lap. */
  nextToProbe(round: number): MemberRecord | undefined {
    const record = this.scheduled(round);
    if (record !== undefined) record.probedLap = this.#lap;
    return record;
  }

  /** Up to `count` different live others that pass the test, in random order. */
  sampleLive(count: number, accept: (record: MemberRecord) => boolean = () => true): MemberRecord[] {
    const chosen: MemberRecord[] = [];
    const total = this.#live.length;
    if (total <= 3 * count) return shuffle(this.#random, this.#live.filter(accept)).slice(0, count);
    for (let tries = 0; tries < 4 * count && chosen.length < count; tries++) {
      const record = this.#live[below(this.#random, total)] as MemberRecord;
      if (accept(record) && !chosen.includes(record)) chosen.push(record);
    }
    return chosen;
  }

  /** The member as the public list shows it; `wallMs` turns an instant of the machine into wall-clock time. */
  view(record: MemberRecord, wallMs: (at: Millis) => number): Member {
    return {
      id: memberId(record),
      name: record.name,
      address: record.address,
      status: record.status,
      incarnation: record.incarnation,
      tags: record.tags,
      startedAt: record.startedAt,
      changedAt: Math.round(wallMs(record.changedAt)),
      rttMs: record.roundTrip?.smoothedMs,
    };
  }

  /** Nearly all members announce the same: one array serves them. */
  #keptVersions(versions: Uint8Array): Uint8Array {
    const own = this.#records.get(this.#self)?.versions;
    return own !== undefined && equalBytes(own, versions) ? own : versions.slice();
  }

  #enter(record: MemberRecord): void {
    this.digest ^= lifeHash(record.name, record.incarnation);
    const index = this.#ringIndex(record.name);
    this.#ring.splice(index, 0, record);
    this.#lap++; // the turns of all members have moved: what was probed before is no guide any more
    if (record.name === this.#self) {
      this.#ownIndex = index;
      return;
    }
    if (index <= this.#ownIndex) this.#ownIndex++;
    if (record.startedAt === undefined) this.#strangers++;
    record.place = this.#live.length;
    this.#live.push(record);
  }

  /** Where a name stands in the ring, or would stand. */
  #ringIndex(name: string): number {
    let low = 0;
    let high = this.#ring.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ring[middle] as MemberRecord).name < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Another live member may have been at the same address all along: under a new name, or because somebody lied. */
  #vacate(record: MemberRecord): void {
    const { address } = record;
    if (this.#byAddress.get(address) !== record) return;
    this.#byAddress.delete(address);
    for (const other of this.#records.values()) {
      if (other !== record && other.address === address && isLive(other.status)) this.#byAddress.set(address, other);
    }
  }

  #countOut(record: MemberRecord): void {
    this.digest ^= lifeHash(record.name, record.incarnation);
  }

  #leave(record: MemberRecord): void {
    const place = this.#ringIndex(record.name);
    this.#ring.splice(place, 1);
    this.#lap++;
    if (place < this.#ownIndex) this.#ownIndex--;
    const index = record.place;
    if (index < 0) return;
    if (record.startedAt === undefined) this.#strangers--;
    const last = this.#live.pop() as MemberRecord;
    if (last !== record) {
      this.#live[index] = last;
      last.place = index;
    }
    record.place = -1;
  }
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}

/** A decoder's concatenation as one string of its own: it is compared at every datagram from there. */
function flat(address: Address): Address {
  return address.split(':').join(':') as Address;
}
