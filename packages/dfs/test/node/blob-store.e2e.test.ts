import { closeSync, copyFileSync, cpSync, mkdirSync, openSync, readdirSync, readSync } from 'node:fs';
import { statSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openBlobStore, type BlobStore } from '../../src/node/store/blob-store.ts';
import { DataFile } from '../../src/node/store/data-file.ts';
import {
  buffers,
  contentOf,
  framesOf,
  isIntact,
  load,
  newBlobId,
  sha256Of,
  store,
  tempFolder,
} from './store-support.ts';

const small = { smallSegmentBytes: 65_536, bulkSegmentBytes: 8_388_608, aheadBytes: 16_384, reserveBytes: 0 };
const sizes = [0, 1, 100, 4_096, 65_536, 65_537, 1_048_576, 1_048_577, 4_194_304, 4_194_305, 5_300_000];

let folder = tempFolder();
const opened: BlobStore[] = [];
beforeEach(() => {
  folder = tempFolder();
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  folder.remove();
});

async function open(dir = folder.path): Promise<BlobStore> {
  const one = await openBlobStore({ dir, config: small, exclusive: false });
  opened.push(one);
  return one;
}

/** What a killed process would leave: the files as they are now. */
function crashCopy(name: string): string {
  const copy = join(folder.above, name);
  cpSync(folder.path, copy, { recursive: true });
  return copy;
}

function flip(file: string, offset: number, mask = 0x10): void {
  const descriptor = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(descriptor, byte, 0, 1, offset);
  byte[0] = (byte[0] as number) ^ mask;
  writeSync(descriptor, byte, 0, 1, offset);
  closeSync(descriptor);
}

const logs = (dir: string): readonly string[] =>
  readdirSync(dir)
    .filter((name) => name.endsWith('.log'))
    .toSorted()
    .map((name) => join(dir, name));

const ways = sizes.flatMap((bytes) => [true, false].map((isBuffered) => ({ bytes, isBuffered })));

test.each(ways)(
  'a blob of $bytes bytes (buffered: $isBuffered) is read as it was written, also by the next life',
  async ({ bytes, isBuffered }) => {
    const first = await open();
    const blob = await store(first, bytes, { epoch: 7, isBuffered });
    expect(await isIntact(first, blob, bytes)).toBe(true);
    await first.close();
    const second = await open();
    expect(second.find(blob)).toEqual({ blob, bytes, epoch: 7 });
    expect(await isIntact(second, blob, bytes)).toBe(true);
    const reader = await second.open(blob);
    expect(reader.sha256).toBe(sha256Of(contentOf(blob, bytes)));
    reader.close();
  },
);

test('a process that is killed loses nothing that was acknowledged, and shows nothing that was not', async () => {
  const first = await open();
  // Past the system's cache and through it, in the same segments.
  const blobs = await Promise.all(ways.map(({ bytes, isBuffered }) => store(first, bytes, { isBuffered })));
  const removed = await store(first, 5_000_000);
  await first.remove(removed);
  const unfinished = newBlobId();
  const writer = first.create(unfinished, 1);
  for (const frame of framesOf(unfinished, contentOf(unfinished, 6_000_000))) await writer.write(frame);
  const copy = crashCopy('killed');
  const second = await open(copy);
  expect(second.find(removed)).toBeUndefined();
  expect(second.find(unfinished)).toBeUndefined();
  expect(readdirSync(join(copy, 'large'))).toHaveLength(4);
  for (const [index, { bytes }] of ways.entries())
    expect(await isIntact(second, blobs[index] as string, bytes)).toBe(true);
});

test('a write past the cache that the disk refuses is told as such, and the file takes it through the cache', async () => {
  mkdirSync(folder.path);
  const file = await DataFile.open(join(folder.path, 'file'), 'create');
  await file.openDirect();
  const odd = Buffer.alloc(100, 1); // no block: some file systems take it all the same
  const isTaken = await file.writeDirect([odd], 0);
  const isTriedAgain = !isTaken && (await file.writeDirect([buffers.take().all], 4_096));
  if (!isTaken) await file.write([odd], 0);
  const read = Buffer.alloc(100);
  expect([isTriedAgain, await file.read(read, 0), read.equals(odd)]).toEqual([false, 100, true]);
  file.release();
});

test('blobs share syncs: a thousand at once take far fewer than a thousand', async () => {
  const first = await open();
  const blobs = await Promise.all(Array.from({ length: 1_000 }, () => store(first, 300)));
  expect(first.status().blobs).toBe(1_000);
  await first.close();
  const second = await open();
  expect(second.list(2_000).map(({ blob }) => blob)).toEqual(blobs.toSorted());
  expect(second.list(10, blobs.toSorted()[499])).toEqual(second.list(510).slice(500));
});

test('cut off at any place, the last blob is there as a whole or not at all', async () => {
  const first = await open();
  const kept = await store(first, 2_000);
  const log = logs(folder.path)[0] as string;
  const last = await store(first, 3_000);
  const template = crashCopy('template');
  const end = 112 + 4 + 2_000 + 4 + 112 + 4 + 3_000; // two headers, two CRCs, and padding to 8 after the first
  for (let cut = 2_120; cut <= end + 263; cut += 263) {
    const copy = join(folder.above, `cut-${cut}`);
    cpSync(template, copy, { recursive: true });
    truncateSync(join(copy, log.split('/').at(-1) as string), cut);
    const again = await openBlobStore({ dir: copy, config: small, exclusive: false });
    expect(await isIntact(again, kept, 2_000)).toBe(true);
    const isWhole = again.find(last) !== undefined && (await isIntact(again, last, 3_000));
    expect([cut, again.find(last) !== undefined, isWhole]).toEqual([cut, cut >= end, cut >= end]);
    const more = await store(again, 500);
    expect(await isIntact(again, more, 500)).toBe(true);
    await again.close();
  }
});

describe('flipped bits', () => {
  test.each([100, 60_000, 200_000, 5_000_000])('in a blob of %i bytes none is ever read as good', async (bytes) => {
    const first = await open();
    const blobs = await Promise.all([1, 2].map(() => store(first, bytes)));
    await first.close();
    const template = crashCopy('flips');
    let found = 0;
    let wrong = 0;
    for (let round = 0; round < 6; round++) {
      const copy = join(folder.above, `flip-${round}`);
      cpSync(template, copy, { recursive: true });
      const files = [...logs(copy), ...readdirSync(join(copy, 'large')).map((name) => join(copy, 'large', name))];
      const file = files.filter((name) => statSync(name).size > 200)[round % 2] ?? files[0] ?? '';
      flip(file, Math.floor(Math.random() * statSync(file).size), 1 << (round % 8));
      const again = await openBlobStore({ dir: copy, config: small, exclusive: false });
      for (const blob of blobs) {
        const read = await load(again, blob).catch((cause: { code: string }) => cause.code);
        if (typeof read === 'string') found++;
        else wrong += contentOf(blob, bytes).equals(read) ? 0 : 1;
      }
      await again.close();
    }
    expect(wrong).toBe(0);
    expect(found).toBeGreaterThan(bytes < 1_000 ? -1 : 0);
  });

  test('in an unsealed segment, a rotten blob before good ones is told, and the good ones are there', async () => {
    const first = await open();
    const blobs = [await store(first, 1_000), await store(first, 1_000), await store(first, 1_000)];
    const copy = crashCopy('rot');
    flip(logs(copy)[0] as string, 300); // in the content of the first
    flip(logs(copy)[0] as string, 1_120 + 40); // in the header of the second
    const again = await open(copy);
    await expect(load(again, blobs[0] as string)).rejects.toMatchObject({ code: 'DFS_BLOB_DAMAGED' });
    expect(again.find(blobs[1] as string)).toBeUndefined();
    expect(await isIntact(again, blobs[2] as string, 1_000)).toBe(true);
    expect(again.status().damagedAtStart).toBeGreaterThan(0);
  });

  test('frames in the place of each other are told apart', async () => {
    const first = await open();
    const blob = await store(first, 6 * 1_048_576);
    const path = join(folder.path, 'large', readdirSync(join(folder.path, 'large'))[0] as string);
    await first.close();
    const other = join(folder.above, 'other');
    copyFileSync(path, other);
    const from = openSync(other, 'r');
    const to = openSync(path, 'r+');
    const frame = Buffer.alloc(1_048_576);
    readSync(from, frame, 0, frame.length, 0);
    writeSync(to, frame, 0, frame.length, 1_048_576);
    closeSync(from);
    closeSync(to);
    const second = await open();
    await expect(load(second, blob)).rejects.toMatchObject({ code: 'DFS_BLOB_DAMAGED' });
  });
});

describe('removal', () => {
  test('frees the room, and what is removed never comes back', async () => {
    let current = await open();
    const live = new Map<string, number>();
    const gone: string[] = [];
    for (let round = 0; round < 8; round++) {
      const bytes = [500, 3_000, 70_000, 1_100_000][round % 4] as number;
      const made = await Promise.all(Array.from({ length: 24 }, () => store(current, bytes)));
      for (const blob of made) live.set(blob, bytes);
      const victims = [...live.keys()].filter((_, index) => index % 3 !== round % 3);
      await Promise.all(victims.map((blob) => current.remove(blob)));
      for (const blob of victims) live.delete(blob);
      gone.push(...victims);
      await current.settled();
      if (round % 2 === 0) {
        await current.close();
        current = await open();
      }
    }
    for (const blob of gone) expect(current.find(blob)).toBeUndefined();
    expect(current.list(10_000).map(({ blob }) => blob)).toEqual([...live.keys()].toSorted());
    for (const [blob, bytes] of live) expect(await isIntact(current, blob, bytes)).toBe(true);
    await current.settled();
    await current.close();
    current = await open();
    await current.settled();
    const onDisk = logs(folder.path).reduce((sum, file) => sum + statSync(file).size, 0);
    const wanted = [...live.values()].reduce((sum, bytes) => sum + bytes, 0);
    expect(onDisk).toBeLessThan(3 * wanted + 20 * 65_536);
  });

  test('concerns blobs of old orders alone', async () => {
    const first = await open();
    const blob = await store(first, 100, { epoch: 5 });
    expect(await first.remove(blob, 4)).toBe(false);
    await store(first, 100, { blob, epoch: 9 });
    expect(await first.remove(blob, 5)).toBe(false);
    await store(first, 100, { blob, epoch: 7 }); // a put that comes late
    await first.close();
    const second = await open();
    expect(await second.remove(blob, 8)).toBe(false);
    expect(await second.remove(blob, 9)).toBe(true);
    expect(await second.remove(blob, 9)).toBe(false);
    await second.close();
    expect((await open()).find(blob)).toBeUndefined();
  });

  test('a blob stays readable for who reads it', async () => {
    const first = await open();
    const blob = await store(first, 5_000_000);
    const reader = await first.open(blob);
    await first.remove(blob);
    const { bytes } = await reader.verified(4);
    expect(
      contentOf(blob, 5_000_000)
        .subarray(4 * 1_048_576)
        .equals(bytes),
    ).toBe(true);
    reader.close();
    await expect(first.open(blob)).rejects.toMatchObject({ code: 'DFS_BLOB_NOT_FOUND' });
  });
});

test('a wipe leaves nothing, not even what is being written', async () => {
  const first = await open();
  const blob = await store(first, 100);
  await store(first, 5_000_000);
  const late = newBlobId();
  const writer = first.create(late, 1);
  const finishing = newBlobId();
  const finisher = first.create(finishing, 1);
  const [frame] = framesOf(finishing, contentOf(finishing, 100));
  if (frame !== undefined) await finisher.write(frame);
  const finished = finisher.finish(sha256Of(contentOf(finishing, 100))).catch((cause: { code: string }) => cause.code);
  await first.wipe();
  expect(await finished).toBe('DFS_BLOB_ABORTED');
  await expect(writer.finish('0'.repeat(64))).rejects.toMatchObject({ code: 'DFS_BLOB_ABORTED' });
  expect([first.status().blobs, first.find(blob)]).toEqual([0, undefined]);
  const after = await store(first, 100);
  await first.close();
  const second = await open();
  expect(second.list(10).map((one) => one.blob)).toEqual([after]);
});

test('a wipe that was cut short is ended by the next start', async () => {
  const first = await open();
  await store(first, 100);
  await first.close();
  closeSync(openSync(join(folder.path, 'wiping'), 'w'));
  expect((await open()).status().blobs).toBe(0);
});

test('one process per folder', async () => {
  const first = await openBlobStore({ dir: folder.path, config: small });
  opened.push(first);
  await expect(openBlobStore({ dir: folder.path })).rejects.toMatchObject({ code: 'DISK_LOCKED' });
});

test('without room beside the reserve it takes no blob, and still gives and removes', async () => {
  const first = await open();
  const blob = await store(first, 100);
  await first.close();
  const full = await openBlobStore({ dir: folder.path, config: { ...small, reserveBytes: 2 ** 40 } });
  opened.push(full);
  expect(full.status().freeBytes).toBe(0);
  await expect(store(full, 1)).rejects.toMatchObject({ code: 'DFS_DISK_FULL' });
  expect(await isIntact(full, blob, 100)).toBe(true);
  expect(await full.remove(blob)).toBe(true);
});

test('a folder that cannot be is told clearly', async () => {
  closeSync(openSync(join(folder.above, 'file'), 'w'));
  await expect(openBlobStore({ dir: join(folder.above, 'file', 'below') })).rejects.toMatchObject({
    code: 'DFS_STORE_UNUSABLE',
  });
});
