import { GrpError } from '@grp/core';
import { describe, expect, test } from 'vitest';
import { openLog } from '../src/index.ts';
import { bytes, done, durable, entries, entry, eventsOf, oneHost, open, readAll, text } from './world.ts';

const failing = (code: string): unknown => expect.objectContaining({ code });

describe('a failed sync', () => {
  test('stops the log for good, is never tried again, and nothing more is acknowledged', async () => {
    const world = oneHost();
    const log = await open(world);
    await world.run(1_000);
    await durable(world, log, log.append(entries(1, 10), bytes('before')));
    const events = eventsOf(log);
    world.disk('a').setFaults({ syncError: 1 });
    log.append(entries(11, 20));
    log.append(entries(21, 30));
    await world.run(1_000);
    world.disk('a').setFaults({});
    await world.run(5_000);
    expect(events).toEqual([{ type: 'failed', error: failing('STORAGE_FAILED') }]);
    expect(() => log.append(entries(31, 31))).toThrow(failing('STORAGE_FAILED'));
    await expect(done(world, log.entries.read(1, 1, 0))).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    await done(world, log.close());
  });

  test('after it, what a process still sees is made durable before anything else', async () => {
    // The system shows the bytes of a failed sync to the next process, and no longer writes them. Only a copy does.
    const world = oneHost();
    const log = await open(world);
    await world.run(1_000);
    await durable(world, log, log.append(entries(1, 10)));
    world.disk('a').setFaults({ syncError: 1 });
    log.append(entries(11, 20), bytes('vote'));
    await world.run(100);
    world.disk('a').setFaults({});
    world.crash('a', 'process');
    world.restart('a');
    const second = await open(world);
    expect(second.recovered).toMatchObject({ lastIndex: 20, damage: undefined });
    world.crash('a', 'host');
    world.restart('a');
    const third = await open(world);
    expect(third.recovered).toMatchObject({ lastIndex: 20, damage: undefined });
    expect(text(third.recovered.hardState)).toBe('vote');
    expect((await readAll(world, third)).get(20)).toEqual(entry(20));
  });

  test('while opening is an error of opening', async () => {
    const world = oneHost();
    world.disk('a').setFaults({ syncError: 1 });
    await expect(open(world)).rejects.toMatchObject({ code: 'DISK_IO' });
    world.disk('a').setFaults({});
    expect((await open(world)).recovered).toMatchObject({ lastIndex: 0 });
  });
});

describe('a full disk', () => {
  test('takes entries while there is room, then refuses them, and still saves hard state', async () => {
    const world = oneHost();
    const log = await open(world);
    await world.run(1_000);
    const events = eventsOf(log);
    world.disk('a').setFaults({ full: true });
    let last = 0;
    const fill = async (): Promise<void> => {
      for (;;) await durable(world, log, log.append([entry(++last, 1, 500)]));
    };
    await expect(fill()).rejects.toMatchObject({
      code: 'STORAGE_FULL',
      hint: expect.stringContaining('Free some space'),
    });
    expect(log.entries.lastIndex).toBe(last - 1);
    expect(events.filter(({ type }) => type === 'full').length).toBe(1);
    // Votes: more than the log has room for.
    for (let count = 0; count < 200; count++)
      await durable(world, log, log.append([], bytes(`vote ${count} ${'x'.repeat(100)}`)));
    expect(() => log.append([entry(last)])).toThrow(failing('STORAGE_FULL'));
    world.crash('a', 'host');
    world.restart('a');
    // The disk is still full: a segment was set aside for the start.
    for (let life = 0; life < 3; life++) {
      const again = await open(world);
      expect(again.recovered).toMatchObject({ lastIndex: last - 1, damage: undefined });
      expect(text(again.recovered.hardState)).toContain('vote 199 ');
      world.crash('a', 'host');
      world.restart('a');
    }
  });

  test('goes on by itself when there is room again', async () => {
    const world = oneHost();
    const log = await open(world);
    await world.run(1_000);
    const events = eventsOf(log);
    world.disk('a').setFaults({ full: true });
    let last = 0;
    const fill = async (): Promise<void> => {
      for (;;) await durable(world, log, log.append([entry(++last, 1, 500)]));
    };
    await expect(fill()).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    world.disk('a').setFaults({});
    await world.runUntil(() => events.some(({ type }) => type === 'room'), { withinMs: 3_000 });
    await durable(world, log, log.append([entry(last)]));
    expect((await readAll(world, log)).size).toBe(last);
  });

  test('goes on when a compaction has given a segment free', async () => {
    const world = oneHost();
    const log = await open(world);
    await world.run(1_000);
    for (let from = 1; from <= 200; from += 20) {
      await durable(world, log, log.append(entries(from, from + 19)));
      await world.run(50);
    }
    const writer = log.snapshots.create({ index: 200, term: 1 });
    await done(world, writer.commit());
    const events = eventsOf(log);
    world.disk('a').setFaults({ full: true });
    let last = 200;
    const fill = async (): Promise<void> => {
      for (;;) await durable(world, log, log.append([entry(++last, 1, 500)]));
    };
    await expect(fill()).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    await durable(world, log, log.compact(200));
    await world.runUntil(() => events.some(({ type }) => type === 'room'), { withinMs: 3_000 });
    await durable(world, log, log.append([entry(last)]));
  });

  test('that refuses even bytes it had reserved holds everything back, and loses nothing', async () => {
    const world = oneHost();
    const { disk, clock } = world.host('a');
    let isRefusing = false;
    const refuse = (): Promise<never> =>
      Promise.reject(new GrpError({ code: 'DISK_FULL', kind: 'failure', message: 'full' }));
    const refusing = new Proxy(disk, {
      get: (target, name: keyof typeof disk) =>
        name === 'write' && isRefusing
          ? refuse
          : (target[name] as ((...given: unknown[]) => unknown) | undefined)?.bind(target),
    });
    const log = await done(world, openLog({ disk: refusing, clock }));
    await world.run(2_000);
    const events = eventsOf(log);
    isRefusing = true;
    const ticket = log.append(entries(1, 10));
    await world.run(5_000);
    expect(events).toEqual([{ type: 'full' }]);
    isRefusing = false;
    await durable(world, log, ticket);
    expect(events.at(-1)).toEqual({ type: 'room' });
  });
});

test('a hanging disk holds back what is not durable, and nothing else', async () => {
  const world = oneHost();
  const log = await open(world);
  await world.run(1_000);
  await durable(world, log, log.append(entries(1, 10)));
  const events = eventsOf(log);
  world.disk('a').setFaults({ hang: true });
  const ticket = log.append(entries(11, 20));
  expect(log.entries.peek(15, 15, 0)).toEqual([entry(15)]);
  await world.run(60_000);
  expect(events).toEqual([]);
  world.disk('a').setFaults({});
  await durable(world, log, ticket);
});

test('an entry that rots while the log is open is found when it is read, and can be repaired', async () => {
  const world = oneHost();
  const log = await open(world, {
    firstSegmentBytes: 16_384,
    entryBytesMax: 4_096,
    batchBytesMax: 4_096,
    cacheBytesMax: 0,
  });
  await world.run(1_000);
  await durable(world, log, log.append(entries(1, 50)));
  const [file] = world
    .disk('a')
    .files()
    .filter((name) => name.endsWith('.seg'));
  const content = world.disk('a').peek(file as string);
  const needle = entry(20).payload;
  const at = content.findIndex((_, from) => needle.every((byte, offset) => content[from + offset] === byte));
  world.disk('a').rot(file as string, at);
  await expect(done(world, log.entries.read(20, 30, 1_000))).rejects.toMatchObject({ code: 'STORAGE_DAMAGED' });
  expect((await done(world, log.entries.read(15, 30, 9_000))).map(({ index }) => index)).toEqual([15, 16, 17, 18, 19]);
  await durable(world, log, log.repair([entry(20)]));
  expect(await done(world, log.entries.read(20, 20, 0))).toEqual([entry(20)]);
  world.crash('a', 'host');
  world.restart('a');
  const again = await open(world);
  expect(again.recovered.damage).toBeUndefined();
  expect((await readAll(world, again)).size).toBe(50);
});
