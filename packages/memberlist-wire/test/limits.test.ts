import type { Address } from '@grp/core';
import { expect, test } from 'vitest';
import {
  decodeCoordinatePayload,
  decodeFilter,
  decodeSerf,
  encodeCoordinatePayload,
  encodeMessage,
  encodeStream,
  isMalformed,
  openDatagram,
  sealDatagram,
  StreamReader,
  type NodeState,
  type StreamLimits,
} from '../src/index.ts';
import { compressLzw } from '../src/lzw.ts';
import { heldBytes } from './memory.ts';
import { fromHex, keyringOf } from './vectors.ts';

const mebibyte = 1_048_576;
const key = 'aa'.repeat(32);

function concat(...pieces: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
}

/** A compress message around what `compressLzw` makes of `plain`. */
function compressMessage(plain: Uint8Array): Uint8Array {
  const body = compressLzw(plain);
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, body.length);
  return Buffer.concat([fromHex('0982a4416c676f00a3427566db'), size, body]);
}

test('a decompression bomb in a datagram is refused at 64 KiB', () => {
  const bomb = compressMessage(Buffer.concat([fromHex('08'), new Uint8Array(16 * mebibyte)]));
  expect(bomb.length).toBeLessThan(65_536);
  const before = heldBytes();
  for (let round = 0; round < 400; round++) expect(openDatagram(bomb, {})).toEqual({ malformed: 'too-long' });
  expect(heldBytes() - before).toBeLessThan(16 * mebibyte);
});

test('a decompression bomb in a stream is refused at its limit', () => {
  const bomb = compressMessage(new Uint8Array(64 * mebibyte));
  expect(bomb.length).toBeLessThan(200_000);
  expect(new StreamReader({}).push(bomb)).toEqual({ malformed: 'too-long' });
  const small = compressMessage(new Uint8Array(2_000));
  expect(new StreamReader({}, { expandedBytesMax: 1_024 }).push(small)).toEqual({ malformed: 'too-long' });
});

test('wrappings in wrappings are refused', () => {
  const ping = encodeMessage({ type: 'nack', sequence: 1 });
  const compound = sealDatagram([ping, ping], {});
  const padded = encodeMessage({ type: 'user', body: new Uint8Array(500) });
  const packed = sealDatagram([padded], { compress: true });
  expect(openDatagram(sealDatagram([compound, ping], {}), {})).toMatchObject([
    { malformed: 'nested' },
    { malformed: undefined },
  ]);
  expect(openDatagram(compressMessage(packed), {})).toEqual({ malformed: 'nested' });
  expect(openDatagram(sealDatagram([sealDatagram([ping], { crc: true })], { crc: true }), {})).toEqual({
    malformed: 'nested',
  });
  expect(new StreamReader({}).push(compressMessage(compressMessage(new Uint8Array(50))))).toEqual({
    malformed: 'nested',
  });
});

test('a datagram has at most 64 KiB and 255 parts', () => {
  const part = encodeMessage({ type: 'nack', sequence: 1 });
  expect(openDatagram(new Uint8Array(65_537), {})).toEqual({ malformed: 'too-long' });
  expect(
    openDatagram(
      sealDatagram(
        Array.from({ length: 255 }, () => part),
        {},
      ),
      {},
    ),
  ).toHaveLength(255);
  expect(() =>
    sealDatagram(
      Array.from({ length: 256 }, () => part),
      {},
    ),
  ).toThrow('255 parts');
  expect(() => sealDatagram([], {})).toThrow('255 parts');
  expect(() => sealDatagram([part, new Uint8Array(65_536)], {})).toThrow('65,535 bytes');
});

test('bad parts of a compound are refused alone', () => {
  const good = encodeMessage({ type: 'nack', sequence: 1 });
  const message = { type: 'nack', sequence: 1 };
  const bytes = sealDatagram([good, Uint8Array.of(99), new Uint8Array(0), good], {});
  expect(openDatagram(bytes, {})).toEqual([
    { message, malformed: undefined, bytes: good.length },
    { message: undefined, malformed: 'unknown-type', bytes: 1 },
    { message: undefined, malformed: 'empty', bytes: 0 },
    { message, malformed: undefined, bytes: good.length },
  ]);
  const two = sealDatagram([good, good], {});
  expect(openDatagram(two.subarray(0, -1), {})).toMatchObject([
    { message },
    { malformed: 'truncated', bytes: good.length - 1 },
  ]);
  expect(openDatagram(concat(two, Uint8Array.of(1, 2)), {})).toMatchObject([
    { message },
    { message },
    { malformed: 'trailing', bytes: 2 },
  ]);
  expect(openDatagram(two.subarray(0, 5), {})).toEqual({ malformed: 'truncated' });
  expect(openDatagram(fromHex('0700'), {})).toEqual({ malformed: 'empty' });
});

function node(index: number, metaBytes = 0): NodeState {
  const meta = new Uint8Array(metaBytes);
  const address = `10.0.${index >> 8}.${index & 255}:7946` as Address;
  return { name: `n${index}`, address, meta, incarnation: 1, state: 'alive', versions: new Uint8Array(6) };
}

function refusal(stream: Uint8Array, limits: Partial<StreamLimits>): string | undefined {
  const result = new StreamReader({}, limits).push(stream);
  return isMalformed(result) ? result.malformed : result?.type;
}

test('each limit of a stream is reached, and one less is not enough', () => {
  const nodes = Array.from({ length: 40 }, (_, index) => node(index, 40));
  const state = encodeStream({ type: 'push-pull', join: false, nodes, userState: new Uint8Array(100) }, {});
  const user = encodeStream({ type: 'user', body: new Uint8Array(2_000) }, {});
  expect(refusal(state, { nodesMax: 40, stateBytesMax: state.length })).toBe('push-pull');
  expect(refusal(state, { nodesMax: 39 })).toBe('too-long');
  expect(refusal(state, { stateBytesMax: state.length - 1 })).toBe('too-long');
  expect(refusal(state, { stateBytesMax: 1_024 })).toBe('too-long');
  expect(refusal(user, { userMessageBytesMax: 2_000 })).toBe('user');
  expect(refusal(user, { userMessageBytesMax: 1_999 })).toBe('too-long');
  expect(() => new StreamReader({}, { nodesMax: 0 })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
});

test.each([
  ['a user state', '0683a44a6f696ec2a54e6f64657300ac5573657253746174654c656ece01400001'],
  ['a node count', '0683a44a6f696ec2a54e6f646573ce00100001ac5573657253746174654c656e00'],
  ['a user message', '0881aa557365724d73674c656ece01400001'],
  ['a map', '00dfffffffff'],
  ['a sealed stream', '0affffffff', key],
])('%s that announces too much is refused before it comes', (_, hex, keyHex?: string) => {
  const reader = new StreamReader({ keyring: keyHex === undefined ? undefined : keyringOf(keyHex) });
  const first = reader.push(fromHex(hex));
  // The map must be seen to be long: it goes on until its limit.
  const result = first ?? reader.push(new Uint8Array(70_000));
  expect(result).toEqual({ malformed: 'too-long' });
  expect(reader.push(Uint8Array.of(0))).toEqual({ malformed: 'too-long' });
});

test('a stream that never makes sense is cut off', () => {
  const reader = new StreamReader({}, { stateBytesMax: 1_024, userMessageBytesMax: 1_024 });
  const piece = new Uint8Array(1_000).fill(0x91);
  expect(reader.push(fromHex('0081a178'))).toBeUndefined();
  let pieces = 0;
  let result = reader.push(piece);
  for (; result === undefined && pieces < 1_000; pieces++) result = reader.push(piece);
  expect(result).toEqual({ malformed: 'too-long' });
  expect(pieces).toBeLessThan(140);
});

test('a push-pull that comes byte by byte costs no more than linear time', () => {
  const cost = (count: number): number => {
    const nodes = Array.from({ length: count }, (_, index) => node(index, 100));
    const stream = encodeStream({ type: 'push-pull', join: false, nodes, userState: new Uint8Array(0) }, {});
    const reader = new StreamReader({});
    const from = performance.now();
    let result;
    for (let at = 0; at < stream.length; at++) result = reader.push(stream.subarray(at, at + 1));
    expect(result).toMatchObject({ type: 'push-pull' });
    return performance.now() - from;
  };
  cost(200);
  const small = Math.min(cost(500), cost(500), cost(500));
  const great = Math.min(cost(5_000), cost(5_000), cost(5_000));
  expect(great / small).toBeLessThan(40); // ten times the bytes; a hundred times the work if it were quadratic
});

test('after its message a reader ignores what comes', () => {
  const reader = new StreamReader({});
  const ping = encodeMessage({ type: 'ping', sequence: 1, node: 'a', source: undefined });
  expect(reader.push(concat(ping, ping))).toMatchObject({ type: 'ping' });
  expect(reader.push(ping)).toBeUndefined();
});

test('lists of Serf are bounded', () => {
  const head = (hex: string, count: number): Uint8Array => {
    const size = new Uint8Array(4);
    new DataView(size.buffer).setUint32(0, count);
    return Buffer.concat([fromHex(hex), size]);
  };
  const many = (count: number, byte: number): Uint8Array => new Uint8Array(count).fill(byte);
  const slots = (count: number): Uint8Array => Buffer.concat([head('0281a64576656e7473dd', count), many(count, 0xc0)]);
  const events = (count: number): Uint8Array =>
    Buffer.concat([head('0281a64576656e74739181a64576656e7473dd', count), many(count, 0x80)]);
  const left = (count: number): Uint8Array =>
    Buffer.concat([head('0281ab4c6566744d656d62657273dd', count), many(count, 0xa0)]);
  const names = (count: number): Uint8Array => Buffer.concat([head('00dd', count), many(count, 0xa0)]);
  expect(decodeSerf(slots(65_536))).toMatchObject({ events: [] });
  expect(decodeSerf(slots(65_537))).toEqual({ malformed: 'too-long' });
  expect(decodeSerf(events(65_536))).toMatchObject({ type: 'push-pull' });
  expect(decodeSerf(events(65_537))).toEqual({ malformed: 'too-long' });
  expect(decodeSerf(left(1_048_576))).toMatchObject({ type: 'push-pull' });
  expect(decodeSerf(left(1_048_577))).toEqual({ malformed: 'too-long' });
  expect(decodeFilter(names(1_048_577))).toEqual({ malformed: 'too-long' });
});

test('coordinates have at most 64 dimensions, and only finite numbers', () => {
  const coordinate = { error: 1, adjustment: 0, height: 0 };
  const decode = (vector: number[]): unknown =>
    decodeCoordinatePayload(encodeCoordinatePayload({ ...coordinate, vector }));
  expect(decode(Array.from({ length: 64 }, () => 1))).toBeDefined();
  expect(decode(Array.from({ length: 65 }, () => 1))).toBeUndefined();
  expect(decode([NaN])).toBeUndefined();
  expect(decode([Infinity])).toBeUndefined();
});

test('a count that the bytes cannot hold allocates nothing', () => {
  const before = heldBytes();
  for (let round = 0; round < 1_000; round++) {
    expect(decodeSerf(fromHex('0281ab4c6566744d656d62657273ddffffffff'))).toEqual({ malformed: 'truncated' });
  }
  expect(heldBytes() - before).toBeLessThan(16 * mebibyte);
});
