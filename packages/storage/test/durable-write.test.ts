// A write and its sync as one request: what a disk leaves when it fails in the middle, and what is tried again.
import { below, chance, GrpError, type Disk, type Random } from '@grp/core';
import { expect, test } from 'vitest';
import { Lives } from './lives.ts';
import { bytes, durable, entries, eventsOf, oneHost, open, readAll, text } from './world.ts';

type Durably = NonNullable<Disk['writeDurably']>;

const failure = (code: 'DISK_FULL' | 'DISK_IO'): GrpError => new GrpError({ code, kind: 'failure', message: code });

/** A disk that does `write` and `sync` in one request, as `writeDurably` says. */
function oneRequest(disk: Disk, writeDurably: (plain: Durably) => Durably, other: Partial<Disk> = {}): Disk {
  const plain: Durably = async (file, offset, content) => {
    await disk.write(file, offset, content);
    await disk.sync(file);
  };
  const replaced: Partial<Disk> = { ...other, writeDurably: writeDurably(plain) };
  return new Proxy(disk, {
    get(target, name: keyof Disk) {
      const operation = (replaced[name] ?? target[name]) as ((...given: unknown[]) => unknown) | undefined;
      return operation?.bind(target);
    },
  });
}

/** A part of the batch becomes durable, and then the disk is full, or fails, or all goes well, by chance. */
function halfWay(disk: Disk, random: Random, isDue: () => boolean): Disk {
  return oneRequest(disk, (plain) => async (file, offset, content) => {
    const isFull = isDue() && chance(random, 0.2);
    if (!isFull && !(isDue() && chance(random, 0.02))) return plain(file, offset, content);
    const part = content.subarray(0, below(random, content.length + 1));
    if (part.length > 0) await plain(file, offset, part);
    throw failure(isFull ? 'DISK_FULL' : 'DISK_IO');
  });
}

test('random lives on a disk that writes a part and then refuses or fails lose nothing silently', async () => {
  const failures: string[] = [];
  for (let seed = 1; seed <= 10 && failures.length === 0; seed++) {
    const run: Lives = new Lives(seed, { wrap: (disk, random) => halfWay(disk, random, () => run.isWorking) });
    for (let life = 0; life < 8 && failures.length === 0; life++)
      for (const loss of await run.life()) failures.push(`seed ${seed}, life ${life}: ${loss}`);
  }
  expect(failures).toEqual([]);
});

test('a part that is durable when the disk is full: the whole batch is written again, and a power cut finds all of it', async () => {
  const world = oneHost();
  const { disk } = world.host('a');
  const tries: number[] = [];
  let refusals = 0;
  const refusing = oneRequest(disk, (plain) => async (file, offset, content) => {
    if (refusals === 0) return plain(file, offset, content);
    refusals--;
    tries.push(offset);
    await plain(file, offset, content.subarray(0, content.length >> 1));
    throw failure('DISK_FULL');
  });
  const log = await open(world, undefined, refusing);
  await world.run(1_000);
  await durable(world, log, log.append(entries(1, 10), bytes('first')));
  const events = eventsOf(log);
  refusals = 3;
  const ticket = log.append(entries(11, 20), bytes('second'));
  log.append(entries(21, 30)); // waits behind it
  await world.run(200);
  expect(events).toEqual([{ type: 'full' }]);
  await durable(world, log, ticket + 1);
  expect(tries).toEqual([tries[0], tries[0], tries[0]]);
  world.crash('a', 'host');
  world.restart('a');
  const again = await open(world);
  expect(again.recovered).toMatchObject({ lastIndex: 30, damage: undefined });
  expect(text(again.recovered.hardState)).toBe('second');
  expect((await readAll(world, again)).size).toBe(30);
});

test('a part that is durable when the disk fails: nothing is tried again, and what was acknowledged is there', async () => {
  const world = oneHost();
  const { disk } = world.host('a');
  let isFailing = false;
  let writesAfter = 0;
  const failing = oneRequest(disk, (plain) => async (file, offset, content) => {
    if (isFailing) writesAfter++;
    if (!isFailing) return plain(file, offset, content);
    await plain(file, offset, content.subarray(0, 100));
    throw failure('DISK_IO');
  });
  const log = await open(world, undefined, failing);
  await world.run(1_000);
  await durable(world, log, log.append(entries(1, 10)));
  const events = eventsOf(log);
  isFailing = true;
  log.append(entries(11, 20));
  log.append(entries(21, 30));
  await world.run(10_000);
  expect(events.map(({ type }) => type)).toEqual(['failed']);
  expect(writesAfter).toBe(1);
  world.crash('a', 'host');
  world.restart('a');
  const again = await open(world);
  expect([...(await readAll(world, again)).keys()].slice(0, 10)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(again.recovered.lastIndex).toBeLessThan(20);
});

test('the log is full and the state file fails: that is a failure, not a matter of waiting', async () => {
  const world = oneHost();
  const { disk } = world.host('a');
  let isBad = false;
  let stateWrites = 0;
  const bad = oneRequest(
    disk,
    (plain) => (file, offset, content) => (isBad ? Promise.reject(failure('DISK_FULL')) : plain(file, offset, content)),
    {
      sync: async (file) => {
        if (isBad && file.endsWith('/state')) {
          stateWrites++;
          await disk.size(file); // a while
          throw failure('DISK_IO');
        }
        return disk.sync(file);
      },
    },
  );
  const log = await open(world, undefined, bad);
  await world.run(1_000);
  const events = eventsOf(log);
  isBad = true;
  log.append(entries(1, 3), bytes('vote'));
  await world.run(5_000);
  expect(events.map(({ type }) => type)).toEqual(['failed']);
  expect(stateWrites).toBe(1);
});

test('a slow state file is not written a second time beside itself, and a failed attempt leaves the other slot alone', async () => {
  const world = oneHost();
  const { disk, clock } = world.host('a');
  let isBad = false;
  let [running, runningMax] = [0, 0];
  const slots: number[] = [];
  const later = (ms: number): Promise<void> => new Promise((resolve) => clock.wakeAt(clock.now() + ms, resolve));
  const bad = oneRequest(
    disk,
    (plain) => (file, offset, content) => (isBad ? Promise.reject(failure('DISK_FULL')) : plain(file, offset, content)),
    {
      write: async (file, offset, content) => {
        if (!isBad || !file.endsWith('/state')) return disk.write(file, offset, content);
        runningMax = Math.max(runningMax, ++running);
        slots.push(offset);
        await later(2_000); // longer than one waits for room
        running--;
        throw failure('DISK_FULL');
      },
    },
  );
  const log = await open(world, undefined, bad);
  await world.run(1_000);
  isBad = true;
  const ticket = log.append(entries(1, 3), bytes('vote'));
  await world.run(10_000);
  expect(runningMax).toBe(1);
  expect(slots.length).toBeGreaterThan(2);
  expect(new Set(slots).size).toBe(1);
  isBad = false;
  await durable(world, log, ticket);
});
