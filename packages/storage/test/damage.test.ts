import { beforeAll, describe, expect, test } from 'vitest';
import { inspectLog, openLog, type Entry, type Recovered } from '../src/index.ts';
import { copyOf, memoryDisk } from './memory-disk.ts';
import { silentLosses, type Expected } from './model.ts';
import { bytes, done, durable, entries, entry, oneHost, open, text } from './world.ts';

type Files = Map<string, Uint8Array>;

/** A log of two lives and several segments, with a truncation, a compaction and a snapshot, as it lies on the disk. */
async function makeFiles(): Promise<{ readonly files: Files; readonly expected: Expected }> {
  const world = oneHost();
  const held = new Map<number, Entry>();
  const keep = (added: readonly Entry[]): readonly Entry[] => {
    for (const item of added) held.set(item.index, item);
    return added;
  };
  const config = { segmentBytes: 8_192, firstSegmentBytes: 8_192, entryBytesMax: 1_024, batchBytesMax: 1_024 };
  let log = await open(world, config);
  const add = async (from: number, to: number, term: number, state?: string): Promise<void> => {
    await durable(
      world,
      log,
      log.append(keep(entries(from, to, term)), state === undefined ? undefined : bytes(state)),
    );
    await world.run(20);
  };
  await add(1, 20, 1, 'term 1');
  for (let from = 21; from <= 90; from += 10) await add(from, from + 9, 1);
  log.hintCommit(70);
  const writer = log.snapshots.create({ index: 15, term: 1, metadata: bytes('members') });
  await done(world, writer.write(new Uint8Array(700).fill(7)));
  await done(world, writer.commit());
  await durable(world, log, log.compact(12));
  for (let index = 81; index <= 90; index++) held.delete(index);
  await durable(world, log, log.truncate(81));
  await add(81, 85, 2, 'term 2');
  world.restart('a');
  log = await open(world, config);
  await add(86, 100, 2);
  log.hintCommit(95);
  await add(101, 105, 2);
  await add(106, 106, 3, 'term 3');
  await add(107, 110, 3);
  const files: Files = new Map(
    world
      .disk('a')
      .files()
      .map((file) => [file, world.disk('a').peek(file)]),
  );
  return { files, expected: { entries: held, hardState: 'term 3', compactedTo: 12, snapshotIndex: 15 } };
}

let files: Files;
let expected: Expected;
beforeAll(async () => {
  ({ files, expected } = await makeFiles());
});

async function inspectFiles(
  damaged: Files,
): Promise<{ readonly recovered: Recovered; readonly losses: readonly string[] }> {
  const inspection = await inspectLog({ disk: memoryDisk(damaged) });
  return { recovered: inspection.recovered, losses: await silentLosses(expected, inspection) };
}

const names = (): readonly string[] => [...files.keys()];
/** Where what was ever written ends in a file. */
function usedBytes(name: string): number {
  const content = files.get(name) as Uint8Array;
  return content.findLastIndex((byte) => byte !== 0) + 1;
}

const newestSegment = (): string =>
  names().findLast((name) => name.endsWith('.seg') && usedBytes(name) > 200) as string;

test('the undamaged log is whole', async () => {
  const { recovered, losses } = await inspectFiles(files);
  expect([losses, recovered.damage]).toEqual([[], undefined]);
  expect(recovered).toMatchObject({ firstIndex: 13, lastIndex: 110, commitHint: 95 });
  expect(names().filter((name) => name.endsWith('.seg')).length).toBeGreaterThan(3);
});

describe('one flipped bit', () => {
  test('anywhere that was written is found, or changes nothing', async () => {
    let reportedCount = 0;
    let flipCount = 0;
    const silent: string[] = [];
    for (const name of names()) {
      const end = Math.min((files.get(name) as Uint8Array).length, usedBytes(name) + 48);
      // Every byte of the newest segment and of all that is small, every third of the rest.
      const step = end < 2_000 || name === newestSegment() ? 1 : 3;
      for (let at = 0; at < end; at += step) {
        const damaged = copyOf(files);
        const content = damaged.get(name) as Uint8Array;
        content[at] = (content[at] as number) ^ (1 << (at % 8));
        const { recovered, losses } = await inspectFiles(damaged);
        for (const loss of losses) silent.push(`${name} byte ${at}: ${loss}`);
        flipCount++;
        if (recovered.damage !== undefined) reportedCount++;
      }
    }
    expect(silent).toEqual([]);
    // What is not reported lies in headers that are not needed, in older copies, or behind the end.
    expect(reportedCount / flipCount).toBeGreaterThan(0.4);
  });

  test('in any byte of an entry that is needed is reported', async () => {
    const last = newestSegment();
    const content = files.get(last) as Uint8Array;
    const needle = entry(103, 2).payload;
    const at = content.findIndex((_, from) => needle.every((byte, offset) => content[from + offset] === byte));
    expect(at).toBeGreaterThan(0);
    for (let offset = -40; offset < needle.length; offset++) {
      const damaged = copyOf(files);
      const copy = damaged.get(last) as Uint8Array;
      copy[at + offset] = (copy[at + offset] as number) ^ 0x10;
      const { recovered } = await inspectFiles(damaged);
      expect(recovered.damage?.corrupt, `byte ${offset}`).toEqual([{ from: 103, to: 103 }]);
      expect(recovered.damage?.uncertainFrom).toBeUndefined();
    }
  });
});

test('a file cut off at any byte is found, or nothing is missing', async () => {
  const silent: string[] = [];
  for (const name of names()) {
    const { length } = files.get(name) as Uint8Array;
    const end = usedBytes(name);
    for (let size = 0; size < length; size += size < end + 100 ? 1 + (size % 11) : 257) {
      const damaged = copyOf(files);
      damaged.set(name, (files.get(name) as Uint8Array).slice(0, size));
      const { losses } = await inspectFiles(damaged);
      for (const loss of losses) silent.push(`${name} cut to ${size}: ${loss}`);
    }
  }
  expect(silent).toEqual([]);
});

test('a missing file is found, or nothing is missing', async () => {
  for (const name of names()) {
    const damaged = copyOf(files);
    damaged.delete(name);
    const { losses } = await inspectFiles(damaged);
    expect([name, ...losses]).toEqual([name]);
  }
});

test('the last segment cut off anywhere says that its end is uncertain', async () => {
  const last = newestSegment();
  for (const size of [0, 10, 64, 100, 500, usedBytes(last) - 1, usedBytes(last), usedBytes(last) + 40, 8_000]) {
    const damaged = copyOf(files);
    damaged.set(last, (files.get(last) as Uint8Array).slice(0, size));
    const { recovered } = await inspectFiles(damaged);
    expect(recovered.damage?.uncertainFrom, `cut to ${size}`).toBeDefined();
    expect(recovered.damage?.certainTo).toBeGreaterThanOrEqual(70);
  }
});

describe('repair', () => {
  /** Two places are damaged: one entry in the middle, and the end. */
  function twice(): Files {
    const damaged = copyOf(files);
    const last = newestSegment();
    const content = damaged.get(last) as Uint8Array;
    const find = (needle: Uint8Array): number =>
      content.findIndex((_, from) => needle.every((byte, offset) => content[from + offset] === byte));
    content[find(entry(90, 2).payload)] = 0;
    content[find(entry(110, 3).payload)] = 0;
    return damaged;
  }

  const clock = { now: () => 0, wallMs: () => 0, wakeAt: () => () => {} };
  const config = { segmentBytes: 8_192, firstSegmentBytes: 8_192, entryBytesMax: 1_024, batchBytesMax: 1_024 };
  const openFiles = (damaged: Files): ReturnType<typeof openLog> =>
    openLog({ disk: memoryDisk(damaged), clock, config });

  test('damage is reported until it is settled, over restarts, and the damaged bytes stay as they are', async () => {
    const damaged = twice();
    const damage = {
      corrupt: [{ from: 90, to: 90 }],
      uncertainFrom: 110,
      certainTo: 95,
      hardState: 'intact',
      snapshotLost: undefined,
    };
    for (let life = 0; life < 3; life++) {
      const log = await openFiles(damaged);
      expect(log.recovered.damage).toEqual(damage);
      await expect(log.entries.read(90, 100, 1_000)).rejects.toMatchObject({ code: 'STORAGE_DAMAGED' });
      expect((await log.entries.read(88, 100, 9_000)).map(({ index }) => index)).toEqual([88, 89]);
      await log.close();
    }
    const log = await openFiles(damaged);
    expect(() => log.settle()).toThrow('every damaged entry is repaired or gone');
    log.repair([entry(90, 2)]);
    expect(await log.entries.read(90, 90, 0)).toEqual([entry(90, 2)]);
    log.append([entry(110, 3)]);
    log.settle();
    await log.close();
    for (let life = 0; life < 2; life++) {
      const again = await openFiles(damaged);
      expect(again.recovered.damage).toBeUndefined();
      expect(await silentLosses(expected, again)).toEqual([]);
      await again.close();
    }
  });

  test('a repaired entry may be of another term', async () => {
    const damaged = twice();
    const log = await openFiles(damaged);
    log.repair([entry(90, 9)]);
    log.truncate(110);
    log.settle();
    await log.close();
    const again = await openFiles(damaged);
    expect([again.entries.term(89), again.entries.term(90), again.entries.term(91)]).toEqual([2, 9, 2]);
    expect(await again.entries.read(90, 90, 0)).toEqual([entry(90, 9)]);
    expect(again.recovered).toMatchObject({ lastIndex: 109, damage: undefined });
    await again.close();
  });

  test('a snapshot that covers the damage makes it go away', async () => {
    const damaged = twice();
    const log = await openFiles(damaged);
    const writer = log.snapshots.create({ index: 500, term: 4 });
    await writer.commit();
    log.reset({ index: 500, term: 4 });
    log.settle();
    await log.close();
    const again = await openFiles(damaged);
    expect(again.recovered).toMatchObject({ firstIndex: 501, lastIndex: 500, damage: undefined });
    expect(text(again.recovered.hardState)).toBe('term 3');
    await again.close();
  });

  test('a rotten snapshot is reported until it is settled or replaced', async () => {
    const damaged = copyOf(files);
    const name = names().find((file) => file.endsWith('.snapshot')) as string;
    (damaged.get(name) as Uint8Array)[400] = 99;
    for (let life = 0; life < 2; life++) {
      const log = await openFiles(damaged);
      expect(log.recovered.snapshot).toBeUndefined();
      expect(log.recovered.damage).toMatchObject({ corrupt: [], snapshotLost: 15 });
      await log.close();
    }
    const log = await openFiles(damaged);
    const writer = log.snapshots.create({ index: 100, term: 2 });
    await writer.commit();
    log.settle();
    log.append([entry(111, 3)]);
    await log.close();
    const again = await openFiles(damaged);
    expect(again.recovered).toMatchObject({ snapshot: { index: 100 }, damage: undefined });
    await again.close();
  });
});

/** Where the first frame of a type is in a segment; for entries, the one with this index. */
function frameAt(content: Uint8Array, type: number, index = 0): number {
  const view = new DataView(content.buffer, content.byteOffset);
  const isWanted = (at: number): boolean =>
    view.getUint8(at + 4) === type && (index === 0 || view.getUint32(at + 8, true) === index);
  let at = 64;
  while (!isWanted(at)) at += 40 + ((view.getUint32(at, true) + 7) & ~7);
  return at;
}

function wipeEntry(damaged: Files, index: number): void {
  const content = damaged.get(newestSegment()) as Uint8Array;
  content.fill(0xee, frameAt(content, 2, index), frameAt(content, 2, index + 1));
}

test('a gap in the last batch is a torn end, a gap before another batch is damage', async () => {
  const torn = copyOf(files);
  wipeEntry(torn, 108);
  expect((await inspectFiles(torn)).recovered.damage).toMatchObject({ corrupt: [], uncertainFrom: 108 });
  const rotten = copyOf(files);
  wipeEntry(rotten, 104);
  expect((await inspectFiles(rotten)).recovered.damage).toMatchObject({
    corrupt: [{ from: 104, to: 104 }],
    uncertainFrom: undefined,
  });
});

test('when a truncation is lost, what it had removed is not taken for the log', async () => {
  const world = oneHost();
  const log = await open(world);
  await durable(world, log, log.append(entries(1, 60, 1)));
  log.hintCommit(40);
  await durable(world, log, log.append(entries(61, 61, 1)));
  await durable(world, log, log.truncate(51));
  await durable(world, log, log.append(entries(51, 58, 2)));
  await durable(world, log, log.append(entries(59, 59, 2)));
  const disk = world.disk('a');
  const damaged: Files = new Map(disk.files().map((file) => [file, disk.peek(file)]));
  const content = damaged.get('log/000000000001.seg') as Uint8Array;
  // From the truncation to the fifth entry behind it.
  const from = frameAt(content, 4);
  const to = from + frameAt(Uint8Array.from([...content.subarray(0, 64), ...content.subarray(from)]), 2, 56) - 64;
  content.fill(0xee, from, to);
  const { recovered } = await inspectLog({ disk: memoryDisk(damaged) });
  expect(recovered.lastIndex).toBe(59);
  expect(recovered.damage?.corrupt).toEqual([{ from: 41, to: 55 }]);
});

test('a newer format is refused, and nothing is touched', async () => {
  const [first] = names().filter((name) => name.endsWith('.seg'));
  const damaged = copyOf(files);
  const content = damaged.get(first as string) as Uint8Array;
  new DataView(content.buffer).setUint32(4, 2, true);
  const { crc32 } = await import('../src/crc32.ts');
  new DataView(content.buffer).setUint32(60, crc32(content, 0, 60), true);
  await expect(inspectLog({ disk: memoryDisk(damaged) })).rejects.toMatchObject({ code: 'STORAGE_NEWER' });
});

test('when a repair is lost, the entry that it had replaced does not come back', async () => {
  for (const isHeaderHit of [true, false]) {
    const world = oneHost();
    const log = await open(world);
    await durable(world, log, log.append(entries(1, 60, 1)));
    log.hintCommit(40);
    await durable(world, log, log.append(entries(61, 61, 1)));
    await durable(world, log, log.repair([entry(50, 2)]));
    await durable(world, log, log.append(entries(62, 62, 2)));
    const disk = world.disk('a');
    const damaged: Files = new Map(disk.files().map((file) => [file, disk.peek(file)]));
    const content = damaged.get('log/000000000001.seg') as Uint8Array;
    const at = frameAt(content, 8) + (isHeaderHit ? 9 : 45);
    content[at] = (content[at] as number) ^ 1;
    const { recovered } = await inspectLog({ disk: memoryDisk(damaged) });
    expect(recovered.damage?.corrupt).toEqual([isHeaderHit ? { from: 41, to: 61 } : { from: 50, to: 50 }]);
  }
});
