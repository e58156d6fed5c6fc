import type { Address, Clock, Millis, Random } from '@grp/core';
import { ChunkPool } from './chunks.ts';
import type { LinkSettings } from './config.ts';
import { Happenings } from './happenings.ts';
import { fits, Handshakes } from './handshakes.ts';
import { Peer, type Session } from './peer.ts';
import type { Shared } from './shared.ts';
import {
  ackBytes,
  dataHeaderBytes,
  decodeGreeting,
  offsets,
  packetFlags,
  packetTypes,
  protocolVersion,
  readI32,
  readId,
  readU16,
  resetBytes,
  sackBitsMax,
  writeI32,
  writeU16,
} from './wire.ts';

export interface EngineOptions {
  readonly settings: LinkSettings;
  /** The longest datagram that the transport takes. */
  readonly datagramBytes: number;
  readonly random: Random;
  /** Sends a datagram. The bytes change after the call. */
  readonly transmit: (to: Address, packet: Uint8Array) => void;
}

/**
 * The protocol of all links of one node, without I/O: calls bring what came and what is to be sent, `transmit` takes
 * datagrams, `happenings` keeps what the user should hear. Nothing goes out but in `flush` and `wake`, save for answers
 * to strangers, which are never longer than what they answer.
 */
export class Engine {
  readonly happenings = new Happenings();
  readonly peers = new Map<Address, Peer>();
  /** Drops that belong to no known peer, by reason. */
  readonly drops = new Map<string, number>();
  readonly #options: EngineOptions;
  readonly #shared: Shared;
  readonly #handshakes: Handshakes;
  readonly #ack = new Uint8Array(ackBytes + sackBitsMax / 8);
  readonly #plainAck = this.#ack.subarray(0, ackBytes);
  #dirty: Peer[] = [];
  #wakeAt: Millis = Infinity;
  // Made once: the peer they speak of is in `#current`.
  #current: Peer | undefined;
  readonly #transmitCurrent = (packet: Uint8Array): void => {
    const peer = this.#current as Peer;
    peer.counters.packetsSent++;
    this.#options.transmit(peer.address, packet);
  };

  constructor(options: EngineOptions) {
    this.#options = options;
    const { settings, datagramBytes } = options;
    this.#shared = {
      settings,
      datagramBytes,
      pool: new ChunkPool(datagramBytes),
      budget: { reserved: 0, maxBytes: settings.reassemblyBytesMax },
      deliver: (peer, message) => this.happenings.deliver(peer.address, message),
    };
    this.#handshakes = new Handshakes({
      settings,
      random: options.random,
      transmit: options.transmit,
      makePeer: (address, now) => this.#makePeer(address, now),
      ended: (peer, now) => this.#end(peer, now),
      drop: (peer, reason) => this.#drop(peer, reason),
    });
  }

  get needsFlush(): boolean {
    return this.#dirty.length > 0;
  }

  /** May be earlier than needed; undefined: nothing is due by itself. */
  nextDeadline(): Millis | undefined {
    return this.#wakeAt === Infinity ? undefined : this.#wakeAt;
  }

  /** Queues a message. False: there is no room, or it is too long, and nothing was queued. */
  send(to: Address, message: Uint8Array, clock: Pick<Clock, 'now'>): boolean {
    const peer = this.peers.get(to) ?? this.#makePeer(to, clock.now());
    if (peer === undefined) return this.#refuse('send.peers-full');
    if (message.length > this.#options.settings.maxPayloadBytes) {
      peer.drop('send.too-long');
      return false;
    }
    if (!peer.send.add(message)) {
      peer.wantedBytes = message.length;
      peer.drop('send.queue-full');
      return false;
    }
    peer.counters.messagesSent++;
    this.#touch(peer);
    return true;
  }

  /** Takes a datagram. */
  receive(from: Address, packet: Uint8Array, now: Millis): void {
    const peer = this.peers.get(from);
    if (packet.length < resetBytes) return this.#drop(peer, 'receive.short');
    if (packet[offsets.version] !== protocolVersion) return this.#drop(peer, 'receive.version');
    const type = (packet[offsets.type] as number) & 0xf0;
    if (type === packetTypes.data || type === packetTypes.ack) {
      if (packet.length < (type === packetTypes.data ? dataHeaderBytes : ackBytes))
        return this.#drop(peer, 'receive.short');
      if (peer?.session !== undefined && fits(peer.session, packet)) {
        if (!peer.isProven) this.#proven(peer);
        return this.#take(peer, packet, type, now);
      }
      const proven = this.#handshakes.prove(from, peer, packet, now);
      if (proven === undefined) return;
      this.#proven(proven);
      this.#take(proven, packet, type, now);
    } else this.#receiveControl(from, peer, packet, now);
  }

  /** Forgets a peer; if it still has the session it is told. */
  forget(address: Address): void {
    this.#handshakes.forget(address);
    const peer = this.peers.get(address);
    if (peer === undefined) return;
    this.#handshakes.say(peer);
    peer.isGone = true;
    peer.send.clear();
    peer.receive.clear();
    this.peers.delete(address);
  }

  /** The transport knows that nobody listens there. */
  refused(address: Address, now: Millis): void {
    const peer = this.peers.get(address);
    if (peer === undefined || now - peer.refusedAt < this.#options.settings.rtoMinMs) return;
    peer.refusedAt = now; // one hint is enough for all that was under way
    this.happenings.add('refused', address);
  }

  /** Sends what waits, as far as the windows allow, and the acks that are due. */
  flush(now: Millis): void {
    if (this.#dirty.length === 0) return;
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const peer of dirty) {
      peer.isDirty = false;
      if (!peer.isGone) this.#flushPeer(peer, now);
    }
  }

  /** Does what is due by the clock. */
  wake(now: Millis): void {
    if (now < this.#wakeAt) return;
    this.#wakeAt = Infinity;
    for (const peer of this.peers.values()) {
      if (peer.nextDeadline() <= now) this.#wakePeer(peer, now);
      this.#arm(peer.nextDeadline());
    }
  }

  /** Whether everything that was sent has been acknowledged, but for peers that do not answer. */
  get isFlushed(): boolean {
    for (const peer of this.peers.values()) if (peer.send.heldBytes > 0 && peer.troubleCount < 2) return false;
    return true;
  }

  #refuse(reason: string): false {
    this.#drop(undefined, reason);
    return false;
  }

  #drop(peer: Peer | undefined, reason: string): void {
    if (peer === undefined) this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1);
    else peer.drop(reason);
  }

  #touch(peer: Peer): void {
    if (peer.isDirty) return;
    peer.isDirty = true;
    this.#dirty.push(peer);
  }

  #arm(at: Millis): void {
    if (at < this.#wakeAt) this.#wakeAt = at;
  }

  #receiveControl(from: Address, peer: Peer | undefined, packet: Uint8Array, now: Millis): void {
    const type = (packet[offsets.type] as number) & 0xf0;
    if (type === packetTypes.reset) {
      if (this.#handshakes.onReset(peer, readId(packet, offsets.key), now)) this.#greet(peer, now);
    } else if (type === packetTypes.hello || type === packetTypes.welcome) {
      const greeting = decodeGreeting(packet);
      if (greeting === undefined) this.#drop(peer, 'receive.malformed');
      else if (greeting.type === 'hello') this.#handshakes.onHello(from, peer, greeting, now);
      else if (this.#handshakes.onWelcome(peer, greeting, now)) this.#touch(peer);
    } else this.#drop(peer, 'receive.malformed');
  }

  #greet(peer: Peer, now: Millis): void {
    // The first one at once; whoever is sent away again and again takes its time.
    if (peer.greetCount === 0 || peer.state === 'greeting') this.#handshakes.greet(peer, now);
    else peer.greetAt = now + Math.min(2 ** peer.greetCount, this.#options.settings.rtoMaxMs);
    this.#arm(peer.greetAt);
    this.#arm(peer.troubleAt);
  }

  #proven(peer: Peer): void {
    peer.isProven = true;
    peer.greetCount = 0;
    this.#touch(peer);
  }

  /** What the peer says cannot be true: better an end that both hear of than a silence. */
  #tear(peer: Peer, reason: string, now: Millis): void {
    peer.drop(reason);
    this.#handshakes.say(peer);
    this.#end(peer, now);
  }

  /** A proven session is over: what was queued in it is lost, and the user hears of it. */
  #end(peer: Peer, now: Millis): void {
    peer.renew();
    peer.session = undefined;
    peer.state = 'idle';
    peer.isProven = false;
    peer.keepaliveAt = Infinity;
    peer.watch(now);
    peer.counters.resets++;
    this.happenings.add('reset', peer.address);
    if (peer.wantedBytes === undefined) return;
    peer.wantedBytes = undefined;
    this.happenings.add('writable', peer.address);
  }

  /** A data or ack packet of the session. */
  #take(peer: Peer, packet: Uint8Array, type: number, now: Millis): void {
    peer.counters.packetsReceived++;
    peer.heard(now);
    const { send, receive } = peer;
    if (type === packetTypes.data) {
      const receipt = receive.accept(packet, now);
      if (receipt === 'broken') return this.#tear(peer, 'receive.broken', now);
      if (receipt === 'duplicate') peer.drop('receive.duplicate');
      else if (receipt !== 'taken') return peer.drop(`receive.${receipt}`);
    } else if (((packet[offsets.type] as number) & packetFlags.ackNow) !== 0) receive.ackDue = true;
    this.#takeAcks(peer, packet, type, now);
    if (receive.ackDue || send.heldBytes > send.inFlightBytes) this.#touch(peer);
    this.#arm(receive.ackAt);
    this.#arm(peer.keepaliveAt);
  }

  #takeAcks(peer: Peer, packet: Uint8Array, type: number, now: Millis): void {
    const { send } = peer;
    const cumulative = readI32(packet, offsets.cumulative);
    if (type === packetTypes.ack && !send.isOfEpoch(cumulative, readU16(packet, offsets.epoch)))
      return peer.drop('receive.duplicate');
    if (!send.acknowledge(cumulative, now)) return peer.drop('receive.ack-of-unsent');
    if (type === packetTypes.ack && packet.length > ackBytes) send.acknowledgeSelectively(cumulative, packet, now);
    if (send.heldBytes === 0) peer.watch(now);
    if (peer.wantedBytes !== undefined) this.#tellRoom(peer, peer.wantedBytes);
  }

  // Half empty at least, so that the caller does not come back for every datagram.
  #tellRoom(peer: Peer, wantedBytes: number): void {
    const { heldBytes } = peer.send;
    const max = this.#options.settings.queueBytesMax;
    if (heldBytes > 0 && (heldBytes > max / 2 || heldBytes + wantedBytes > max)) return;
    peer.wantedBytes = undefined;
    this.happenings.add('writable', peer.address);
  }

  #flushPeer(peer: Peer, now: Millis): void {
    const { send, receive, session } = peer;
    if (session === undefined) {
      if (peer.state === 'idle' && send.heldBytes > 0 && peer.greetAt === Infinity) this.#greet(peer, now);
      return;
    }
    this.#current = peer;
    peer.stamp.key = session.outgoing;
    peer.stamp.cumulative = receive.next;
    const sentCount = send.flush(now, peer.stamp, this.#transmitCurrent);
    if (receive.hasGap || sentCount === 0) {
      if (receive.ackDue) this.#transmitAck(peer, 0);
    }
    if (sentCount > 0) {
      receive.acknowledged();
      peer.watch(now);
      this.#arm(send.retransmitAt);
      this.#arm(peer.troubleAt);
    }
  }

  #transmitAck(peer: Peer, flags: number): void {
    const { receive, session } = peer;
    const ack = this.#ack;
    const { outgoing } = session as Session;
    ack[offsets.version] = protocolVersion;
    ack[offsets.type] = packetTypes.ack | flags;
    writeU16(ack, offsets.epoch, receive.epoch);
    writeI32(ack, offsets.key, outgoing.low);
    writeI32(ack, offsets.key + 4, outgoing.high);
    writeI32(ack, offsets.cumulative, receive.next);
    const length = receive.writeSack(ack);
    this.#current = peer;
    this.#transmitCurrent(length === ackBytes ? this.#plainAck : ack.subarray(0, length));
    receive.acknowledged();
  }

  #wakePeer(peer: Peer, now: Millis): void {
    if (peer.greetAt <= now) this.#handshakes.greet(peer, now);
    if (peer.send.retransmitAt <= now) {
      if (!peer.send.timeout(now)) return this.#tear(peer, 'receive.astray', now);
      this.#touch(peer);
    }
    if (peer.receive.ackAt <= now) {
      peer.receive.ackDue = true;
      peer.receive.ackAt = Infinity;
      this.#touch(peer);
    }
    if (peer.keepaliveAt <= now) {
      const { keepaliveMs, silentMs } = this.#options.settings;
      peer.keepaliveAt = now + keepaliveMs;
      if (peer.session !== undefined) this.#transmitAck(peer, packetFlags.ackNow);
      if (peer.troubleAt === Infinity) peer.troubleAt = now + silentMs;
    }
    if (peer.troubleAt <= now) {
      // Each further hint after twice the time: a peer that is gone for an hour is no news every moment.
      peer.troubleCount++;
      peer.troubleAt = now + this.#options.settings.silentMs * 2 ** Math.min(peer.troubleCount, 10);
      this.happenings.add('silent', peer.address);
    }
  }

  #makePeer(address: Address, now: Millis): Peer | undefined {
    if (this.peers.size >= this.#options.settings.peersMax && !this.#evict()) return undefined;
    const peer = new Peer(address, this.#shared, now);
    this.peers.set(address, peer);
    return peer;
  }

  /** The peer that has been heard longest ago makes room, if nothing is under way with it. */
  #evict(): boolean {
    let oldest: Peer | undefined;
    for (const peer of this.peers.values())
      if (peer.isQuiet && (oldest === undefined || peer.heardAt < oldest.heardAt)) oldest = peer;
    if (oldest === undefined) return false;
    this.forget(oldest.address);
    return true;
  }
}
