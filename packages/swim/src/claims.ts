import type { Address } from '@grp/core';
import { encodeMessage, type Message } from '@grp/memberlist-wire';
import { isLive, memberId, metaBytesMax, readMeta, type MemberFacts, type MemberRecord } from './members.ts';
import { confirmationsNeeded, scaledByMembers, understands } from './rules.ts';
import { encodeAlive, type Runtime } from './runtime.ts';
import { Suspicion } from './suspicion.ts';

export type News = Extract<Message, { type: 'alive' | 'suspect' | 'dead' }>;
type Accusation = Omit<Extract<Message, { type: 'suspect' | 'dead' }>, 'type'>;

/** What the claims ask of the other parts of the machine. */
export interface ClaimHooks {
  /** A claim about this node's own name that did not come from this life. */
  selfSeen(facts: MemberFacts): void;
  /** Somebody suspects this member: look for yourself. */
  confirm(record: MemberRecord): void;
  /** Two addresses claim one name: is the known one still there? */
  doubt(record: MemberRecord): void;
  joined(record: MemberRecord): void;
  gone(record: MemberRecord): void;
  forgotten(record: MemberRecord): void;
}

/** How a claim came here. */
export interface ClaimSource {
  /** This node is the first to say so: everybody is told at once. */
  readonly origin?: boolean;
  /** Whoever could be told knows it already: this node, alone until now, has it from them. */
  readonly known?: boolean;
  /** The member that said so, for a direct correction. */
  readonly teller?: Address | undefined;
}

/**
 * Beyond this, nobody but the member itself can raise its incarnation, and it only bit by bit: members start at the Unix
 * time in seconds, and a forged maximum must leave room to refute. It is reached in the year 2097.
 */
export const incarnationMax = 0xf000_0000;
/** By how much a member's own claim may exceed what is known of it, or `incarnationMax`. */
const refutationsMax = 1_024;
const incarnationEnd = 0xffff_0000;
/** Of Serf's agents a name has at most 128 letters; memberlist has no limit, and a record must not be a peer's attic. */
const nameLengthMax = 128;

/** Weighs what members say about members: alive, suspect, dead or left. SWIM §4.2, Lifeguard §IV-B. */
export class Claims {
  readonly #runtime: Runtime;
  readonly #hooks: ClaimHooks;
  readonly #suspicions = new Map<string, Suspicion>();
  /** Members whose Serf agent said that they leave: their death counts as a leave. */
  readonly #leaving = new Map<string, { readonly prune: boolean }>();
  readonly #pruned = new Set<MemberRecord>();

  constructor(runtime: Runtime, hooks: ClaimHooks) {
    this.#runtime = runtime;
    this.#hooks = hooks;
  }

  alive(facts: MemberFacts, { origin = false, known: told = false, teller }: ClaimSource = {}): void {
    const { list, self, now } = this.#runtime;
    if (facts.name.length > nameLengthMax || facts.meta.length > metaBytesMax) {
      this.#runtime.drop('member-size');
      return;
    }
    // One such member in the list would make everyone refuse every exchange.
    if (!understands(facts.versions)) {
      this.#runtime.drop('versions');
      return;
    }
    const record = list.get(facts.name);
    const known = record?.incarnation ?? 0;
    if (!this.#believable(facts.incarnation, Math.max(known, incarnationMax) + refutationsMax)) return;
    if (facts.name === self.name) {
      this.#hooks.selfSeen(facts);
      return;
    }
    if (record === undefined) {
      if (list.size >= this.#runtime.config.membersMax) {
        this.#runtime.drop('members-limit');
        return;
      }
      this.#welcome(list.add(facts, 'alive', now), origin, told);
      return;
    }
    if (facts.incarnation <= record.incarnation) {
      if (facts.incarnation < record.incarnation) this.#runtime.drop('stale');
      if (!isLive(record.status)) this.#correct(record, teller);
      return;
    }
    this.#renew(record, facts, origin);
  }

  suspect({ node, incarnation, from }: Accusation, { origin = false, teller }: ClaimSource = {}): void {
    const record = this.#accused(node, incarnation, from);
    if (record === undefined) return;
    if (!isLive(record.status)) {
      this.#correct(record, teller);
      return;
    }
    // A suspicion of a greater incarnation is a new one: the suspect has refuted the old one in between.
    if (incarnation > record.incarnation) this.#endSuspicion(record);
    const suspicion = this.#suspicions.get(node);
    if (suspicion === undefined) {
      this.#startSuspicion(record, { node, incarnation, from }, origin);
      this.#hooks.confirm(record);
    } else if (suspicion.confirm(from)) {
      this.#schedule(record, suspicion);
      const part = encodeMessage({ type: 'suspect', node, incarnation, from });
      this.#runtime.spread(`${node}|${from}`, part, { urgent: origin });
    }
  }

  /**
   * Would this change nothing here? Each piece of news is heard about as often as it is told, so nearly all of what
   * comes is known. What its teller must be corrected about is not meant.
   */
  isKnown(news: News): boolean {
    const { node, incarnation } = news;
    // The suspects and the dead are few: their maps are smaller than the list, and nearer.
    const { list, self } = this.#runtime;
    if (news.type === 'dead') return list.down.get(node)?.incarnation === incarnation;
    if (news.type === 'suspect') return this.#suspicions.get(node)?.knows(incarnation, news.from) === true;
    const record = list.get(node);
    return record?.incarnation === incarnation && isLive(record.status) && record !== self;
  }

  /** `from` equal to `node` means that the member left of its own will. */
  dead({ node, incarnation, from }: Accusation, { origin = false, teller }: ClaimSource = {}): void {
    const record = this.#accused(node, incarnation, from);
    if (record === undefined || !isLive(record.status)) return;
    const { list, now } = this.#runtime;
    const intent = this.#leaving.get(node);
    const left = from === node || intent !== undefined;
    this.#leaving.delete(node);
    this.#endSuspicion(record);
    list.setStatus(record, left ? 'left' : 'down', incarnation, now);
    this.#runtime.changedAt = now;
    this.#runtime.memberEvent(left ? 'leave' : 'down', record);
    const part = encodeMessage({ type: 'dead', node, incarnation, from });
    this.#runtime.spread(node, part, { urgent: origin, twice: true, alsoTo: record.address });
    // Nobody gossips to those who left: one that is back with an old incarnation would not hear what it has to outdo.
    if (left && teller !== undefined && teller !== record.address) {
      this.#runtime.sendProbe(record.address, [part], { piggyback: false });
    }
    this.#hooks.gone(record);
    if (intent?.prune === true) this.#prune(record);
  }

  /** A probe from here found nothing. `refused`: the host answered that nothing listens at that address. */
  accuse(record: MemberRecord, evidence: 'silent' | 'refused'): void {
    const { self } = this.#runtime;
    this.suspect({ node: record.name, incarnation: record.incarnation, from: self.name }, { origin: true });
    const suspicion = this.#suspicions.get(record.name);
    if (suspicion === undefined) return;
    suspicion.witness(evidence);
    this.#schedule(record, suspicion);
  }

  /** The suspicion's deadline has come without a refutation. */
  expire(name: string): void {
    const record = this.#runtime.list.get(name);
    if (record?.status !== 'suspect') return;
    const { name: node, incarnation } = record;
    this.dead({ node, incarnation, from: this.#runtime.self.name }, { origin: true });
  }

  /** Says again, more loudly, that this node lives. */
  refute(accusedIncarnation: number): void {
    const { list, self, now, health } = this.#runtime;
    const incarnation = Math.max(self.incarnation, accusedIncarnation) + 1;
    list.setStatus(self, 'alive', incarnation, now);
    health.worsen();
    this.#runtime.spread(self.name, this.#runtime.aliveSelf(), { urgent: true });
  }

  /** This node stood still for `lostMs`: whoever it suspects gets that time back. */
  postpone(lostMs: number): void {
    for (const [name, suspicion] of this.#suspicions) {
      suspicion.postpone(lostMs);
      this.#schedule(this.#runtime.list.get(name) as MemberRecord, suspicion);
    }
  }

  /** What this node holds against a member, for the member itself to refute; undefined for one in good standing. */
  accusation({ name: node, incarnation, status }: MemberRecord): Uint8Array | undefined {
    const from = this.#runtime.self.name;
    if (status === 'suspect') return encodeMessage({ type: 'suspect', node, incarnation, from });
    return status === 'down' ? encodeMessage({ type: 'dead', node, incarnation, from }) : undefined;
  }

  /** A Serf agent says that this member leaves; one that is down already has left. With `prune` it is forgotten too. */
  leaveIntended(name: string, prune: boolean): void {
    const { list, now } = this.#runtime;
    const record = list.get(name);
    if (record === undefined) return;
    if (isLive(record.status)) {
      this.#leaving.set(name, { prune });
      return;
    }
    if (record.status === 'down') {
      list.setStatus(record, 'left', record.incarnation, now);
      this.#runtime.memberEvent('leave', record);
      this.#hooks.gone(record);
    }
    if (prune) this.#prune(record);
  }

  /** A newer join intent: the member stays after all. */
  leaveWithdrawn(name: string): void {
    this.#leaving.delete(name);
  }

  /** False for a member that was pruned: kept as one that left, shown to nobody. */
  isListed(record: MemberRecord): boolean {
    return !this.#pruned.has(record);
  }

  forget(record: MemberRecord): void {
    this.#endSuspicion(record);
    this.#leaving.delete(record.name);
    this.#runtime.list.forget(record);
    if (!this.#pruned.delete(record)) this.#runtime.memberEvent('forget', record);
    this.#hooks.forgotten(record);
  }

  /**
   * Off the list at once. What is known of it stays as long as of anyone who left: old gossip would bring it to life
   * again, and a Serf agent that comes back would not hear what it has to outdo.
   */
  #prune(record: MemberRecord): void {
    if (this.#pruned.has(record)) return;
    this.#pruned.add(record);
    this.#runtime.memberEvent('forget', record);
  }

  #believable(incarnation: number, max: number): boolean {
    if (incarnation <= Math.min(max, incarnationEnd)) return true;
    this.#runtime.drop('incarnation-limit');
    return false;
  }

  /** The record that an accusation is about, unless it is this node (which refutes), unknown, or of an older life. */
  #accused(node: string, incarnation: number, from: string): MemberRecord | undefined {
    const { list, self, leaving } = this.#runtime;
    const record = list.get(node);
    if (!this.#believable(incarnation, Math.max(record?.incarnation ?? 0, incarnationMax))) return undefined;
    if (from.length > nameLengthMax) {
      this.#runtime.drop('member-size');
    } else if (record === undefined) {
      this.#runtime.drop('unknown-member');
    } else if (incarnation < record.incarnation) {
      this.#runtime.drop('stale');
    } else if (record === self) {
      if (!leaving) this.refute(incarnation);
    } else {
      return record;
    }
    return undefined;
  }

  #startSuspicion(record: MemberRecord, accusation: Accusation, origin: boolean): void {
    const { list, config, now } = this.#runtime;
    const live = list.liveCount;
    const suspicion = new Suspicion(accusation, now, {
      minMs: scaledByMembers(config.suspicionMinMs, live),
      refusedMinMs: scaledByMembers(config.refusedSuspicionMinMs, live),
      maxFactor: config.suspicionMaxFactor,
      needed: confirmationsNeeded(config.confirmationCount, live),
    });
    this.#suspicions.set(record.name, suspicion);
    list.setStatus(record, 'suspect', accusation.incarnation, now);
    this.#schedule(record, suspicion);
    this.#runtime.memberEvent('suspect', record);
    this.#runtime.spread(record.name, encodeMessage({ type: 'suspect', ...accusation }), { urgent: origin });
  }

  #schedule(record: MemberRecord, suspicion: Suspicion): void {
    const { deadlines, health } = this.#runtime;
    deadlines.set(`suspicion:${record.name}`, suspicion.deadline(health.patience));
  }

  #endSuspicion(record: MemberRecord): void {
    const suspicion = this.#suspicions.get(record.name);
    if (suspicion === undefined) return;
    this.#suspicions.delete(record.name);
    this.#runtime.deadlines.delete(`suspicion:${record.name}`);
    for (const accuser of suspicion.accusers()) this.#runtime.gossip.drop(`${record.name}|${accuser}`);
  }

  #welcome(record: MemberRecord, origin: boolean, told = false): void {
    this.#runtime.changedAt = this.#runtime.now;
    this.#leaving.delete(record.name);
    this.#pruned.delete(record);
    this.#runtime.memberEvent('join', record);
    if (!told) this.#runtime.spread(record.name, encodeAlive(record), { urgent: origin });
    this.#hooks.joined(record);
  }

  /** A greater incarnation: a refutation, new tags, a return, or a new life under the same name. */
  #renew(record: MemberRecord, facts: MemberFacts, origin: boolean): void {
    const { list, now } = this.#runtime;
    const { startedAt } = readMeta(facts.meta);
    const sameLife = startedAt === record.startedAt && (startedAt !== undefined || record.address === facts.address);
    const before = record.status;
    if (isLive(before) && !sameLife && record.address !== facts.address) {
      // Two living nodes with one name, or a crash that nobody noticed yet. The known one is asked first.
      this.#runtime.drop('name-conflict');
      this.#hooks.doubt(record);
      return;
    }
    this.#endSuspicion(record);
    const changed = record.address !== facts.address || memberId(record) !== memberId({ name: facts.name, startedAt });
    if (isLive(before) && !sameLife) {
      list.setStatus(record, 'down', record.incarnation, now); // the old life ended unseen
      this.#runtime.memberEvent('down', record);
      this.#hooks.gone(record);
    }
    const oldTags = record.meta;
    list.refresh(record, facts);
    list.setStatus(record, 'alive', facts.incarnation, now);
    if (!sameLife || before === 'left') {
      this.#welcome(record, origin);
      return;
    }
    this.#runtime.changedAt = now;
    if (before !== 'alive') this.#runtime.memberEvent('alive', record);
    if (changed || oldTags !== record.meta) this.#runtime.memberEvent('update', record);
    this.#runtime.spread(record.name, encodeAlive(record), { urgent: origin });
    if (before === 'down') this.#hooks.joined(record);
  }

  /**
   * Whoever still believes a gone member alive or merely suspect hears at once what is known here. So does the member
   * itself: a Serf agent that is back starts at incarnation 1 again and has to outdo what its last life left behind.
   */
  #correct(record: MemberRecord, teller: Address | undefined): void {
    if (teller === undefined) return;
    const { name: node, incarnation, status } = record;
    const from = status === 'left' ? node : this.#runtime.self.name;
    this.#runtime.sendProbe(teller, [encodeMessage({ type: 'dead', node, incarnation, from })], { piggyback: false });
  }
}

/** What an alive message says of its member. */
export function factsOf(message: Extract<Message, { type: 'alive' }>): MemberFacts {
  const { node: name, address, incarnation, meta, versions } = message;
  return { name, address, incarnation, meta, versions };
}

/** Is this about the state of a member? */
export function isNews(message: Message): message is News {
  return message.type === 'suspect' || message.type === 'dead' || message.type === 'alive';
}
