import type { Address, Millis, Random } from '@grp/core';
import type { LinkSettings } from './config.ts';
import { sessionOf, type Peer, type Session } from './peer.ts';
import { encodeGreeting, encodeReset, offsets, readI32, readId, sameId, type Greeting, type Id } from './wire.ts';

/** What handshakes need of the engine around them. */
export interface HandshakeHost {
  readonly settings: LinkSettings;
  readonly random: Random;
  readonly transmit: (to: Address, packet: Uint8Array) => void;
  /** Undefined: there are too many. */
  readonly makePeer: (address: Address, now: Millis) => Peer | undefined;
  /** A proven session has ended: its user must hear of it. */
  readonly ended: (peer: Peer, now: Millis) => void;
  readonly drop: (peer: Peer | undefined, reason: string) => void;
}

/** A greeting that was answered and waits for the greeter's proof that it got the answer. */
interface Pending {
  readonly session: Session;
  readonly windowPackets: number;
  readonly at: Millis;
}

/**
 * How two lives agree on a session. Whoever has something to send says hello with a fresh id; the other answers with an
 * id of its own, and keeps its old session until a packet comes that only the holder of both ids can make. So neither a
 * forged nor a repeated hello ends anything, and no stranger is sent more than it sent.
 */
export class Handshakes {
  readonly #host: HandshakeHost;
  readonly #pending = new Map<Address, Pending>(); // the oldest first

  constructor(host: HandshakeHost) {
    this.#host = host;
  }

  /** Says hello, the first time or again. */
  greet(peer: Peer, now: Millis): void {
    const { settings, transmit } = this.#host;
    if (peer.state !== 'greeting') {
      peer.state = 'greeting';
      // A greeting of theirs that was answered makes ours one more answer: both sides end in one session.
      const pending = this.#pending.get(peer.address);
      peer.local = pending === undefined || this.#isOver(pending, now) ? this.#freshId() : pending.session.local;
    }
    peer.greetAt = now + Math.min(settings.rtoInitialMs * 2 ** peer.greetCount, settings.rtoMaxMs);
    peer.greetedAt = now;
    peer.greetCount = Math.min(peer.greetCount + 1, 20);
    peer.watch(now);
    const { windowPacketsMax: windowPackets } = settings;
    transmit(
      peer.address,
      encodeGreeting({ type: 'hello', source: peer.local, destination: { low: 0, high: 0 }, windowPackets }),
    );
  }

  onHello(from: Address, peer: Peer | undefined, { source, windowPackets }: Greeting, now: Millis): void {
    if (peer?.session !== undefined && sameId(peer.session.remote, source)) {
      if (peer.isProven) this.#host.drop(peer, 'receive.stale');
      else this.#welcome(from, peer.session);
      return;
    }
    let pending = this.#pending.get(from);
    if (pending === undefined || !sameId(pending.session.remote, source) || this.#isOver(pending, now)) {
      const local = peer?.state === 'greeting' ? peer.local : this.#freshId();
      pending = { session: sessionOf(local, source), windowPackets, at: now };
      this.#remember(from, pending);
    }
    this.#welcome(from, pending.session);
  }

  /** True: there is a session now, and the peer waits for a packet of it. */
  onWelcome(peer: Peer | undefined, { source, destination, windowPackets }: Greeting, now: Millis): peer is Peer {
    if (peer?.state !== 'greeting' || !sameId(destination, peer.local)) {
      this.#host.drop(peer, 'receive.stale');
      return false;
    }
    this.#open(peer, sessionOf(peer.local, source), { isProven: false, windowPackets });
    // A first round trip, so that what is lost right away need not wait for the initial timeout (Karn: of one hello only).
    if (peer.greetCount === 1) peer.send.roundTrips.sample(now - peer.greetedAt);
    peer.heard(now);
    peer.receive.ackDue = true; // the proof, when there is nothing better to send
    return true;
  }

  /** A packet that fits no session: the proof that was waited for, or else of a life that is over here. */
  prove(from: Address, known: Peer | undefined, packet: Uint8Array, now: Millis): Peer | undefined {
    const pending = this.#pending.get(from);
    if (pending === undefined || !fits(pending.session, packet) || this.#isOver(pending, now)) {
      this.#host.drop(known, 'receive.unknown-session');
      this.#host.transmit(from, encodeReset(readId(packet, offsets.key)));
      return undefined;
    }
    const peer = known ?? this.#host.makePeer(from, now);
    if (peer === undefined) {
      this.#host.drop(undefined, 'receive.peers-full');
      return undefined;
    }
    if (peer.session !== undefined) this.#leave(peer, now);
    this.#open(peer, pending.session, { isProven: true, windowPackets: pending.windowPackets });
    return peer;
  }

  /** The peer does not know this session. True: it wants a new one at once. */
  onReset(peer: Peer | undefined, key: Id, now: Millis): peer is Peer {
    if (peer?.session === undefined || !sameId(peer.session.outgoing, key)) {
      this.#host.drop(peer, 'receive.stale');
      return false;
    }
    this.#leave(peer, now);
    return peer.send.heldBytes > 0;
  }

  /** Tells the peer that its session is over here. */
  say(peer: Peer): void {
    if (peer.session !== undefined) this.#host.transmit(peer.address, encodeReset(peer.session.incoming));
  }

  forget(address: Address): void {
    this.#pending.delete(address);
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** The session is over. Of one that the peer never used nothing was delivered there: what waits goes into the next. */
  #leave(peer: Peer, now: Millis): void {
    const wasProven = peer.isProven;
    peer.session = undefined;
    peer.state = 'idle';
    peer.isProven = false;
    if (wasProven) this.#host.ended(peer, now);
    else peer.restart();
  }

  #open(
    peer: Peer,
    session: Session,
    { isProven, windowPackets }: { readonly isProven: boolean; readonly windowPackets: number },
  ): void {
    // An id serves one session: with both ids used again, late packets of the old session would fit the new one.
    if (this.#pending.get(peer.address)?.session.local === session.local) this.#pending.delete(peer.address);
    peer.session = session;
    peer.state = 'open';
    peer.isProven = isProven;
    peer.greetAt = Infinity;
    peer.send.peerPackets = windowPackets;
  }

  #welcome(to: Address, { local, remote }: Session): void {
    const { settings, transmit } = this.#host;
    const windowPackets = settings.windowPacketsMax;
    transmit(to, encodeGreeting({ type: 'welcome', source: local, destination: remote, windowPackets }));
  }

  #isOver(pending: Pending, now: Millis): boolean {
    return now - pending.at > this.#host.settings.pendingMs;
  }

  #remember(from: Address, pending: Pending): void {
    this.#pending.delete(from);
    this.#pending.set(from, pending);
    if (this.#pending.size <= this.#host.settings.pendingMax) return;
    const [oldest] = this.#pending.keys();
    if (oldest !== undefined) this.#pending.delete(oldest);
  }

  #freshId(): Id {
    const { random } = this.#host;
    return { low: random.nextU32() | 0, high: random.nextU32() | 0 };
  }
}

/** Was this data or ack packet made by the other end of the session? */
export function fits({ incoming }: Session, packet: Uint8Array): boolean {
  return readI32(packet, offsets.key) === incoming.low && readI32(packet, offsets.key + 4) === incoming.high;
}
