import { describe, expect, test } from 'vitest';
import { openBlobs, openLog, type BlobReader, type SnapshotReader } from '../src/index.ts';
import { memoryDisk } from './memory-disk.ts';
import { bytes, done, durable, entries, oneHost, open, text } from './world.ts';

const clock = { now: () => 0, wallMs: () => 0, wakeAt: () => () => {} };
const content = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => (at * 7 + (at >> 8)) & 255);

async function all(reader: SnapshotReader | BlobReader, portion: number): Promise<Uint8Array> {
  const parts: number[] = [];
  for (;;) {
    const part = await reader.read(parts.length, portion);
    if (part.length === 0) return Uint8Array.from(parts);
    expect(part.length).toBeLessThanOrEqual(portion);
    for (const byte of part) parts.push(byte);
  }
}

describe('a snapshot', () => {
  test.each([0, 1, 262_143, 262_144, 262_145, 700_000])('of %i bytes is read as it was written', async (length) => {
    const log = await openLog({ disk: memoryDisk(new Map()), clock });
    const writer = log.snapshots.create({ index: 7, term: 2, metadata: bytes('a, b, c') });
    for (let from = 0; from < length; from += 99_999) await writer.write(content(length).subarray(from, from + 99_999));
    expect(writer.sizeBytes).toBe(length);
    await writer.commit();
    expect(log.snapshots.latest).toMatchObject({ index: 7, term: 2, sizeBytes: length });
    const reader = await log.snapshots.open();
    expect(text(reader.info.metadata)).toBe('a, b, c');
    expect(await all(reader, 100_000)).toEqual(content(length));
    expect((await reader.read(length, 100)).length).toBe(0);
    reader.close();
    await log.close();
  });

  test('an older one stays readable until it is closed; then it is gone', async () => {
    const files = new Map<string, Uint8Array>();
    const log = await openLog({ disk: memoryDisk(files), clock });
    const snapshots = (): number => [...files.keys()].filter((name) => name.endsWith('.snapshot')).length;
    const save = async (index: number): Promise<void> => {
      const writer = log.snapshots.create({ index, term: 1 });
      await writer.write(bytes(`state ${index}`));
      await writer.commit();
    };
    await save(1);
    const reader = await log.snapshots.open();
    await save(2);
    await save(3);
    expect(snapshots()).toBe(2);
    expect(text(await reader.read(0, 100))).toBe('state 1');
    reader.close();
    reader.close();
    await log.close();
    expect(snapshots()).toBe(1);
  });

  test('that is aborted, or older than the latest, leaves nothing behind', async () => {
    const files = new Map<string, Uint8Array>();
    const log = await openLog({ disk: memoryDisk(files), clock });
    const first = log.snapshots.create({ index: 5, term: 1 });
    await first.write(bytes('half'));
    await first.abort();
    await first.abort();
    await expect(log.snapshots.open()).rejects.toMatchObject({ code: 'STORAGE_NOT_FOUND' });
    const early = log.snapshots.create({ index: 3, term: 1 });
    await early.write(bytes('early'));
    await log.snapshots.create({ index: 9, term: 1 }).commit();
    await early.commit();
    expect(log.snapshots.latest?.index).toBe(9);
    expect([...files.keys()].filter((name) => /snapshot/.test(name)).length).toBe(1);
    expect(() => log.snapshots.create({ index: 10, term: 1, metadata: new Uint8Array(65_537) })).toThrow(
      expect.objectContaining({ code: 'STORAGE_TOO_LONG' }),
    );
    await log.close();
  });

  test('half written when the process died is removed by the next one', async () => {
    const world = oneHost();
    const log = await open(world);
    await durable(world, log, log.append(entries(1, 10)));
    const writer = log.snapshots.create({ index: 5, term: 1 });
    await done(world, writer.write(content(400_000)));
    world.restart('a');
    const again = await open(world);
    expect(again.recovered.snapshot).toBeUndefined();
    expect(
      world
        .disk('a')
        .files()
        .some((name) => name.endsWith('.tmp')),
    ).toBe(false);
  });
});

describe('blobs', () => {
  test('are there as a whole or not at all, and found again', async () => {
    const files = new Map<string, Uint8Array>();
    const disk = memoryDisk(files);
    const blobs = await openBlobs({ disk });
    const writer = blobs.create('photo-1', bytes('image/png'));
    await writer.write(content(300_000));
    expect(await blobs.list()).toEqual([]);
    await writer.commit();
    await blobs.create('photo-2').commit();
    await (async (): Promise<void> => blobs.create('other').write(bytes('never finished')))();
    expect(await blobs.list()).toEqual(['photo-1', 'photo-2']);
    expect(await blobs.list('photo-2')).toEqual(['photo-2']);
    await blobs.close();
    const again = await openBlobs({ disk });
    expect([...files.keys()].some((name) => name.endsWith('.tmp'))).toBe(false);
    const reader = await again.open('photo-1');
    expect([reader.sizeBytes, text(reader.metadata)]).toEqual([300_000, 'image/png']);
    expect(await all(reader, 1e6)).toEqual(content(300_000));
    await reader.verify();
    await again.remove('photo-1');
    await again.remove('photo-1');
    await expect(again.open('photo-1')).rejects.toMatchObject({ code: 'STORAGE_NOT_FOUND' });
  });

  test('a flipped bit anywhere, or a cut, is found', async () => {
    const files = new Map<string, Uint8Array>();
    const blobs = await openBlobs({ disk: memoryDisk(files) });
    const writer = blobs.create('b', bytes('meta'));
    await writer.write(content(2_000));
    await writer.commit();
    const [name, whole] = [...files][0] as [string, Uint8Array];
    const check = async (): Promise<void> => (await blobs.open('b')).verify();
    let missed = 0;
    for (let at = 0; at < whole.length; at++) {
      const damaged = whole.slice();
      damaged[at] = (damaged[at] as number) ^ (1 << (at % 8));
      files.set(name, damaged);
      await check().then(
        () => missed++,
        (cause: unknown) => expect(cause).toMatchObject({ code: 'STORAGE_DAMAGED' }),
      );
      files.set(name, whole.slice(0, at));
      await check().then(
        () => missed++,
        (cause: unknown) => expect(cause).toMatchObject({ code: 'STORAGE_DAMAGED' }),
      );
    }
    expect(missed).toBe(0);
  });

  test.each(['', '.hidden', 'a/b', '../x', 'x'.repeat(201), 'ä'])('%j is no name', async (name) => {
    const blobs = await openBlobs({ disk: memoryDisk(new Map()) });
    expect(() => blobs.create(name)).toThrow(expect.objectContaining({ code: 'STORAGE_NAME_INVALID' }));
  });
});
