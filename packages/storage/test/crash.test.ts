// A crash at every single operation of the disk, one run for each, and what is left after it.
import { GrpError, type Disk } from '@grp/core';
import type { Host, World } from '@grp/sim';
import { expect, test } from 'vitest';
import { openLog, type Entry, type Log, type LogConfig } from '../src/index.ts';
import { silentLosses } from './model.ts';
import { bytes, entries, oneHost } from './world.ts';

const config: Partial<LogConfig> = {
  segmentBytes: 8_192,
  firstSegmentBytes: 8_192,
  entryBytesMax: 1_024,
  batchBytesMax: 1_024,
};

/** Counts operations, and stops the world at the n-th: before it does anything, or when it has done all. */
function crashing(disk: Disk, at: { count: number; readonly end: number }, onEnd: () => void): Disk {
  const never = new Promise<never>(() => {});
  return new Proxy(disk, {
    get(target, name: keyof Disk) {
      const operation = target[name] as ((...given: unknown[]) => Promise<unknown>) | undefined;
      if (operation === undefined) return undefined; // this disk does without
      if (name === 'read' || name === 'list' || name === 'size' || name === 'lock') return operation.bind(target);
      return async (...given: unknown[]) => {
        at.count++;
        if (at.count > at.end) return never;
        if (at.count < at.end) return operation(...given);
        // The last operation is under way when the power goes.
        void operation(...given).catch(() => {});
        onEnd();
        return never;
      };
    },
  });
}

/** What was promised, and what may be there although it was not. */
interface Story {
  readonly acknowledged: Map<number, Entry>;
  readonly attempted: Map<number, Entry>;
  acknowledgedState: string | undefined;
  attemptedState: string | undefined;
  compactedTo: number;
  snapshotIndex: number;
}

type Scene = (log: Log, story: Story) => Promise<void>;

const ticketOf = (log: Log, ticket: number): Promise<void> =>
  new Promise((resolve) => {
    const cancel = log.on((event) => {
      if (event.type !== 'durable' || event.ticket < ticket) return;
      cancel();
      resolve();
    });
  });

/** The next segment may still be on its way. */
async function whenRoom(log: Log, change: () => number): Promise<number> {
  for (;;) {
    try {
      return change();
    } catch (cause) {
      if (!(cause instanceof GrpError) || cause.code !== 'STORAGE_BUSY') throw cause;
      await new Promise<void>((resolve) => {
        const cancel = log.on(({ type }) => {
          if (type !== 'room') return;
          cancel();
          resolve();
        });
      });
    }
  }
}

async function append(log: Log, story: Story, added: readonly Entry[], state?: string): Promise<void> {
  for (const entry of added) story.attempted.set(entry.index, entry);
  if (state !== undefined) story.attemptedState = state;
  await ticketOf(log, await whenRoom(log, () => log.append(added, state === undefined ? undefined : bytes(state))));
  for (const entry of added) story.acknowledged.set(entry.index, entry);
  if (state !== undefined) story.acknowledgedState = state;
}

async function snapshot(log: Log, story: Story, index: number): Promise<void> {
  const writer = log.snapshots.create({ index, term: 1 });
  await writer.write(new Uint8Array(300_000).fill(index));
  await writer.commit();
  story.snapshotIndex = index;
}

/** Appends over several segments, snapshots, compaction with files used again, a truncation. */
const everything: Scene = async (log, story) => {
  await append(log, story, entries(1, 10), 'one');
  for (let from = 11; from <= 150; from += 20) await append(log, story, entries(from, from + 19));
  await snapshot(log, story, 100);
  await ticketOf(log, await whenRoom(log, () => log.compact(100)));
  story.compactedTo = 100;
  await append(log, story, entries(151 + 0, 151 + 19), 'two');
  for (let from = 171; from <= 260; from += 20) await append(log, story, entries(from, from + 19));
  await snapshot(log, story, 250);
  await ticketOf(log, await whenRoom(log, () => log.compact(240)));
  story.compactedTo = 240;
  await append(log, story, entries(271, 280), 'three');
  await ticketOf(log, await whenRoom(log, () => log.truncate(271)));
  for (let index = 271; index <= 280; index++) story.acknowledged.delete(index);
  await append(log, story, entries(271, 275, 2));
};

interface Outcome {
  readonly isOver: boolean;
  readonly problems: readonly string[];
  readonly isDamaged: boolean;
}

async function crashAt(operation: number, kind: 'host' | 'process', seed: number): Promise<Outcome> {
  const world = oneHost({ seed });
  const story: Story = {
    acknowledged: new Map(),
    attempted: new Map(),
    acknowledgedState: undefined,
    attemptedState: undefined,
    compactedTo: 0,
    snapshotIndex: 0,
  };
  let isOver = false;
  let hasCrashed = false;
  const at = { count: 0, end: operation };
  const disk = crashing(world.host('a').disk, at, () => (hasCrashed = true));
  const { clock } = world.host('a');
  void openLog({ disk, clock, config }).then(async (log) => {
    await everything(log, story);
    await log.close();
    isOver = true;
  });
  await world.runUntil(() => hasCrashed || isOver, { withinMs: 60_000 });
  world.crash('a', kind);
  world.restart('a');
  return { ...(await judge(world, story)), isOver };
}

// Twice: what the first start made of it has to be found by the second one, too.
async function judge(world: World<Host>, story: Story): Promise<Omit<Outcome, 'isOver'>> {
  const problems: string[] = [];
  let isDamaged = false;
  for (let life = 0; life < 2; life++) {
    let log: Log | undefined;
    const { disk, clock } = world.host('a');
    void openLog({ disk, clock, config }).then((opened) => (log = opened));
    await world.runUntil(() => log !== undefined, { withinMs: 60_000 });
    const found = log as Log;
    const state =
      found.recovered.hardState === undefined ? undefined : new TextDecoder().decode(found.recovered.hardState);
    const isAhead = state === story.attemptedState;
    const expected = {
      entries: withAttempts(story, found),
      hardState: isAhead ? story.attemptedState : story.acknowledgedState,
      compactedTo: story.compactedTo,
      snapshotIndex: story.snapshotIndex,
    };
    const losses = silentLosses(expected, found);
    let judged: readonly string[] | undefined;
    void losses.then((result) => (judged = result));
    await world.runUntil(() => judged !== undefined, { withinMs: 60_000 });
    problems.push(...(judged ?? []));
    isDamaged ||= found.recovered.damage !== undefined;
    world.crash('a', 'host');
    world.restart('a');
  }
  return { problems, isDamaged };
}

// Entries that were on their way may be there or not; those that were being truncated, too.
function withAttempts({ acknowledged, attempted }: Story, { entries: held }: Log): ReadonlyMap<number, Entry> {
  const expected = new Map(acknowledged);
  for (const [index, entry] of attempted)
    if (index <= held.lastIndex && (!expected.has(index) || held.term(index) === entry.term))
      expected.set(index, entry);
  if (held.lastIndex === 270 && attempted.has(280)) for (let index = 271; index <= 280; index++) expected.delete(index);
  return expected;
}

async function crashEverywhere(kind: 'host' | 'process', seed: number): Promise<{ count: number; damaged: number }> {
  const failures: string[] = [];
  let damaged = 0;
  for (let operation = 1; ; operation++) {
    const { isOver, problems, isDamaged } = await crashAt(operation, kind, seed * 1_000 + operation);
    for (const problem of problems) failures.push(`operation ${operation}: ${problem}`);
    if (isDamaged) damaged++;
    if (!isOver) continue;
    expect(failures).toEqual([]);
    return { count: operation, damaged };
  }
}

test.each([1, 2, 3])(
  'a power cut at any operation of the disk loses nothing that was acknowledged (%i)',
  async (seed) => {
    const { count, damaged } = await crashEverywhere('host', seed);
    expect(count).toBeGreaterThan(80);
    // Most cuts tear nothing, and that is told apart.
    expect(damaged).toBeGreaterThan(0);
    expect(damaged).toBeLessThan(count / 3);
  },
);

test('a process killed at any operation of the disk loses nothing, and nothing looks damaged', async () => {
  const { count, damaged } = await crashEverywhere('process', 4);
  expect([count > 80, damaged]).toEqual([true, 0]);
});
