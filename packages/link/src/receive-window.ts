import type { Millis } from '@grp/core';
import type { LinkSettings } from './config.ts';
import { Reassembly, type ReassemblyBudget } from './reassembly.ts';
import { ackBytes, dataHeaderBytes, epochOf, frameHeaderBytes, framesAreSound, offsets, packetFlags } from './wire.ts';
import { readI32, readU16, sackBitsMax, totalBytes } from './wire.ts';

/** What became of a data packet: taken, or the reason why not. `broken`: the peer contradicts itself. */
export type Receipt = 'taken' | 'duplicate' | 'beyond-window' | 'malformed' | 'no-room' | 'broken';

/**
 * The incoming half of a session: delivers packets in order and once, keeps those behind a gap, and knows what there is
 * to acknowledge. Rejects replays, because a packet number counts once, wraps included.
 */
export class ReceiveWindow {
  readonly #settings: LinkSettings;
  readonly #reassembly: Reassembly;
  readonly #deliver: (message: Uint8Array) => void;
  #next: number;
  #epoch = 0; // of #next
  // Packets behind a gap, by number; made when the first gap is.
  #early: (Uint8Array | undefined)[] = [];
  #mask = 0;
  #earlyCount = 0;
  #earlyBytes = 0;
  #highest = 0; // of the early ones
  #unacknowledged = 0;
  /** The ack should go at the end of this turn. */
  ackDue = false;
  /** When the ack goes that waits for company; Infinity: none waits. */
  ackAt: Millis = Infinity;

  /** @param first the number of the first packet: 0 but in tests of what happens after billions */
  constructor(
    settings: LinkSettings,
    budget: ReassemblyBudget,
    deliver: (message: Uint8Array) => void,
    first: number = 0,
  ) {
    this.#next = first | 0;
    this.#settings = settings;
    this.#reassembly = new Reassembly(budget);
    this.#deliver = deliver;
  }

  /** Everything before it has been delivered. */
  get next(): number {
    return this.#next;
  }

  get hasGap(): boolean {
    return this.#earlyCount > 0;
  }

  get isQuiet(): boolean {
    return this.#earlyCount === 0 && !this.#reassembly.isOpen;
  }

  accept(packet: Uint8Array, now: Millis): Receipt {
    const number = readI32(packet, offsets.number);
    const distance = (number - this.#next) | 0;
    if (readU16(packet, offsets.epoch) !== epochOf(number, { base: this.#next, epoch: this.#epoch }))
      return 'duplicate';
    if (distance < 0) return this.#again();
    if (distance >= this.#settings.windowPacketsMax) return 'beyond-window';
    if (!framesAreSound(packet, this.#settings.maxPayloadBytes)) return 'malformed';
    const asks = ((packet[offsets.type] as number) & packetFlags.ackNow) !== 0;
    if (distance > 0) return this.#keep(number, packet);

    const receipt = this.#open(packet);
    if (receipt !== 'taken') return receipt;
    this.#advance();
    if (this.#earlyCount > 0) {
      this.ackDue = true;
      const drained = this.#drain();
      if (drained !== 'taken') return drained;
    }
    if (asks || this.#unacknowledged >= this.#settings.ackEvery) this.ackDue = true;
    else if (this.ackAt === Infinity) this.ackAt = now + this.#settings.ackDelayMs;
    return 'taken';
  }

  /** The peer has been, or is being, told what has arrived. */
  acknowledged(): void {
    this.#unacknowledged = 0;
    this.ackDue = false;
    this.ackAt = Infinity;
  }

  /** Writes the selective part of an ack packet; returns the length of the whole. */
  writeSack(ack: Uint8Array): number {
    if (this.#earlyCount === 0) return ackBytes;
    const bitCount = Math.min(sackBitsMax, (this.#highest - this.#next) | 0);
    const byteCount = (bitCount + 7) >> 3;
    ack.fill(0, offsets.sack, offsets.sack + byteCount);
    for (let bit = 0; bit < bitCount; bit++) {
      if (this.#early[(this.#next + 1 + bit) & this.#mask] === undefined) continue;
      (ack[offsets.sack + (bit >> 3)] as number) |= 1 << (bit & 7);
    }
    return ackBytes + byteCount;
  }

  /** How often numbers have wrapped at `#next`. */
  get epoch(): number {
    return this.#epoch;
  }

  clear(): void {
    this.#reassembly.clear();
    this.#early = [];
    this.#earlyCount = 0;
    this.#earlyBytes = 0;
    this.acknowledged();
  }

  #again(): Receipt {
    this.ackDue = true; // our ack was lost, or the network doubles
    return 'duplicate';
  }

  #keep(number: number, packet: Uint8Array): Receipt {
    this.ackDue = true;
    if (this.#early.length === 0) {
      const size = 2 ** Math.ceil(Math.log2(this.#settings.windowPacketsMax + 1));
      this.#early = Array.from({ length: size }, () => undefined);
      this.#mask = size - 1;
    }
    const row = number & this.#mask;
    if (this.#early[row] !== undefined) return 'duplicate';
    if (this.#earlyBytes + packet.length > this.#settings.reorderBytesMax) return 'no-room';
    this.#early[row] = packet;
    this.#earlyBytes += packet.length;
    if (this.#earlyCount++ === 0 || ((number - this.#highest) | 0) > 0) this.#highest = number;
    this.#unacknowledged++;
    return 'taken';
  }

  /** Delivers what a gap had held back. */
  #drain(): Receipt {
    while (this.#earlyCount > 0) {
      const row = this.#next & this.#mask;
      const packet = this.#early[row];
      if (packet === undefined) break;
      const receipt = this.#open(packet);
      if (receipt === 'broken') return receipt;
      this.#early[row] = undefined;
      this.#earlyCount--;
      this.#earlyBytes -= packet.length;
      if (receipt !== 'taken') break; // as if it had been lost: it will come again
      this.#advance();
    }
    return 'taken';
  }

  #advance(): void {
    this.#unacknowledged++;
    this.#next = (this.#next + 1) | 0;
    if (this.#next === 0) this.#epoch = (this.#epoch + 1) & 0xffff;
  }

  /** Delivers the messages of a packet whose frames are sound. */
  #open(packet: Uint8Array): Receipt {
    const flags = packet[offsets.type] as number;
    const end = packet.length;
    let at: number = dataHeaderBytes;
    const continues = (flags & packetFlags.continues) !== 0;
    if (continues !== this.#reassembly.isOpen) return 'broken';
    const more = (flags & packetFlags.more) !== 0;
    if (more && !this.#hasRoomForLast(packet, continues)) return 'no-room';
    while (at < end) {
      const from = at + frameHeaderBytes;
      const to = from + readU16(packet, at);
      const isLast = to === end;
      if (continues && at === dataHeaderBytes) {
        if (!this.#goOn(packet.subarray(from, to), isLast && more)) return 'broken';
      } else if (isLast && more) {
        this.#reassembly.begin(readI32(packet, from) >>> 0);
        this.#reassembly.append(packet.subarray(from + totalBytes, to));
      } else this.#deliver(packet.subarray(from, to));
      at = to;
    }
    return 'taken';
  }

  /** The next fragment of the open message. False: its length is not what was announced. */
  #goOn(fragment: Uint8Array, goesOnAfter: boolean): boolean {
    if (!this.#reassembly.append(fragment)) return false;
    if (goesOnAfter) return true;
    const whole = this.#reassembly.finish();
    if (whole === undefined) return false;
    this.#deliver(whole);
    return true;
  }

  /** Is there room for the message that the last frame begins, if it begins one? */
  #hasRoomForLast(packet: Uint8Array, continues: boolean): boolean {
    let at: number = dataHeaderBytes;
    let last = at;
    while (at < packet.length) {
      last = at;
      at += frameHeaderBytes + readU16(packet, at);
    }
    if (continues && last === dataHeaderBytes) return true;
    return this.#reassembly.hasRoom(readI32(packet, last + frameHeaderBytes) >>> 0);
  }
}
