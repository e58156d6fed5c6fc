import type { Address, Keyring, Machine, Millis, Random, Wake } from '@grp/core';
import { decodeCoordinatePayload, encodeCoordinatePayload, type Message } from '@grp/memberlist-wire';
import type { Member } from './api.ts';
import { Claims, factsOf, isNews } from './claims.ts';
import type { SwimConfig } from './config.ts';
import { CoordinateClient } from './coordinates.ts';
import { decodeAckPayload, encodeAckPayload } from './digest.ts';
import type { Effect, Input } from './effects.ts';
import { Leaving } from './leaving.ts';
import { isLive, memberId, MemberList, type MemberRecord } from './members.ts';
import { NameGuard } from './name-guard.ts';
import { Prober } from './probe.ts';
import { Runtime } from './runtime.ts';
import { serfContext } from './serf-context.ts';
import { SerfLayer } from './serf/layer.ts';
import { Joins } from './joins.ts';
import { pickDown, Sync } from './sync.ts';

/** What the machine of one member is made with. */
export interface MachineOptions {
  readonly name: string;
  readonly address: Address;
  readonly meta: Uint8Array;
  readonly incarnation: number;
  readonly config: SwimConfig;
  readonly random: Random;
  readonly datagramBytes: number;
  readonly wallMs: (at: Millis) => number;
  readonly keyring?: Keyring | undefined;
}

/** Protocol and delegate versions: understood from, to, spoken; 2 of 1…5 and 5 of 2…5, as Serf agents announce. */
const versions = Uint8Array.of(1, 5, 2, 2, 5, 5);

const fromOthers: ReadonlySet<string> = new Set(['wake', 'datagram', 'request', 'reply', 'no-reply']);

/** One member of a swim cluster as a deterministic machine: SWIM with Lifeguard on memberlist's wire, Serf on top. */
export class SwimMachine implements Machine<Input, Effect> {
  readonly #runtime: Runtime;
  readonly #claims: Claims;
  readonly #prober: Prober;
  readonly #sync: Sync;
  readonly #joins: Joins;
  readonly #guard: NameGuard;
  readonly #serf: SerfLayer;
  readonly #coordinates: CoordinateClient;
  readonly #leaving: Leaving;
  readonly #trusted: boolean;
  /** An input of this node's own application is being taken: what it says is news to everyone. */
  #originating = false;

  constructor(options: MachineOptions) {
    const { name, address, meta, incarnation, config, random, datagramBytes, wallMs, keyring } = options;
    const list = new MemberList(name, random.fork('list'));
    const self = list.add({ name, address, incarnation, meta, versions }, 'alive', 0);
    this.#trusted = keyring !== undefined;
    const runtime = new Runtime({ config, random: random.fork('runtime'), list, self, datagramBytes, wallMs });
    this.#runtime = runtime;
    this.#coordinates = new CoordinateClient(random.fork('coordinates'));
    this.#claims = new Claims(runtime, {
      selfSeen: (facts) => this.#guard.selfSeen(facts),
      confirm: (record) => this.#confirm(record),
      doubt: (record) => void this.#prober.probe(record),
      joined: (record) => this.#onJoined(record),
      gone: (record) => this.#onGone(record),
      forgotten: (record) => this.#onForgotten(record),
    });
    this.#prober = new Prober(runtime, {
      answered: (target, payload, roundTripMs) => this.#onAnswer(target, payload, roundTripMs),
      unanswered: (target, evidence) => this.#claims.accuse(target, evidence),
      accusation: (target) => this.#claims.accusation(target),
      ackPayload: (member, sequence) => this.#ackPayload(member, sequence),
    });
    this.#serf = new SerfLayer(
      serfContext(runtime, this.#claims, () => this.#originating),
      {
        random: random.fork('serf'),
        gossipIntervalMs: config.gossipIntervalMs,
        ...(keyring === undefined ? {} : { keyring }),
      },
    );
    this.#sync = new Sync(runtime, this.#claims, {
      userState: () => this.#serf.localState(),
      mergeUserState: (state, join) => this.#serf.mergeState(state, join),
    });
    this.#guard = new NameGuard(runtime, this.#claims, () => this.#sync.round());
    this.#leaving = new Leaving(runtime);
    this.#joins = new Joins(runtime, this.#sync, () => this.#guard.undecided);
  }

  step(inputs: readonly (Input | Wake)[], now: Millis): readonly Effect[] {
    const runtime = this.#runtime;
    const due = this.nextDeadline();
    runtime.now = now;
    if (due !== undefined && now - due > runtime.config.stallMs) this.#onStall(now - due);
    for (const input of inputs) {
      this.#originating = !fromOthers.has(input.type);
      this.#take(input);
    }
    this.#runDeadlines();
    return runtime.flush();
  }

  nextDeadline(): Millis | undefined {
    const own = this.#runtime.deadlines.earliest();
    const serf = this.#serf.nextDeadline();
    return own === undefined || (serf !== undefined && serf < own) ? serf : own;
  }

  self(): Member {
    return this.#runtime.list.view(this.#runtime.self, this.#runtime.wallMs);
  }

  /** This member first, then by name. */
  members(): Member[] {
    const { list, self, wallMs } = this.#runtime;
    const others = [...list.all()].filter((record) => record !== self && this.#claims.isListed(record));
    others.sort((a, b) => (a.name < b.name ? -1 : 1));
    return [self, ...others].map((record) => list.view(record, wallMs));
  }

  /** Estimated round trip to a member, from coordinates. */
  estimatedRttMs(name: string): number | undefined {
    return this.#coordinates.estimateMs(name);
  }

  get healthScore(): number {
    return this.#runtime.health.score;
  }

  get broadcastsQueued(): number {
    return this.#runtime.gossip.size;
  }

  #take(input: Input | Wake): void {
    const runtime = this.#runtime;
    switch (input.type) {
      case 'wake':
        break;
      case 'start':
        runtime.self.changedAt = runtime.now;
        this.#prober.start();
        this.#sync.start();
        break;
      case 'datagram':
        this.#onDatagram(input);
        break;
      case 'reply':
        this.#onExchanged(input.ticket, input.message);
        break;
      case 'no-reply':
        this.#onExchanged(input.ticket, input.reason);
        break;
      case 'request':
        this.#onRequest(input);
        break;
      case 'join':
        this.#joins.start(input.ticket, input.addresses);
        break;
      case 'leave':
        this.#startLeave();
        break;
      case 'set-meta':
        if (runtime.leaving) break; // it would bring back to life who has just said goodbye
        runtime.list.refresh(runtime.self, {
          ...runtime.self,
          incarnation: runtime.self.incarnation + 1,
          meta: input.meta,
        });
        runtime.spread(runtime.self.name, runtime.aliveSelf(), { urgent: true });
        runtime.memberEvent('update', runtime.self);
        break;
      case 'hint':
        this.#hint(input.member);
        break;
      case 'send-event':
        this.#serf.sendEvent(input.name, input.payload, input.coalesce);
        break;
      case 'ask':
        this.#serf.ask(input.ticket, input.name, input.options);
        break;
      case 'respond':
        this.#serf.respond(input.queryKey, input.payload);
        break;
      case 'manage-keys':
        this.#serf.manageKeys(input.ticket, input.action, input.key);
        break;
    }
  }

  /** By name, or by the id of a life: a doubt about an earlier life says nothing about this one. */
  #hint(member: string): void {
    const { list, self } = this.#runtime;
    const [name = ''] = member.split('#');
    const record = list.get(name);
    if (record === undefined || record === self || !isLive(record.status)) return;
    if (member === name || member === memberId(record)) this.#prober.hint(record);
  }

  #onDatagram({ messages, from, bytes }: Extract<Input, { type: 'datagram' }>): void {
    // Without a key the source address is the only proof of membership there is; with one, the seal is.
    let isProven = this.#trusted ? true : undefined;
    let room = bytes;
    for (const message of messages) {
      if (message.type === 'ping') {
        this.#prober.onPing(message, from, room);
        room = 0; // whoever is unproven gets one answer for one datagram, however many pings it packed into it
        continue;
      }
      if (isNews(message) && this.#claims.isKnown(message)) continue; // whoever says it
      isProven ??= this.#runtime.list.at(from) !== undefined;
      if (isProven) this.#onMessage(message, from);
      else this.#runtime.drop('unknown-source');
    }
  }

  #onMessage(message: Exclude<Message, { type: 'ping' }>, from: Address): void {
    switch (message.type) {
      case 'indirect-ping':
        return this.#prober.onIndirectPing(message, from);
      case 'ack':
        return this.#prober.onAck(message, from);
      case 'nack':
        return this.#prober.onNack(message.sequence, from);
      case 'suspect':
        return this.#claims.suspect(message, { teller: from });
      case 'alive':
        return this.#claims.alive(factsOf(message), { teller: from });
      case 'dead':
        return this.#claims.dead(message, { teller: from });
      case 'user':
        return this.#serf.receive(message.body, from);
    }
  }

  #onRequest({ ticket, from, message }: Extract<Input, { type: 'request' }>): void {
    const { self, leaving } = this.#runtime;
    if (message.type === 'push-pull' && !leaving) {
      this.#sync.onRequest(ticket, from, message);
    } else if (message.type === 'ping' && message.node === self.name) {
      const { sequence } = message;
      this.#runtime.effect({ type: 'answer', ticket, message: { type: 'ack', sequence, payload: new Uint8Array(0) } });
    } else {
      if (message.type === 'user') this.#serf.receive(message.body, from);
      else this.#runtime.drop('stream-request');
      this.#runtime.effect({ type: 'hang-up', ticket });
    }
  }

  #onExchanged(ticket: number, outcome: Extract<Input, { type: 'reply' }>['message'] | string): void {
    const failure = outcome === 'refused' || outcome === 'reset' ? outcome : 'silent';
    if (this.#prober.onStream(ticket, typeof outcome === 'string' ? failure : outcome)) return;
    if (this.#guard.onReply(ticket, outcome)) return this.#joins.settle();
    const exchanged = this.#sync.onReply(ticket, outcome);
    if (exchanged === undefined) return undefined;
    if (this.#joins.onExchanged(ticket, exchanged) && exchanged.problem === undefined) this.#announceJoin();
    return this.#joins.settle();
  }

  /**
   * Agents must not hear of the join before they hear that this node lives: one that still lists its last life as left
   * would take the time of the join for that of the leave, and pass it on.
   */
  #announceJoin(): void {
    const runtime = this.#runtime;
    if (runtime.list.hasStrangers) runtime.spread(runtime.self.name, runtime.aliveSelf(), { urgent: true });
    this.#originating = true;
    this.#serf.announceJoin();
  }

  #runDeadlines(): void {
    const { deadlines, now } = this.#runtime;
    for (let key = deadlines.takeDue(now); key !== undefined; key = deadlines.takeDue(now)) this.#onDeadline(key);
    const serf = this.#serf.nextDeadline();
    if (serf !== undefined && serf <= now) this.#serf.wake();
  }

  #onDeadline(key: string): void {
    const colon = key.indexOf(':');
    if (colon >= 0) {
      const kind = key.slice(0, colon);
      const rest = key.slice(colon + 1);
      if (kind === 'suspicion') this.#claims.expire(rest);
      else if (kind === 'forget') this.#forget(rest);
      else if (kind === 'hint') this.#prober.hintable(rest);
      else if (kind === 'hush') this.#prober.hush(Number(rest));
      else this.#prober.expire(kind, Number(rest));
      return;
    }
    if (key === 'round') this.#prober.round();
    else if (key === 'gossip') this.#runtime.gossipRound();
    else if (key === 'repeat') this.#runtime.repeat();
    else if (key === 'push-pull') this.#sync.due();
    else if (key === 'heal') this.#heal();
    else if (key === 'guard') this.#guard.retry();
    else if (key === 'leave') this.#leaving.round();
  }

  /** This process stood still: what it did not hear in that time proves nothing about the others. */
  #onStall(lostMs: Millis): void {
    const { health, deadlines, now, config } = this.#runtime;
    health.worsen();
    this.#prober.abandon();
    this.#claims.postpone(lostMs);
    // Datagrams that waited in the socket are read before the next judgement.
    deadlines.set('round', now + config.probeTimeoutMinMs);
  }

  /** Looks for oneself as soon as somebody is suspected; in a large cluster only a few of the others do. */
  #confirm(record: MemberRecord): void {
    const { config, list, random } = this.#runtime;
    const share = config.confirmersMax / Math.max(1, list.liveCount);
    if (share >= 1 || random.nextU32() < share * 0x1_0000_0000) this.#prober.probe(record, 'stream');
  }

  #onAnswer(target: MemberRecord, payload: Uint8Array, roundTripMs: Millis | undefined): void {
    if (target.status === 'down') this.#sync.exchange(target.address); // it is back: both lists heal
    if (target.startedAt === undefined) {
      const coordinate = decodeCoordinatePayload(payload);
      if (coordinate !== undefined && roundTripMs !== undefined) this.#observe(target, coordinate, roundTripMs);
      return;
    }
    const said = decodeAckPayload(payload);
    if (said === undefined) return;
    if (said.coordinate !== undefined && roundTripMs !== undefined) this.#observe(target, said.coordinate, roundTripMs);
    this.#sync.onDigest(target, said.digest);
  }

  #observe(target: MemberRecord, coordinate: Parameters<CoordinateClient['observe']>[1], roundTripMs: Millis): void {
    this.#coordinates.observe(target.name, coordinate, roundTripMs);
  }

  #ackPayload(member: MemberRecord, sequence: number): Uint8Array {
    if (member.startedAt === undefined) return encodeCoordinatePayload(this.#coordinates.coordinate());
    // Sequences are random, so one ack in sixteen carries the coordinate: 3 bytes a second.
    const coordinate = (sequence & 15) === 0 ? this.#coordinates.coordinate() : undefined;
    return encodeAckPayload({ digest: this.#runtime.list.digest, coordinate });
  }

  /** Somebody came, or came back: then the others behind the same cut are probably back too. */
  #onJoined(record: MemberRecord): void {
    const { deadlines, now, config } = this.#runtime;
    this.#serf.memberJoined(record.name);
    deadlines.delete(`forget:${record.name}`);
    if (deadlines.get('heal') !== undefined) deadlines.set('heal', now + config.gossipIntervalMs);
  }

  #onForgotten(record: MemberRecord): void {
    this.#serf.memberForgotten(record.name);
    this.#runtime.deadlines.delete(`forget:${record.name}`);
  }

  #onGone(record: MemberRecord): void {
    const { deadlines, now, config } = this.#runtime;
    this.#serf.memberGone(record.name);
    this.#coordinates.forget(record.name);
    deadlines.set(
      `forget:${record.name}`,
      now + (record.status === 'left' ? config.forgetLeftMs : config.forgetDownMs),
    );
    if (record.status === 'down' && deadlines.get('heal') === undefined)
      deadlines.set('heal', now + config.healIntervalMs);
  }

  #forget(name: string): void {
    const record = this.#runtime.list.get(name);
    if (record !== undefined && !isLive(record.status)) this.#claims.forget(record);
  }

  #heal(): void {
    const { deadlines, now, config, leaving } = this.#runtime;
    const record = pickDown(this.#runtime);
    if (record === undefined || leaving) return;
    this.#prober.probe(record);
    deadlines.set('heal', now + config.healIntervalMs);
  }

  #startLeave(): void {
    if (this.#runtime.leaving) return;
    this.#leaving.start(() => this.#serf.announceLeave());
    this.#prober.abandon();
  }
}
