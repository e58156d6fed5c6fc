import { below, pick, type Address, type Random } from '@grp/core';
import { encodeMessage, encodeSerf, sealDatagram, type Message } from '@grp/memberlist-wire';

/** Bytes that nobody honest sends, made from bytes that somebody did. */
export function mutate(random: Random, genuine: readonly Uint8Array[]): Uint8Array {
  const bytes = (pick(random, genuine) as Uint8Array).slice();
  switch (below(random, 9)) {
    case 0: // flipped bits
      for (let flips = 1 + below(random, 4); flips > 0; flips--) {
        const bit = below(random, Math.max(1, bytes.length * 8));
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      }
      return bytes;
    case 1: // other bytes
      for (let count = 1 + below(random, 4); count > 0; count--)
        bytes[below(random, bytes.length)] = below(random, 256);
      return bytes;
    case 2: // cut short
      return bytes.subarray(0, below(random, bytes.length));
    case 3: // with something behind
      return joined(bytes, noise(random, 1 + below(random, 40)));
    case 4: {
      // the head of one and the tail of another
      const other = pick(random, genuine) as Uint8Array;
      return joined(bytes.subarray(0, below(random, bytes.length)), other.subarray(below(random, other.length)));
    }
    case 5: // msgpack heads of great lengths and counts
      bytes.set([0xdb, 0xff, 0xff, 0xff, 0xff].slice(0, bytes.length), below(random, Math.max(1, bytes.length - 5)));
      return bytes;
    case 6: // a compound that promises much
      return joined(Uint8Array.of(7, 255), noise(random, below(random, 600)));
    case 7: // another type byte in front
      bytes[0] = below(random, 16);
      return bytes;
    default:
      return noise(random, below(random, 200));
  }
}

export function noise(random: Random, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, () => below(random, 256));
}

export function joined(...pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** 64 KiB of zeros, LZW-compressed as memberlist does, and a compound of 255 pings inside. */
export function bombs(): Uint8Array[] {
  const ping = encodeMessage({ type: 'ping', sequence: 1, node: 'n1', source: undefined });
  const zeros = encodeMessage({ type: 'user', body: new Uint8Array(60_000) });
  const inner = sealDatagram(
    Array.from({ length: 255 }, () => ping),
    {},
  );
  return [
    sealDatagram([zeros], { compress: true }),
    sealDatagram([inner], { compress: true }), // a compound in a compressed one
    sealDatagram([inner, inner], {}), // compounds in a compound
    sealDatagram([sealDatagram([zeros], { compress: true })], { compress: true, crc: true }),
    sealDatagram(
      Array.from({ length: 255 }, () => ping),
      {},
    ),
    sealDatagram(
      Array.from({ length: 255 }, () => encodeMessage({ type: 'user', body: new Uint8Array(1) })),
      {},
    ),
  ];
}

export interface Forger {
  readonly names: readonly string[];
  readonly address: (name: string) => Address;
}

/** Sound messages that are lies: about members, about nobody, with numbers out of this world. */
export function forge(random: Random, { names, address }: Forger): Message {
  const node = below(random, 4) === 0 ? `x${below(random, 5_000)}` : (pick(random, names) as string);
  const from = pick(random, names) as string;
  const incarnation = pick(random, [0, 1, 1_767_225_600, 1_800_000_000, 0xf000_0000, 0xffff_ffff]) as number;
  const sequence = random.nextU32();
  const somewhere = `203.0.113.${below(random, 256)}:${1 + below(random, 65_535)}` as Address;
  const target = below(random, 2) === 0 ? somewhere : address(from);
  switch (below(random, 9)) {
    case 0:
      return { type: 'ping', sequence, node, source: { address: somewhere, name: node } };
    case 1:
      return { type: 'indirect-ping', sequence, node, target, nack: true, source: { address: somewhere, name: node } };
    case 2:
      return { type: 'ack', sequence, payload: noise(random, below(random, 60)) };
    case 3:
      return { type: 'nack', sequence };
    case 4:
      return { type: 'suspect', node, incarnation, from };
    case 5:
      return { type: 'dead', node, incarnation, from: below(random, 2) === 0 ? node : from };
    case 6: {
      const meta = noise(random, below(random, 700));
      const versions = below(random, 4) === 0 ? noise(random, 6) : Uint8Array.of(1, 5, 2, 2, 5, 5);
      return { type: 'alive', node, incarnation, address: target, meta, versions };
    }
    case 7:
      return { type: 'user', body: noise(random, below(random, 100)) };
    default:
      return { type: 'user', body: serfLie(random, node, somewhere) };
  }
}

function serfLie(random: Random, node: string, somewhere: Address): Uint8Array {
  const time = pick(random, [0, 1, 5, 600, 1e6, Number.MAX_SAFE_INTEGER]) as number;
  const payload = noise(random, below(random, 100));
  const name = `e${below(random, 1_000)}`;
  switch (below(random, 5)) {
    case 0:
      return encodeSerf({ type: 'leave', time, node, prune: below(random, 2) === 0 });
    case 1:
      return encodeSerf({ type: 'join', time, node });
    case 2:
      return encodeSerf({ type: 'user-event', time, name, payload, coalesce: false });
    case 3:
      return encodeSerf({ type: 'relay', to: somewhere, toName: node, body: payload });
    default:
      return encodeSerf({
        type: 'query',
        time,
        id: random.nextU32(),
        source: { address: somewhere, name: node },
        filters: [],
        flags: 1,
        relayCount: 5,
        timeoutMs: 1e9,
        name,
        payload,
      });
  }
}
