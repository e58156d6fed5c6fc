import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { frameBytes } from '../../src/node/store/config.ts';
import { blockBytes, FrameBuffers, type FrameBuffer } from '../../src/node/store/frame-buffers.ts';
import { memoryOf, storable } from '../../src/node/net/server-parts.ts';
import { encodeDataHead } from '../../src/node/net/bodies.ts';
import { encodeFrameHeader, FrameReader, kinds, split, type WireFrame } from '../../src/node/net/frames.ts';

/** Data frames of these lengths, each filled with its number, as they come over a connection. */
function stream(lengths: readonly number[]): Buffer {
  return Buffer.concat(
    lengths.flatMap((bytes, index) => [
      encodeFrameHeader(kinds.data, 7, bytes + 8),
      encodeDataHead(index, index),
      Buffer.alloc(bytes, index),
    ]),
  );
}

/** Chunks with memory of their own, as from a socket. */
function chunks(bytes: Buffer, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    Uint8Array.from(bytes.subarray(index * size, (index + 1) * size)),
  );
}

function contentIsRight(frame: WireFrame, index: number, bytes: number): boolean {
  const { head, rest } = split(frame, 8) ?? { head: Buffer.alloc(8), rest: [] };
  if (frame.contentCrc !== crc32(Buffer.alloc(bytes, index), frame.request + index)) return false;
  return head.readUInt32LE(4) === index && Buffer.concat(rest).equals(Buffer.alloc(bytes, index));
}

describe('a reader with buffers', () => {
  const lengths = [10, 262_144, frameBytes, 262_143, frameBytes, 500_000];

  test.each([1_000, 65_536, 70_001, 5_000_000])('cuts chunks of %i bytes into frames', (size) => {
    const buffers = new FrameBuffers();
    const right: boolean[] = [];
    const reader = new FrameReader({
      buffers,
      seedOf: (request, index) => request + index,
      onFrame(frame) {
        right.push(contentIsRight(frame, right.length, lengths[right.length] as number));
      },
    });
    for (const chunk of chunks(stream(lengths), size)) expect(reader.push(chunk)).toBe(true);
    expect(right).toEqual(lengths.map(() => true));
  });

  test('gives the memory of a chunk back when nothing of it is left, and only then', () => {
    const reader = new FrameReader({ onFrame: () => {}, buffers: new FrameBuffers() });
    const all = chunks(stream([frameBytes, 40_000]), 65_536);
    for (const chunk of all) reader.push(chunk);
    expect(all.map(({ length }) => length > 0)).toEqual([...Array.from({ length: 16 }, () => false), true]);
  });

  test('uses a buffer again that nobody keeps, and not one that somebody does', () => {
    const buffers = new FrameBuffers();
    const kept: FrameBuffer[] = [];
    const seen = new Set<ArrayBufferLike>();
    const places = new Set<number>();
    const onFrame = ({ parts, keep }: WireFrame): void => {
      const [part] = parts as [Uint8Array];
      seen.add(part.buffer);
      places.add(part.byteOffset);
      if (kept.length < 3 && keep !== undefined) kept.push(keep());
    };
    const reader = new FrameReader({ onFrame, buffers });
    reader.push(stream(Array.from({ length: 20 }, () => 270_000)));
    expect([seen.size, places.size]).toEqual([1, 4]);
    expect(kept.map(({ content }) => content[0])).toEqual([0, 1, 2]);
    reader.push(stream([270_000]).subarray(0, 5_000)); // and then the connection goes
    reader.end();
    const taken = Array.from({ length: 5 }, () => buffers.take());
    expect(new Set([...taken, ...kept]).size).toBe(8);
    expect(new Set(taken.map(({ all }) => all.buffer)).size).toBe(1);
  });
});

test('buffers begin where blocks do, and are given up when there are too many', () => {
  const buffers = new FrameBuffers();
  const many = Array.from({ length: 60 }, () => buffers.take());
  expect(
    many.every(({ all, head, content }) => [all, head, content].every((b) => b.byteOffset % blockBytes === 0)),
  ).toBe(true);
  const memories = new Set(many.map(({ all }) => all.buffer));
  expect(memories.size).toBe(8);
  for (const buffer of many) buffers.giveBack(buffer);
  const again = Array.from({ length: 60 }, () => buffers.take());
  const kept = again.filter(({ all }) => memories.has(all.buffer)).length;
  expect([kept >= 16, kept < 32, new Set(again).size]).toEqual([true, true, 60]);
});

describe('content for the store', () => {
  const short = { crc: 1, parts: [Buffer.from('ab'), Buffer.from('c')], bytes: 3 };

  test('stays where it came when it is all of a blob', () => {
    const frame = storable(short, 0, new FrameBuffers());
    expect([frame, memoryOf(frame)]).toEqual([short, 3]);
  });

  test('at the end of a longer one goes into a buffer, which counts with all of its memory', () => {
    const buffers = new FrameBuffers();
    const frame = storable(short, 2, buffers);
    expect([Buffer.concat(frame.parts).toString(), frame.parts[0]?.byteOffset]).toEqual([
      'abc',
      frame.buffer?.content.byteOffset,
    ]);
    expect(memoryOf(frame)).toBe(blockBytes + frameBytes);
    frame.onFree?.();
    expect(buffers.take()).toBe(frame.buffer);
  });
});
