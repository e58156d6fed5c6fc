import type { Disk } from '@grp/core';
import { createWorld, type World, type WorldOptions } from '@grp/sim';
import { describe, expect, test } from 'vitest';

function one(options: Partial<WorldOptions<Disk>> = {}): World<Disk> {
  return createWorld<Disk>({ seed: 1, nodes: ['a'], start: ({ disk }) => disk, ...options });
}

async function done<Result>(world: World<Disk>, promise: Promise<Result>): Promise<Result> {
  let isOver = false;
  const end = (): void => void (isOver = true);
  promise.then(end, end);
  await world.runUntil(() => isOver);
  return promise;
}

const filled = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);
const sector = (bytes: Uint8Array, index: number): string =>
  [...new Set(bytes.subarray(index * 512, (index + 1) * 512))].join();

describe('a power cut', () => {
  // Ten sectors are written over ten that are safe; what is left of both after the cut, for many seeds.
  async function torn(seed: number): Promise<string> {
    const world = one({ seed });
    const disk = world.node('a');
    await done(world, disk.write('f', 0, filled(5_120, 1)));
    await done(world, disk.sync('f'));
    await done(world, disk.syncDirectory(''));
    await done(world, disk.write('f', 0, filled(5_120, 2)));
    world.crash('a', 'host');
    return Array.from({ length: 10 }, (_, index) => sector(world.disk('a').peek('f'), index)).join('');
  }

  test('keeps a random part of what was not synced, by whole sectors', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 60; seed++) seen.add(await torn(seed));
    for (const picture of seen) expect(picture).toMatch(/^[12]{10}$/);
    expect(seen.size).toBeGreaterThan(25);
    const isPrefix = (picture: string): boolean => /^2+1+$/.test(picture);
    expect([...seen].some(isPrefix)).toBe(true);
    expect([...seen].some((picture) => !isPrefix(picture))).toBe(true);
  });

  test('takes a file whose folder was not synced, with a chance', async () => {
    const left = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const world = one({ seed });
      await done(world, world.node('a').write('f', 0, filled(10, 1)));
      await done(world, world.node('a').sync('f'));
      world.crash('a', 'host');
      left.add(world.disk('a').files().join());
    }
    expect(left).toEqual(new Set(['', 'f']));
  });

  test('a renamed file that was not synced may be empty under its new name', async () => {
    const sizes = new Set<number>();
    for (let seed = 0; seed < 40; seed++) {
      const world = one({ seed });
      const disk = world.node('a');
      await done(world, disk.write('tmp', 0, filled(512, 1)));
      await done(world, disk.rename('tmp', 'f'));
      await done(world, disk.syncDirectory(''));
      world.crash('a', 'host');
      sizes.add(world.disk('a').peek('f').length);
    }
    expect(sizes).toEqual(new Set([0, 512]));
  });

  test('a crash of the process alone takes nothing that was done', async () => {
    const world = one();
    await done(world, world.node('a').write('f', 0, filled(5_120, 1)));
    world.crash('a');
    world.restart('a');
    expect((await done(world, world.node('a').read('f', 0, 9_999))).length).toBe(5_120);
    world.restart('a', { disk: 'empty' });
    expect(await done(world, world.node('a').list(''))).toEqual([]);
    expect(world.counts().wipe).toBe(1);
  });

  test('what was under way when the process died is done or not, and nobody hears of it', async () => {
    const results = new Set<number>();
    let heard = 0;
    for (let seed = 0; seed < 20; seed++) {
      const world = one({ seed });
      world
        .node('a')
        .write('f', 0, filled(10, 1))
        .then(
          () => heard++,
          () => heard++,
        );
      world.restart('a');
      await world.run(100);
      results.add(world.disk('a').files().length);
    }
    expect([results, heard]).toEqual([new Set([0, 1]), 0]);
  });
});

describe('a bad disk', () => {
  test('a failed flush loses the bytes for good, although a second one says yes', async () => {
    const world = one();
    const disk = world.node('a');
    await done(world, disk.write('f', 0, filled(512, 1)));
    await done(world, disk.sync('f'));
    await done(world, disk.syncDirectory(''));
    await done(world, disk.write('f', 0, filled(512, 2)));
    world.disk('a').setFaults({ syncError: 1 });
    await expect(done(world, disk.sync('f'))).rejects.toMatchObject({ code: 'DISK_IO' });
    world.disk('a').setFaults({});
    await done(world, disk.sync('f'));
    expect(sector(await done(world, disk.read('f', 0, 512)), 0)).toBe('2');
    world.crash('a', 'host');
    expect(sector(world.disk('a').peek('f'), 0)).toBe('1');
    expect(world.counts()['disk.error']).toBe(1);
  });

  test('a flush that lies says yes, and the bytes may be gone', async () => {
    const left = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const world = one({ seed });
      const disk = world.node('a');
      await done(world, disk.write('f', 0, filled(512, 1)));
      await done(world, disk.sync('f'));
      await done(world, disk.syncDirectory(''));
      await done(world, disk.write('f', 0, filled(512, 2)));
      world.disk('a').setFaults({ lostSync: 1 });
      await done(world, disk.sync('f'));
      world.crash('a', 'host');
      left.add(sector(world.disk('a').peek('f'), 0));
      expect(world.counts()['disk.lost-sync']).toBe(1);
    }
    expect(left).toEqual(new Set(['1', '2']));
  });

  test('fails to read and to write when asked, and changes nothing then', async () => {
    const world = one();
    const disk = world.node('a');
    await done(world, disk.write('f', 0, filled(10, 1)));
    world.disk('a').setFaults({ readError: 1, writeError: 1 });
    await expect(done(world, disk.read('f', 0, 10))).rejects.toMatchObject({ code: 'DISK_IO' });
    await expect(done(world, disk.append('f', filled(10, 2)))).rejects.toMatchObject({ code: 'DISK_IO' });
    await expect(done(world, disk.remove('f'))).rejects.toMatchObject({ code: 'DISK_IO' });
    expect(world.disk('a').peek('f')).toEqual(filled(10, 1));
  });

  test('rots one bit at a time, for good', async () => {
    const world = one();
    const disk = world.node('a');
    await done(world, disk.write('f', 0, filled(100, 0)));
    world.disk('a').setFaults({ rot: 1 });
    const bytes = await done(world, disk.read('f', 0, 100));
    expect(bytes.filter((byte) => byte !== 0).length).toBe(1);
    world.disk('a').setFaults({});
    expect(await done(world, disk.read('f', 0, 100))).toEqual(bytes);
    expect(world.counts()['disk.rot']).toBe(1);
  });

  test('is full when told so, even with room', async () => {
    const world = one();
    const disk = world.node('a');
    await done(world, disk.preallocate('f', 1_000));
    world.disk('a').setFaults({ full: true });
    expect(await done(world, disk.freeBytes())).toBe(0);
    await expect(done(world, disk.append('f', filled(1, 1)))).rejects.toMatchObject({ code: 'DISK_FULL' });
    await done(world, disk.write('f', 0, filled(1_000, 1)));
  });

  test('is slow, or hangs until it is mended', async () => {
    const world = one();
    const disk = world.node('a');
    world.disk('a').setFaults({ slowMs: 500 });
    let count = 0;
    void disk.write('f', 0, filled(1, 1)).then(() => count++);
    await world.run(499);
    expect(count).toBe(0);
    await world.run(2);
    expect(count).toBe(1);
    world.disk('a').setFaults({ hang: true });
    void disk.sync('f').then(() => count++);
    await world.run(60_000);
    expect(count).toBe(1);
    world.disk('a').setFaults({});
    await world.run(1);
    expect(count).toBe(2);
  });
});

test('flushes queue up, and a stopped process hears of them on resume', async () => {
  const world = one({ disk: { operation: 1, sync: 10 } });
  const disk = world.node('a');
  await done(world, disk.write('f', 0, filled(1, 1)));
  const times: number[] = [];
  const startedAt = world.now;
  for (let count = 0; count < 3; count++) void disk.sync('f').then(() => times.push(Math.round(world.now - startedAt)));
  await world.run(25);
  expect(times).toEqual([11, 21]);
  world.pause('a');
  await world.run(100);
  world.resume('a');
  await world.run(1);
  expect(times).toEqual([11, 21, 125]);
});

test('the lock is free again after a crash', async () => {
  const world = one();
  await done(world, world.node('a').lock());
  await expect(done(world, world.node('a').lock())).rejects.toMatchObject({ code: 'DISK_LOCKED' });
  world.restart('a');
  const unlock = await done(world, world.node('a').lock());
  await unlock();
  await done(world, world.node('a').lock());
});

test('the same seed tears the same way', async () => {
  const run = async (): Promise<string> => {
    const world = one({ seed: 5 });
    for (let count = 0; count < 20; count++) void world.node('a').append('f', filled(700, count));
    await world.run(1);
    world.crash('a', 'host');
    world.restart('a');
    await world.run(10);
    return `${world.traceHash()} ${world.disk('a').files().join()}`;
  };
  expect(await run()).toBe(await run());
});

test('free room is right after every kind of change', async () => {
  const world = one({ disk: { capacityBytes: 10_000 } });
  const disk = world.node('a');
  const free = (): Promise<number> => done(world, disk.freeBytes());
  await done(world, disk.write('a', 0, filled(1_000, 1)));
  await done(world, disk.write('a', 500, filled(1_000, 1)));
  await done(world, disk.append('b', filled(2_000, 1)));
  await done(world, disk.preallocate('c', 3_000));
  expect(await free()).toBe(3_500);
  await done(world, disk.truncate('c', 1_000));
  await done(world, disk.rename('c', 'b'));
  await done(world, disk.rename('b', 'b'));
  expect(await free()).toBe(7_500);
  await done(world, disk.remove('a'));
  expect([await free(), world.disk('a').files()]).toEqual([9_000, ['b']]);
  await done(world, disk.sync('b'));
  await done(world, disk.syncDirectory(''));
  world.restart('a');
  expect(await done(world, world.node('a').freeBytes())).toBe(9_000);
  world.crash('a', 'host');
  world.restart('a', { disk: 'empty' });
  expect(await done(world, world.node('a').freeBytes())).toBe(10_000);
});
