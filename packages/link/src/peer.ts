import type { Address, Millis } from '@grp/core';
import { ReceiveWindow } from './receive-window.ts';
import { SendWindow, type Stamp } from './send-window.ts';
import type { Shared } from './shared.ts';
import { sessionKey, type Id } from './wire.ts';

/** One session between two lives, as far as this side knows it. */
export interface Session {
  readonly local: Id;
  readonly remote: Id;
  /** What packets to the peer, and from it, carry. */
  readonly outgoing: Id;
  readonly incoming: Id;
}

export function sessionOf(local: Id, remote: Id): Session {
  return {
    local,
    remote,
    outgoing: sessionKey({ to: remote, from: local }),
    incoming: sessionKey({ to: local, from: remote }),
  };
}

/** Counters of one peer, since it is known here. */
export interface PeerCounters {
  packetsSent: number;
  packetsReceived: number;
  messagesSent: number;
  messagesDelivered: number;
  resets: number;
}

const never: Millis = Infinity;
const nothing: Id = { low: 0, high: 0 };

/**
 * What is kept of one peer. `idle`: no session and nothing to send. `greeting`: says hello until somebody answers.
 * `open`: there is a session; `isProven` once the peer has used it, so that it surely has it, too.
 */
export class Peer {
  readonly address: Address;
  readonly counters: PeerCounters = {
    packetsSent: 0,
    packetsReceived: 0,
    messagesSent: 0,
    messagesDelivered: 0,
    resets: 0,
  };
  readonly drops = new Map<string, number>();
  readonly #shared: Shared;
  state: 'idle' | 'greeting' | 'open' = 'idle';
  isProven = false;
  isDirty = false;
  isGone = false;
  /** Our id while greeting. */
  local: Id = nothing;
  session: Session | undefined;
  send: SendWindow;
  receive: ReceiveWindow;
  readonly stamp: { -readonly [Name in keyof Stamp]: Stamp[Name] } = { key: nothing, cumulative: 0 };

  greetAt: Millis = never;
  greetedAt: Millis = 0;
  greetCount = 0;
  heardAt: Millis;
  keepaliveAt: Millis = never;
  troubleAt: Millis = never;
  troubleCount = 0;
  refusedAt: Millis = -Infinity;
  /** Bytes that `send` refused last; undefined: nobody waits for room. */
  wantedBytes: number | undefined;

  constructor(address: Address, shared: Shared, now: Millis) {
    this.address = address;
    this.#shared = shared;
    this.heardAt = now;
    this.send = this.#makeSend();
    this.receive = this.#makeReceive();
  }

  /** Nothing is under way in either direction. */
  get isQuiet(): boolean {
    return this.send.heldBytes === 0 && this.receive.isQuiet;
  }

  /** The windows of a session that is over are of no use to the next one. */
  renew(): void {
    this.send.clear();
    this.receive.clear();
    this.send = this.#makeSend();
    this.receive = this.#makeReceive();
  }

  /** As `renew` for what came in; what goes out begins again, because the peer has seen none of it. */
  restart(): void {
    this.send.rewind();
    this.receive.clear();
    this.receive = this.#makeReceive();
  }

  drop(reason: string): void {
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1);
  }

  /** The earliest instant at which something is to be done. */
  nextDeadline(): Millis {
    return Math.min(this.greetAt, this.keepaliveAt, this.troubleAt, this.send.retransmitAt, this.receive.ackAt);
  }

  /** Starts or stops the watch for silence, which runs while the peer owes us something. */
  watch(now: Millis): void {
    const owes = this.state === 'greeting' || this.send.heldBytes > 0;
    if (!owes) {
      this.troubleAt = never;
      this.troubleCount = 0;
    } else if (this.troubleAt === never) this.troubleAt = now + this.#shared.settings.silentMs;
  }

  /** The peer has said something. */
  heard(now: Millis): void {
    this.heardAt = now;
    this.troubleCount = 0;
    const { keepaliveMs, silentMs } = this.#shared.settings;
    this.troubleAt = this.send.heldBytes > 0 ? now + silentMs : never;
    if (keepaliveMs > 0) this.keepaliveAt = now + keepaliveMs;
  }

  #makeSend(): SendWindow {
    const { settings, datagramBytes, pool } = this.#shared;
    return new SendWindow(settings, datagramBytes, pool);
  }

  #makeReceive(): ReceiveWindow {
    const { settings, budget, deliver } = this.#shared;
    return new ReceiveWindow(settings, budget, (message) => {
      this.counters.messagesDelivered++;
      deliver(this, message);
    });
  }
}
