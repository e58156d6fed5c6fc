import { describe, expect, test } from 'vitest';
import { bytes, done, durable, entries, entry, eventsOf, inspect, oneHost, open, readAll, text } from './world.ts';

test('an empty log is empty, and stays so over a restart', async () => {
  const world = oneHost();
  const log = await open(world);
  expect(log.recovered).toMatchObject({ firstIndex: 1, lastIndex: 0, commitHint: 0 });
  expect([log.recovered.damage, log.recovered.hardState, log.recovered.snapshot]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  world.crash('a', 'host');
  world.restart('a');
  const again = await open(world);
  expect(again.recovered).toMatchObject({ firstIndex: 1, lastIndex: 0 });
  expect(again.recovered.damage).toBeUndefined();
});

test('what is durable is there after a power cut, over many segments', async () => {
  const world = oneHost();
  const log = await open(world);
  for (let from = 1; from <= 2_000; from += 20) {
    await durable(world, log, log.append(entries(from, from + 19, 1 + Math.floor(from / 500)), bytes(`state ${from}`)));
    await world.run(20);
  }
  log.hintCommit(1_990);
  await durable(world, log, log.append(entries(2_001, 2_001, 5)));
  expect(
    world
      .disk('a')
      .files()
      .filter((file) => file.endsWith('.seg')).length,
  ).toBeGreaterThan(5);
  world.crash('a', 'host');
  world.restart('a');
  const again = await open(world);
  expect(again.recovered).toMatchObject({ firstIndex: 1, lastIndex: 2_001, commitHint: 1_990, damage: undefined });
  expect(text(again.recovered.hardState)).toBe('state 1981');
  const read = await readAll(world, again);
  expect(read.size).toBe(2_001);
  for (const { index, term, payload } of read.values()) {
    expect(payload).toEqual(entry(index, term).payload);
    expect(again.entries.term(index)).toBe(term);
  }
  expect(again.entries.term(501)).toBe(2);
  expect(again.entries.term(2_002)).toBeUndefined();
});

test('appends made during a sync share the next one', async () => {
  const world = oneHost({ disk: { operation: 0.1, sync: 10 } });
  const log = await open(world, { firstSegmentBytes: 65_536, entryBytesMax: 4_096, batchBytesMax: 8_192 });
  await world.run(1_000);
  const events = eventsOf(log);
  let last = 0;
  for (let index = 1; index <= 200; index++) last = log.append([entry(index)]);
  const startedAt = world.now;
  await durable(world, log, last);
  // The first alone, the rest in batches of 8 KiB, one sync each.
  expect(world.now - startedAt).toBeLessThan(65);
  expect(events.length).toBeLessThan(7);
  expect(events.map((event) => (event.type === 'durable' ? event.ticket : 0))).toEqual(
    events.map((event) => (event.type === 'durable' ? event.ticket : 0)).toSorted((a, b) => a - b),
  );
});

test('a truncation is in order with what comes before and after', async () => {
  const world = oneHost();
  const log = await open(world);
  log.append(entries(1, 100, 1));
  log.truncate(51);
  expect(log.entries.lastIndex).toBe(50);
  log.append(entries(51, 60, 2));
  await durable(world, log, log.truncate(58));
  world.restart('a');
  const again = await open(world);
  expect(again.recovered).toMatchObject({ lastIndex: 57, damage: undefined });
  const read = await readAll(world, again);
  expect([read.get(50)?.term, read.get(51)?.term, read.get(57)?.payload]).toEqual([1, 2, entry(57, 2).payload]);
});

describe('compaction', () => {
  test('drops what a snapshot stands for, uses its files again, and survives restarts', async () => {
    const world = oneHost();
    const log = await open(world);
    let files = 0;
    for (let from = 1; from <= 4_000; from += 50) {
      await durable(world, log, log.append(entries(from, from + 49)));
      if (from % 500 === 1 && from > 1) {
        const writer = log.snapshots.create({ index: from, term: 1, metadata: bytes('who') });
        await done(world, writer.write(bytes(`state at ${from}`)));
        await done(world, writer.commit());
        await durable(world, log, log.compact(from - 10));
      }
      await world.run(30);
      files = Math.max(files, world.disk('a').files().length);
    }
    expect(files).toBeLessThan(14);
    expect(log.entries.firstIndex).toBe(3_492);
    world.crash('a', 'host');
    world.restart('a');
    const again = await open(world);
    expect(again.recovered).toMatchObject({
      firstIndex: 3_492,
      lastIndex: 4_000,
      compacted: { index: 3_491, term: 1 },
      damage: undefined,
    });
    expect(again.recovered.snapshot).toMatchObject({ index: 3_501, term: 1, sizeBytes: 13 });
    expect(again.entries.term(3_491)).toBe(1);
    expect((await readAll(world, again)).size).toBe(509);
    const reader = await done(world, again.snapshots.open());
    expect(text(await done(world, reader.read(0, 1_000)))).toBe('state at 3501');
  });

  test('a snapshot from a leader replaces the log, also when the process dies before the reset', async () => {
    for (const isReset of [true, false]) {
      const world = oneHost();
      const log = await open(world);
      await durable(world, log, log.append(entries(1, 100)));
      const writer = log.snapshots.create({ index: 500, term: 3 });
      await done(world, writer.commit());
      if (isReset) {
        log.reset({ index: 500, term: 3 });
        await durable(world, log, log.append(entries(501, 510, 4)));
      }
      world.crash('a', 'host');
      world.restart('a');
      const again = await open(world);
      expect(again.recovered).toMatchObject({
        firstIndex: 501,
        lastIndex: isReset ? 510 : 500,
        compacted: { index: 500, term: 3 },
        damage: undefined,
      });
    }
  });
});

test('entries are read from the disk when memory has let them go, in portions', async () => {
  const world = oneHost();
  const log = await open(world, {
    segmentBytes: 65_536,
    firstSegmentBytes: 16_384,
    entryBytesMax: 4_096,
    batchBytesMax: 4_096,
    cacheBytesMax: 5_000,
  });
  for (let from = 1; from <= 1_000; from += 10) {
    await durable(world, log, log.append(entries(from, from + 9)));
    await world.run(10);
  }
  expect(log.entries.peek(1, 10, 1_000)).toBeUndefined();
  expect(log.entries.peek(1_000, 1_000, 0)).toEqual([entry(1_000)]);
  const portion = await done(world, log.entries.read(1, 1_000, 2_000));
  expect(portion.length).toBeGreaterThan(10);
  expect(portion.length).toBeLessThan(65);
  expect(await done(world, log.entries.read(5, 5, 0))).toEqual([entry(5)]);
  expect((await readAll(world, log)).size).toBe(1_000);
});

test('a second opener is refused, and the lock is free after close', async () => {
  const world = oneHost();
  const log = await open(world);
  await expect(open(world)).rejects.toMatchObject({ code: 'DISK_LOCKED' });
  await durable(world, log, log.append(entries(1, 10)));
  await done(world, log.close());
  await done(world, log.close());
  expect(() => log.append(entries(11, 11))).toThrow(expect.objectContaining({ code: 'STORAGE_CLOSED' }));
  const again = await open(world);
  expect(again.recovered).toMatchObject({ lastIndex: 10, damage: undefined });
});

test('close makes durable what was appended, and keeps the commit hint', async () => {
  const world = oneHost();
  const log = await open(world);
  log.append(entries(1, 300));
  log.hintCommit(300);
  await done(world, log.close());
  world.crash('a', 'host');
  world.restart('a');
  expect((await open(world)).recovered).toMatchObject({ lastIndex: 300, commitHint: 300, damage: undefined });
});

test('an inspection reads all and changes nothing', async () => {
  const world = oneHost();
  const log = await open(world);
  await durable(world, log, log.append(entries(1, 100), bytes('vote')));
  await world.run(1_000);
  const before = world
    .disk('a')
    .files()
    .map((file) => [file, world.disk('a').peek(file)]);
  const inspection = await inspect(world);
  expect(inspection.recovered).toMatchObject({ firstIndex: 1, lastIndex: 100, damage: undefined });
  expect(text(inspection.recovered.hardState)).toBe('vote');
  expect((await readAll(world, inspection)).size).toBe(100);
  expect(
    world
      .disk('a')
      .files()
      .map((file) => [file, world.disk('a').peek(file)]),
  ).toEqual(before);
});

test('limits: an entry, hard state, the queue', async () => {
  const world = oneHost({ disk: { sync: 1_000 } });
  const log = await open(world);
  const long = { index: 1, term: 1, payload: new Uint8Array(4_097) };
  expect(() => log.append([long])).toThrow(expect.objectContaining({ code: 'STORAGE_TOO_LONG' }));
  expect(() => log.append([], new Uint8Array(1_025))).toThrow(expect.objectContaining({ code: 'STORAGE_TOO_LONG' }));
  expect(log.entries.lastIndex).toBe(0);
  let index = 0;
  const fill = (): void => {
    for (;;) log.append([entry(++index, 1, 1_000)]);
  };
  expect(fill).toThrow(expect.objectContaining({ code: 'STORAGE_BUSY' }));
  expect(log.entries.lastIndex).toBe(index - 1);
  expect(() => log.append([entry(99_999)])).toThrow('entries follow the last one');
});

test('restarts in a row keep everything, and do not fill the disk', async () => {
  const world = oneHost();
  let last = 0;
  for (let life = 0; life < 30; life++) {
    const log = await open(world);
    expect(log.recovered).toMatchObject({ lastIndex: last, damage: undefined });
    log.append(entries(last + 1, last + 5), bytes(`life ${life}`));
    last += 5;
    await durable(world, log, log.append([entry(++last)]));
    world.crash('a', life % 2 === 0 ? 'host' : 'process');
    world.restart('a');
  }
  const log = await open(world);
  expect(text(log.recovered.hardState)).toBe('life 29');
  expect((await readAll(world, log)).size).toBe(last);
  expect(world.disk('a').files().length).toBeLessThan(36);
});
