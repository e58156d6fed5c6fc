import { invariant, type Millis } from '@grp/core';
import type { Chunk, ChunkPool } from './chunks.ts';
import type { LinkSettings } from './config.ts';
import { Packer } from './packer.ts';
import { CongestionWindow, RoundTrips } from './rules.ts';
import { dataHeaderBytes, epochOf, offsets, packetFlags, sackBitsMax, writeI32, writeU16, type Id } from './wire.ts';

// What has become of a packet. Packets before `#first` and from `#end` on have no state.
const waiting = 0; // never sent
const inFlight = 1;
const received = 2; // acknowledged selectively, kept until everything before it is, too
const lost = 3; // to be sent again

const reorderingMin = 3; // RFC 5681 §3.2: three later packets arrived
const reorderingMax = 64;
// Late acks cannot explain after that many timeouts that the peer is elsewhere.
const fruitlessMax = 4;

/** What a transmission writes into a packet besides the packet itself. */
export interface Stamp {
  readonly key: Id;
  /** The next packet that is expected from the peer. */
  readonly cumulative: number;
}

/**
 * The outgoing half of a session: packets that wait, that are in flight, and that are kept until everything before
 * them has arrived. Packet numbers are signed 32-bit numbers that wrap; only their differences are compared.
 * #first ≤ #next ≤ #end: not yet acknowledged, not yet sent, not yet formed.
 */
export class SendWindow {
  readonly roundTrips: RoundTrips;
  readonly congestion: CongestionWindow;
  readonly #settings: LinkSettings;
  readonly #datagramBytes: number;
  readonly #packer: Packer;
  #first: number;
  #next: number;
  #end: number;
  #epoch = 0; // of #end: how often its number has wrapped
  #firstEpoch = 0;

  // One row per packet, by number; the tables grow with the queue.
  #mask = 63;
  #packets: (Uint8Array | undefined)[] = Array.from({ length: 64 }, () => undefined);
  #chunks: (Chunk | undefined)[] = Array.from({ length: 64 }, () => undefined);
  #states = new Uint8Array(64);
  #tries = new Uint8Array(64);
  #orders = new Int32Array(64); // of the last transmission
  #sentAt = new Float64Array(64);

  #formedBytes = 0;
  #inFlightBytes = 0;
  #lostCount = 0;
  #receivedCount = 0;
  #order = 0; // transmissions so far
  #newestOrder = 0; // of those acknowledged
  #highestReceived = 0;
  #recoverUntil: number; // losses before it belong to a decrease that has been made
  #reordering = reorderingMin;
  #unaskedBytes = 0; // since an ack was asked for
  #wasFull = false;
  #probed = false;
  #isAstray = false; // the last ack
  #fruitlessCount = 0; // timeouts since something new was acknowledged
  /** When to act if no ack comes; Infinity when nothing is in flight. */
  retransmitAt: Millis = Infinity;
  /** The peer's room, in packets. */
  peerPackets: number;
  retransmitCount = 0;
  timeoutCount = 0;

  /** @param first the number of the first packet: 0 but in tests of what happens after billions */
  constructor(settings: LinkSettings, datagramBytes: number, pool: ChunkPool, first: number = 0) {
    this.#first = this.#next = this.#end = this.#recoverUntil = first | 0;
    this.#settings = settings;
    this.#datagramBytes = datagramBytes;
    this.peerPackets = settings.windowPacketsMax;
    this.roundTrips = new RoundTrips(settings);
    this.congestion = new CongestionWindow(settings, datagramBytes);
    this.#packer = new Packer(pool, datagramBytes, (chunk, bytes) => this.#push(chunk, bytes));
  }

  /** Bytes that wait or are not acknowledged, with their headers. */
  get heldBytes(): number {
    return this.#formedBytes + this.#packer.openBytes;
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  /** False: it does not fit into the queue now, and nothing was taken. */
  add(message: Uint8Array): boolean {
    const { heldBytes } = this;
    // An empty queue takes any message, so that the longest passes whatever the limit is.
    if (heldBytes > 0 && heldBytes + message.length > this.#settings.queueBytesMax) return false;
    this.#packer.add(message);
    return true;
  }

  /** Sends what the window allows: lost packets first, then new ones. Returns how many went out. */
  flush(now: Millis, stamp: Stamp, transmit: (packet: Uint8Array) => void): number {
    let count = 0;
    if (this.#lostCount > 0) {
      for (let number = this.#first; number !== this.#next && this.#lostCount > 0; number = (number + 1) | 0) {
        if (this.#states[number & this.#mask] !== lost) continue;
        if (!this.#fits(number)) return count;
        this.#lostCount--;
        this.retransmitCount++;
        this.#transmit({ number, now, stamp, transmit });
        count++;
      }
    }
    for (;;) {
      if (this.#next === this.#end) {
        if (this.#packer.openBytes === 0) break;
        this.#wasFull = this.#inFlightBytes > 0 && this.#inFlightBytes + this.#packer.openBytes > this.congestion.bytes;
        if (this.#wasFull) break; // it may as well be filled while it waits
        this.#packer.close();
      }
      const number = this.#next;
      if (!this.#fits(number)) break;
      this.#next = (number + 1) | 0;
      this.#transmit({ number, now, stamp, transmit });
      count++;
    }
    return count;
  }

  /** Takes a cumulative acknowledgement: everything before `cumulative`. False: of packets that were never sent. */
  acknowledge(cumulative: number, now: Millis): boolean {
    const distance = (cumulative - this.#first) | 0;
    const isBeyond = ((cumulative - this.#next) | 0) > 0;
    this.#isAstray = distance < 0 || isBeyond; // an old one, overtaken by a newer, unless it stays so
    if (distance <= 0) return true;
    if (isBeyond) return false;
    let ackedBytes = 0;
    let sampleAt = -1;
    for (let number = this.#first; number !== cumulative; number = (number + 1) | 0) {
      const row = number & this.#mask;
      const bytes = this.#packets[row] as Uint8Array;
      const state = this.#states[row];
      if (state !== received) ackedBytes += bytes.length;
      if (state === inFlight && this.#tries[row] === 1) sampleAt = this.#sentAt[row] as number;
      this.#settle(row, state as number, bytes.length, now);
      if (state === received) this.#receivedCount--;
      this.#formedBytes -= bytes.length;
      this.#packets[row] = undefined;
      this.#packer.release(this.#chunks[row] as Chunk);
      this.#chunks[row] = undefined;
    }
    if (cumulative >>> 0 < this.#first >>> 0) this.#firstEpoch = (this.#firstEpoch + 1) & 0xffff;
    this.#first = cumulative;
    if (sampleAt >= 0) this.roundTrips.sample(now - sampleAt);
    this.#progress(ackedBytes, now);
    if (this.#receivedCount > 0) this.#findLost(now);
    return true;
  }

  /** Is this the epoch in which the peer would acknowledge `cumulative`? A replay from before a wrap has another one. */
  isOfEpoch(cumulative: number, epoch: number): boolean {
    return epochOf(cumulative, { base: this.#first, epoch: this.#firstEpoch }) === epoch;
  }

  /** Takes selective acknowledgements: bit i stands for packet `cumulative + 1 + i`. */
  acknowledgeSelectively(cumulative: number, packet: Uint8Array, now: Millis): void {
    const bitCount = Math.min(sackBitsMax, 8 * (packet.length - offsets.sack));
    let ackedBytes = 0;
    for (let bit = 0; bit < bitCount; bit++) {
      const octet = packet[offsets.sack + (bit >> 3)] as number;
      if (octet === 0) {
        bit |= 7;
        continue;
      }
      if ((octet & (1 << (bit & 7))) === 0) continue;
      const number = (cumulative + 1 + bit) | 0;
      if (((number - this.#next) | 0) >= 0) break;
      if (((number - this.#first) | 0) < 0) continue;
      const row = number & this.#mask;
      const state = this.#states[row] as number;
      if (state === received) continue;
      const { length } = this.#packets[row] as Uint8Array;
      ackedBytes += length;
      this.#settle(row, state, length, now);
      this.#states[row] = received;
      if (this.#receivedCount++ === 0 || ((number - this.#highestReceived) | 0) > 0) this.#highestReceived = number;
    }
    if (ackedBytes > 0) this.#progress(ackedBytes, now);
    if (this.#receivedCount > 0) this.#findLost(now);
  }

  /**
   * `retransmitAt` has come: probe the tail first (RFC 8985 §7), then give the whole flight up for lost (RFC 6298 §5.4).
   * False: the peer is there, and keeps asking for what it has acknowledged or acknowledging what was never sent. A
   * damaged packet has been believed, and nothing can mend this session.
   */
  timeout(now: Millis): boolean {
    if (this.#next === this.#first) {
      this.retransmitAt = Infinity;
      return true;
    }
    if (this.#isAstray && this.#fruitlessCount >= fruitlessMax) return false;
    if (this.#probed) {
      this.#fruitlessCount++;
      this.timeoutCount++;
      this.roundTrips.backOff();
      this.congestion.timedOut();
      this.#recoverUntil = this.#next;
      // A selective ack is advice (RFC 2018 §8): when nothing else helps, it is not believed any more.
      const doubts = this.#fruitlessCount > fruitlessMax;
      for (let number = this.#first; number !== this.#next; number = (number + 1) | 0)
        this.#lose(number & this.#mask, doubts);
    } else {
      this.#probed = true;
      const last = (this.#next - 1) & this.#mask;
      if (this.#states[last] === inFlight) this.#lose(last);
      else this.#lose(this.#first & this.#mask);
    }
    this.retransmitAt = now + this.roundTrips.timeoutMs;
    return true;
  }

  /** Begins again with the first packet, towards a new life of the peer that has seen none of them. */
  rewind(): void {
    invariant(this.#first === 0 && this.#epoch === 0, 'nothing was acknowledged before the peer was proven');
    for (let number = 0; number !== this.#next; number++) {
      this.#states[number & this.#mask] = waiting;
      this.#tries[number & this.#mask] = 0;
    }
    this.#next = 0;
    this.#inFlightBytes = 0;
    this.#lostCount = 0;
    this.#receivedCount = 0;
    this.retransmitAt = Infinity;
  }

  /** Drops everything and gives the memory back. */
  clear(): void {
    for (let number = this.#first; number !== this.#end; number = (number + 1) | 0) {
      const row = number & this.#mask;
      this.#packer.release(this.#chunks[row] as Chunk);
      this.#packets[row] = undefined;
      this.#chunks[row] = undefined;
    }
    this.#packer.clear();
    this.#first = this.#next = this.#end;
    this.#formedBytes = this.#inFlightBytes = 0;
    this.retransmitAt = Infinity;
  }

  #push(chunk: Chunk, bytes: Uint8Array): void {
    if (((this.#end - this.#first) | 0) > this.#mask) this.#grow();
    const number = this.#end;
    const row = number & this.#mask;
    writeU16(bytes, offsets.epoch, this.#epoch);
    writeI32(bytes, offsets.number, number);
    this.#packets[row] = bytes;
    this.#chunks[row] = chunk;
    this.#states[row] = waiting;
    this.#tries[row] = 0;
    this.#formedBytes += bytes.length;
    this.#end = (number + 1) | 0;
    if (this.#end === 0) this.#epoch = (this.#epoch + 1) & 0xffff;
  }

  #fits(number: number): boolean {
    const { length } = this.#packets[number & this.#mask] as Uint8Array;
    const room = Math.min(this.peerPackets, this.#settings.windowPacketsMax);
    const fits =
      (this.#inFlightBytes === 0 || this.#inFlightBytes + length <= this.congestion.bytes) &&
      ((number - this.#first) | 0) < room;
    if (!fits) this.#wasFull = true;
    return fits;
  }

  #transmit({ number, now, stamp, transmit }: Transmission): void {
    const row = number & this.#mask;
    const packet = this.#packets[row] as Uint8Array;
    const { length } = packet;
    if (this.#inFlightBytes === 0) this.retransmitAt = now + this.#patienceMs();
    this.#inFlightBytes += length;
    this.#unaskedBytes += length;
    // Four acks per window, or per queue when that is shorter, keep it moving; whoever waits for room waits for an ack.
    const { bytes } = this.congestion;
    const asks =
      this.#unaskedBytes * 4 >= Math.min(bytes, this.#settings.queueBytesMax) ||
      this.#inFlightBytes + this.#datagramBytes > bytes ||
      this.#probed;
    if (asks) this.#unaskedBytes = 0;
    const type = packet[offsets.type] as number;
    packet[offsets.type] = asks ? type | packetFlags.ackNow : type & ~packetFlags.ackNow;
    writeI32(packet, offsets.key, stamp.key.low);
    writeI32(packet, offsets.key + 4, stamp.key.high);
    writeI32(packet, offsets.cumulative, stamp.cumulative);
    this.#states[row] = inFlight;
    this.#orders[row] = this.#order = (this.#order + 1) | 0;
    this.#sentAt[row] = now;
    if ((this.#tries[row] as number) < 255) (this.#tries[row] as number)++;
    transmit(packet);
  }

  #patienceMs(): Millis {
    const { timeoutMs } = this.roundTrips;
    return this.#probed ? timeoutMs : Math.min(timeoutMs, this.roundTrips.probeAfterMs());
  }

  /** A packet has arrived over there. */
  #settle(row: number, state: number, length: number, now: Millis): void {
    if (state === inFlight) this.#inFlightBytes -= length;
    else if (state === lost) this.#lostCount--;
    const order = this.#orders[row] as number;
    if (((order - this.#newestOrder) | 0) > 0) this.#newestOrder = order;
    // Acknowledged sooner than a round trip after it was sent again: it had only been late.
    const { smoothedMs } = this.roundTrips;
    if ((this.#tries[row] as number) < 2 || smoothedMs === undefined || state === received) return;
    if (now - (this.#sentAt[row] as number) < smoothedMs / 2)
      this.#reordering = Math.min(2 * this.#reordering, reorderingMax);
  }

  #progress(ackedBytes: number, now: Millis): void {
    this.congestion.acknowledged(ackedBytes, this.#wasFull);
    this.#wasFull = false;
    this.#fruitlessCount = 0;
    this.roundTrips.progress();
    this.#probed = false;
    this.retransmitAt = this.#first === this.#next ? Infinity : now + this.#patienceMs();
  }

  /**
   * A packet is lost when enough packets that were sent after it have arrived (RFC 6675, by the order of sending), or one
   * has, and it is a good round trip since (RFC 8985 §6.2), so that a short flight need not wait for enough.
   */
  #findLost(now: Millis): void {
    // 1.25 round trips, and more where packets overtake each other.
    const lateBefore = now - (1 + this.#reordering / 12) * (this.roundTrips.smoothedMs ?? Infinity);
    let found = false;
    let inWindow = false;
    for (let number = this.#first; ((number - this.#highestReceived) | 0) < 0; number = (number + 1) | 0) {
      const row = number & this.#mask;
      if (this.#states[row] !== inFlight) continue;
      const laterCount = (this.#newestOrder - (this.#orders[row] as number)) | 0;
      const isLate = laterCount > 0 && (this.#sentAt[row] as number) < lateBefore;
      if (laterCount < this.#reordering && !isLate) continue;
      this.#lose(row);
      found = true;
      if (((number - this.#recoverUntil) | 0) >= 0) inWindow = true;
    }
    if (!found || !inWindow) return;
    this.congestion.lost();
    this.#recoverUntil = this.#next;
  }

  #lose(row: number, doubts = false): void {
    const state = this.#states[row];
    if (state === inFlight) this.#inFlightBytes -= (this.#packets[row] as Uint8Array).length;
    else if (state === received && doubts) this.#receivedCount--;
    else return;
    this.#states[row] = lost;
    this.#lostCount++;
  }

  #grow(): void {
    const [oldMask, size] = [this.#mask, 2 * (this.#mask + 1)];
    const mask = size - 1;
    const old = { packets: this.#packets, chunks: this.#chunks, states: this.#states, tries: this.#tries };
    const [oldOrders, oldSentAt] = [this.#orders, this.#sentAt];
    this.#mask = mask;
    this.#packets = Array.from({ length: size }, () => undefined);
    this.#chunks = Array.from({ length: size }, () => undefined);
    this.#states = new Uint8Array(size);
    this.#tries = new Uint8Array(size);
    this.#orders = new Int32Array(size);
    this.#sentAt = new Float64Array(size);
    for (let number = this.#first; number !== this.#end; number = (number + 1) | 0) {
      const [from, to] = [number & oldMask, number & mask];
      this.#packets[to] = old.packets[from];
      this.#chunks[to] = old.chunks[from];
      this.#states[to] = old.states[from] as number;
      this.#tries[to] = old.tries[from] as number;
      this.#orders[to] = oldOrders[from] as number;
      this.#sentAt[to] = oldSentAt[from] as number;
    }
  }
}

interface Transmission {
  readonly number: number;
  readonly now: Millis;
  readonly stamp: Stamp;
  readonly transmit: (packet: Uint8Array) => void;
}

/** The longest message that shares no datagram's room with a second header. */
export function frameBytesOf(datagramBytes: number): number {
  return datagramBytes - dataHeaderBytes - 2;
}
