import type { Address, Millis } from '@grp/core';
import { encodeMessage, type Message, type StreamMessage } from '@grp/memberlist-wire';
import type { SwimConfig } from './config.ts';
import { isLive, type MemberRecord } from './members.ts';
import { lifeHash, observed, type RoundTrip } from './rules.ts';
import { encodePing, Relays } from './relays.ts';
import type { Runtime } from './runtime.ts';

/** What a probe found, told once. */
export interface ProbeHooks {
  answered(target: MemberRecord, payload: Uint8Array, roundTripMs: Millis | undefined): void;
  unanswered(target: MemberRecord, evidence: 'silent' | 'refused'): void;
  /** What to say along with a ping to a suspect, so that it can refute at once (buddy system, Lifeguard §IV-C). */
  accusation(target: MemberRecord): Uint8Array | undefined;
  /** What an ack to this member carries. */
  ackPayload(member: MemberRecord, sequence: number): Uint8Array;
}

interface Probe {
  readonly sequence: number;
  readonly target: MemberRecord;
  readonly incarnation: number;
  readonly startedAt: Millis;
  readonly endsAt: Millis;
  /** Members asked to probe for us that have neither answered nor said that they got nothing. */
  readonly relays: Set<Address>;
  relaysAsked: number;
  isWide: boolean;
  widenedAt: Millis;
  /** Until when the answer to the first ping is not late. */
  readonly directUntil: Millis;
  /** An ack may be late, or answer a ping that was repeated: no round trip to learn from. */
  isLate: boolean;
  stream: 'unused' | 'open' | 'silent' | 'refused';
  redials: number;
}

/** How a probe begins: directly alone, with a stream beside it, or with relays too. */
export type ProbeWidth = 'direct' | 'stream' | 'all';

/** Why a stream brought no answer: `reset` when it had been taken, and was cut off. */
export type StreamFailure = 'refused' | 'reset' | 'silent';

const probesMax = 1_024;
/** A process that is being killed takes streams until its kernel closes its port: the next dial shows which it is. */
const redialsMax = 2;
/**
 * Probes one member per interval, round robin; directly first, then through relays and a stream at once. A probe ends
 * as soon as everyone asked has answered or nacked, not when the interval is over. SWIM §4.1 and §4.3, Lifeguard §IV-A.
 */
export class Prober {
  readonly #runtime: Runtime;
  readonly #hooks: ProbeHooks;
  readonly #probes = new Map<number, Probe>();
  readonly #byTarget = new Map<string, Probe>();
  readonly #byTicket = new Map<number, Probe>();
  readonly #relays: Relays;
  /** Members with a hint that came too soon. */
  readonly #hinted = new Set<string>();
  /** Over all members, for those not probed yet. */
  #anyone: RoundTrip | undefined;
  /** The number of the round that is scheduled, or was last. */
  #round = 0;

  constructor(runtime: Runtime, hooks: ProbeHooks) {
    this.#runtime = runtime;
    this.#hooks = hooks;
    this.#relays = new Relays(runtime, {
      newSequence: () => this.#newSequence(),
      timeoutMs: (target) => this.#timeoutMs(target),
    });
  }

  start(): void {
    this.#scheduleRound();
  }

  round(): void {
    const { list } = this.#runtime;
    this.#round = Math.max(this.#round, this.#clockRound());
    // A target that is being probed already needs no second probe; the next on the ring gets this round.
    for (let attempt = 0; attempt < 3; attempt++) {
      const target = list.nextToProbe(this.#round);
      if (target === undefined || this.probe(target)) break;
    }
    this.#scheduleRound();
  }

  /** Rounds are counted by wall-clock time, so that members with about the same clock agree on them. */
  #clockRound(): number {
    const { now, wallMs, config } = this.#runtime;
    return Math.floor(wallMs(now) / config.probeIntervalMs);
  }

  /**
   * Within a round each target has its own instant, the same for all who probe it: so it is probed once per interval
   * sharp, whoever's turn it is, and not all probes go out together.
   */
  #scheduleRound(): void {
    const { now, wallMs, config, health, deadlines, list } = this.#runtime;
    const wall = wallMs(now);
    let round = Math.max(this.#round + health.patience, this.#clockRound());
    for (;;) {
      const target = list.scheduled(round);
      const phaseMs = target === undefined ? 0 : lifeHash(target.name, 0) % config.probeIntervalMs;
      const waitMs = round * config.probeIntervalMs + phaseMs - wall;
      if (waitMs >= 1) {
        this.#round = round;
        deadlines.set('round', now + waitMs);
        return;
      }
      round++;
    }
  }

  /** False when a probe of this member is under way already, or there are too many. */
  probe(target: MemberRecord, width: ProbeWidth = 'direct'): boolean {
    if (this.#byTarget.has(target.name) || this.#probes.size >= probesMax) return false;
    const { now, config, health, deadlines } = this.#runtime;
    const probe: Probe = {
      sequence: this.#newSequence(),
      target,
      incarnation: target.incarnation,
      startedAt: now,
      endsAt: now + config.probeIntervalMs * health.patience,
      relays: new Set(),
      relaysAsked: 0,
      isWide: false,
      widenedAt: now,
      directUntil: now + this.#timeoutMs(target),
      isLate: false,
      stream: 'unused',
      redials: 0,
    };
    this.#probes.set(probe.sequence, probe);
    this.#byTarget.set(target.name, probe);
    const accusation = this.#hooks.accusation(target);
    const parts = [
      encodePing(this.#runtime, probe.sequence, target),
      ...(accusation === undefined ? [] : [accusation]),
    ];
    this.#runtime.sendProbe(target.address, parts, { piggyback: isLive(target.status) });
    deadlines.set(`probe:${probe.sequence}`, probe.directUntil);
    if (width !== 'direct') this.#openStream(probe);
    if (width === 'all') this.#widen(probe);
    return true;
  }

  /**
   * Somebody has reason to doubt this member: everything is tried at once, out of turn. At most once per
   * `hintIntervalMs` and member; a hint that comes too soon is taken up when that is over.
   */
  hint(target: MemberRecord): void {
    const { now, config, deadlines } = this.#runtime;
    const key = `hint:${target.name}`;
    if (deadlines.get(key) !== undefined) {
      this.#hinted.add(target.name);
      return;
    }
    deadlines.set(key, now + config.hintIntervalMs);
    const underWay = this.#byTarget.get(target.name);
    if (underWay === undefined) this.probe(target, 'all');
    else this.#widen(underWay);
  }

  /** The time is over in which a member is not probed for another hint. */
  hintable(name: string): void {
    const target = this.#runtime.list.get(name);
    if (this.#hinted.delete(name) && target !== undefined && isLive(target.status)) this.hint(target);
  }

  /** A deadline of `probe` or `relay` has come. */
  expire(kind: string, sequence: number): void {
    if (kind === 'relay') this.#relays.expire(sequence);
    const probe = this.#probes.get(sequence);
    if (probe === undefined) return;
    if (kind === 'again') this.#askAgain(probe);
    if (kind !== 'probe') return;
    probe.isLate = true;
    // A member that is down is only asked whether it is back: nobody else is troubled for it.
    if (!probe.isWide && isLive(probe.target.status) && this.#runtime.now < probe.endsAt) this.#widen(probe);
    else this.#fail(probe);
  }

  onPing(ping: Extract<Message, { type: 'ping' }>, from: Address, bytes: number): void {
    const { self, list } = this.#runtime;
    if (ping.node !== '' && ping.node !== self.name) {
      this.#runtime.drop('misdirected');
      return;
    }
    const member = list.at(from);
    if (member === undefined) {
      // The address is unproven: it gets no more bytes than it sent, so that nobody can aim us at a third party.
      const bare = encodeMessage({ type: 'ack', sequence: ping.sequence, payload: new Uint8Array(0) });
      if (bare.length <= bytes) this.#runtime.sendProbe(from, [bare], { piggyback: false });
      else this.#runtime.drop('unproven-address');
      return;
    }
    const payload = this.#hooks.ackPayload(member, ping.sequence);
    const ack = encodeMessage({ type: 'ack', sequence: ping.sequence, payload });
    this.#runtime.sendProbe(from, [ack], { piggyback: true });
  }

  onIndirectPing(request: Extract<Message, { type: 'indirect-ping' }>, from: Address): void {
    this.#relays.onRequest(request, from);
  }

  /** An ack that fits nothing under way, or comes from elsewhere, is dropped: sequences are drawn from 32 bits. */
  onAck({ sequence, payload }: Extract<Message, { type: 'ack' }>, from: Address): void {
    if (this.#relays.onAck(sequence, from)) return undefined;
    const probe = this.#probes.get(sequence);
    if (probe === undefined) return this.#runtime.drop('unknown-sequence');
    if (from === probe.target.address) {
      this.#succeed(probe, payload, probe.isLate ? undefined : this.#runtime.now - probe.startedAt);
    } else if (probe.relays.has(from)) {
      this.#succeed(probe, new Uint8Array(0), undefined);
    } else {
      this.#runtime.drop('source');
    }
    return undefined;
  }

  onNack(sequence: number, from: Address): void {
    const probe = this.#probes.get(sequence);
    if (probe === undefined) return this.#runtime.drop('unknown-sequence');
    if (!probe.relays.delete(from)) return this.#runtime.drop('source');
    this.#failWhenAllSaid(probe);
    return undefined;
  }

  /** The end of an exchange that this prober began. False: not one of its own. */
  onStream(ticket: number, outcome: StreamMessage | StreamFailure): boolean {
    const probe = this.#byTicket.get(ticket);
    if (probe === undefined) return false;
    this.#byTicket.delete(ticket);
    if (!this.#probes.has(probe.sequence)) return true;
    if (typeof outcome === 'object') {
      if (outcome.type === 'ack' && outcome.sequence === probe.sequence) {
        this.#succeed(probe, new Uint8Array(0), undefined);
        return true;
      }
      probe.stream = 'silent';
    } else if (outcome === 'reset' && probe.redials < redialsMax) {
      probe.redials++;
      this.#openStream(probe);
      return true;
    } else {
      probe.stream = outcome === 'refused' ? 'refused' : 'silent';
      // Nobody else has been asked yet: they may hear what this node does not.
      if (outcome === 'refused' && isLive(probe.target.status)) this.#widen(probe);
    }
    this.#failWhenAllSaid(probe);
    return true;
  }

  /** Ends all probes without a verdict: this node stood still, so their deadlines mean nothing. */
  abandon(): void {
    for (const probe of this.#probes.values()) this.#end(probe);
  }

  /** Through others, and on a stream. */
  #widen(probe: Probe): void {
    if (probe.isWide) return;
    const { list, config, deadlines, now } = this.#runtime;
    const { target, sequence } = probe;
    const relays = list.sampleLive(config.relayCount, (record) => record !== target && record.status === 'alive');
    for (const { address } of relays) probe.relays.add(address);
    this.#askRelays(probe);
    probe.isWide = true;
    probe.relaysAsked = relays.length;
    probe.widenedAt = now;
    deadlines.set(`probe:${sequence}`, probe.endsAt);
    deadlines.set(`again:${sequence}`, now + againMs(config));
    if (probe.stream === 'unused') this.#openStream(probe);
    this.#failWhenAllSaid(probe);
  }

  #openStream(probe: Probe): void {
    const { config, now } = this.#runtime;
    if (!config.streamProbe) return;
    const { target, sequence } = probe;
    probe.stream = 'open';
    const ticket = this.#runtime.nextTicket();
    this.#byTicket.set(ticket, probe);
    const message: StreamMessage = { type: 'ping', sequence, node: target.name, source: undefined };
    const timeoutMs = Math.max(1, probe.endsAt - now);
    this.#runtime.effect({ type: 'exchange', ticket, to: target.address, message, timeoutMs });
  }

  #askRelays({ target, sequence, relays }: Probe): void {
    const { self } = this.#runtime;
    const request = encodeMessage({
      type: 'indirect-ping',
      sequence,
      target: target.address,
      node: target.name,
      nack: true,
      source: { address: self.address, name: self.name },
    });
    for (const address of relays) this.#runtime.sendProbe(address, [request], { piggyback: true });
  }

  /** Datagrams get lost: whoever has not spoken is asked again, the target too, as long as the interval lasts. */
  #askAgain(probe: Probe): void {
    const { now, config, deadlines } = this.#runtime;
    probe.isLate = true;
    this.#runtime.sendProbe(probe.target.address, [encodePing(this.#runtime, probe.sequence, probe.target)], {
      piggyback: true,
    });
    this.#askRelays(probe);
    const at = now + againMs(config);
    if (at < probe.endsAt) deadlines.set(`again:${probe.sequence}`, at);
  }

  #failWhenAllSaid(probe: Probe): void {
    if (!this.#probes.has(probe.sequence) || !probe.isWide) return;
    const { config, health, deadlines, now } = this.#runtime;
    const key = `probe:${probe.sequence}`;
    if (probe.stream === 'refused') {
      // The host has spoken; what is still on its way from the target or a relay gets the time of its way.
      const enoughAt = Math.min(probe.endsAt, probe.widenedAt + this.#graceMs(probe.target));
      if (now >= enoughAt || (probe.relays.size === 0 && now >= probe.directUntil)) this.#fail(probe);
      else deadlines.set(key, enoughAt);
    } else if (probe.relays.size > 0) {
      return;
    } else if (probe.stream !== 'open') {
      if (now >= probe.directUntil) this.#fail(probe);
      else deadlines.set(key, probe.directUntil);
    } else if (probe.relaysAsked > 0) {
      // All relays got nothing either: a stream that is still silent gets the longest round trip, not the whole interval.
      const enoughAt = probe.widenedAt + config.probeTimeoutMaxMs * health.factor;
      deadlines.set(key, Math.min(probe.endsAt, enoughAt));
    }
  }

  /**
   * The way there and back twice, for through a relay it is as far as that, and what an answer may take besides. Being
   * busy is no reason to wait longer: the kernel of a busy process does not refuse.
   */
  #graceMs({ roundTrip }: MemberRecord): Millis {
    const { config, health } = this.#runtime;
    const wayMs = roundTrip?.leastMs ?? 2 * (this.#anyone?.leastMs ?? config.probeTimeoutMaxMs);
    return health.factor * Math.min(config.probeTimeoutMaxMs, config.refusedGraceMs + 2 * wayMs);
  }

  #fail(probe: Probe): void {
    this.#end(probe);
    const { target, incarnation, relays } = probe;
    if (!isLive(target.status)) return;
    const evidence = probe.stream === 'refused' ? 'refused' : 'silent';
    // Relays that said nothing at all point at this node's own path (Lifeguard §IV-A); a host that refuses does not.
    if (evidence === 'silent' && relays.size > 0) this.#runtime.health.worsen(relays.size);
    else if (probe.relaysAsked === 0 && evidence === 'silent') this.#runtime.health.worsen();
    if (target.incarnation === incarnation) this.#hooks.unanswered(target, evidence); // else it has spoken up in between
  }

  #succeed(probe: Probe, payload: Uint8Array, roundTripMs: Millis | undefined): void {
    this.#end(probe);
    this.#runtime.health.improve();
    const { target } = probe;
    if (roundTripMs !== undefined) {
      target.roundTrip = observed(target.roundTrip, roundTripMs);
      this.#anyone = observed(this.#anyone, roundTripMs);
    }
    this.#hooks.answered(target, payload, roundTripMs);
  }

  #end(probe: Probe): void {
    this.#probes.delete(probe.sequence);
    this.#byTarget.delete(probe.target.name);
    this.#runtime.deadlines.delete(`probe:${probe.sequence}`);
    if (probe.isWide) this.#runtime.deadlines.delete(`again:${probe.sequence}`);
  }

  /** Ends a relay that has nothing more to say. */
  hush(sequence: number): void {
    this.#relays.hush(sequence);
  }

  #timeoutMs(target: MemberRecord): Millis {
    const { config, health } = this.#runtime;
    // Of a member never probed from here it is only known how far the others are.
    const measured = target.roundTrip?.timeoutMs ?? 2 * (this.#anyone?.timeoutMs ?? config.probeTimeoutMaxMs);
    return health.factor * Math.min(config.probeTimeoutMaxMs, Math.max(config.probeTimeoutMinMs, measured));
  }

  #newSequence(): number {
    for (;;) {
      const sequence = this.#runtime.random.nextU32();
      if (sequence !== 0 && !this.#probes.has(sequence) && !this.#relays.has(sequence)) return sequence;
    }
  }
}

/** A relay's nack takes its own probe timeout and a round trip: after this long, a request or a nack was lost. */
function againMs({ probeTimeoutMinMs, probeIntervalMs }: SwimConfig): number {
  return Math.max(2.5 * probeTimeoutMinMs, probeIntervalMs / 4);
}
