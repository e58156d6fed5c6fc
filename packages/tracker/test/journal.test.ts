import { silentLogger, type Disk } from '@grp/core';
import { createWorld, type World } from '@grp/sim';
import { describe, expect, test } from 'vitest';
import { Journal } from '../src/server/journal.ts';
import { crypto, nicks, trackerWorld } from './support/world.ts';

interface Desk {
  readonly disk: Disk;
}

function desk(seed: number): World<Desk> {
  return createWorld<Desk>({ seed, nodes: ['a'], start: ({ disk }) => ({ disk }) });
}

async function settled<Result>(world: World<Desk>, promise: Promise<Result>): Promise<Result> {
  let isDone = false;
  const note = (): void => void (isDone = true);
  promise.then(note, note);
  await world.runUntil(() => isDone);
  return promise;
}

interface Opened {
  readonly journal: Journal;
  readonly entries: ReadonlyMap<string, unknown>;
  readonly seen: { durable: number; failure: string };
}

async function open(world: World<Desk>): Promise<Opened> {
  const seen = { durable: 0, failure: '' };
  const journal = new Journal({
    ...{ disk: world.node('a').disk, crypto, logger: silentLogger },
    onDurable: (record) => (seen.durable = record),
    onFailure: ({ code }) => (seen.failure = code),
  });
  return { journal, seen, entries: await settled(world, journal.load()) };
}

const file = 'journal.jsonl';

describe('the journal', () => {
  test('has what was confirmed, after any number of power cuts', async () => {
    let cutOff = 0;
    for (let seed = 0; seed < 60; seed++) {
      const world = desk(seed);
      const confirmed = new Map<string, unknown>();
      const written = new Map<string, unknown[]>();
      let record = 0;
      for (let life = 0; life < 4; life++) {
        const { journal, seen, entries } = await open(world);
        for (const [key, value] of confirmed) {
          // What was written after the last confirmed value may be there, or not.
          expect([seed, key, written.get(key)?.includes(entries.get(key))]).toEqual([seed, key, true]);
          written.set(key, (written.get(key) ?? []).slice((written.get(key) ?? []).indexOf(value)));
          expect((written.get(key) ?? []).includes(entries.get(key))).toBe(true);
        }
        const puts: [number, string, unknown][] = [];
        for (let turn = 0; turn < 10; turn++) {
          for (let count = world.random.nextU32() % 6; count > 0; count--) {
            const key = `key${world.random.nextU32() % 8}`;
            const value = `${life}.${record}`.padEnd(world.random.nextU32() % 200, 'x');
            journal.put(++record, key, value);
            puts.push([record, key, value]);
            written.set(key, [...(written.get(key) ?? []), value]);
          }
          await world.run((world.random.nextU32() % 40) / 10);
        }
        for (const [number, key, value] of puts) if (number <= seen.durable) confirmed.set(key, value);
        if (puts.some(([number]) => number > seen.durable)) cutOff++;
        world.crash('a', 'host');
        world.restart('a');
      }
    }
    expect(cutOff).toBeGreaterThan(20);
  });

  test('forgets a torn end, and refuses damage before what was safely written', async () => {
    const world = desk(1);
    const { journal } = await open(world);
    for (let record = 1; record <= 3; record++) {
      journal.put(record, `key${record}`, { record });
      await world.run(50);
    }
    const size = await settled(world, world.node('a').disk.size(file));
    await settled(world, world.node('a').disk.truncate(file, size - 3));
    expect([...(await open(world)).entries.keys()]).toEqual(['key1', 'key2']);
    world.disk('a').rot(file, 40);
    await expect(open(world)).rejects.toMatchObject({ code: 'TRACKER_JOURNAL_CORRUPT', kind: 'failure' });
  });

  test('refuses a format that it does not know', async () => {
    const world = desk(1);
    const body = '{"f":2,"s":1,"e":[]}';
    const { toBase64 } = await import('../src/encoding.ts');
    const hash = toBase64(crypto.digest(new TextEncoder().encode(`\n${body}`)).subarray(0, 12));
    await settled(world, world.node('a').disk.append(file, new TextEncoder().encode(`${hash} ${body}\n`)));
    await expect(open(world)).rejects.toMatchObject({ code: 'TRACKER_JOURNAL_NEWER' });
  });

  test('is compacted when most of it is history, and loses nothing', async () => {
    const world = desk(1);
    const { journal } = await open(world);
    for (let record = 1; record <= 400; record++) {
      journal.put(record, `key${record % 10}`, { record, text: 'x'.repeat(10_000) });
      if (record % 5 === 0) await world.run(20);
    }
    await world.run(200);
    expect(journal.bytes).toBeLessThan(1_500_000);
    const { entries } = await open(world);
    expect(entries.get('key0')).toMatchObject({ record: 400 });
    expect(entries.size).toBe(10);
  });

  test('says when the disk fails, once, and writes nothing more', async () => {
    const world = desk(1);
    const { journal, seen } = await open(world);
    world.disk('a').setFaults({ syncError: 1 });
    journal.put(1, 'key', 'value');
    await world.run(50);
    expect([seen.failure, seen.durable]).toEqual(['TRACKER_DISK', 0]);
    world.disk('a').setFaults({});
    journal.put(2, 'key', 'value');
    await world.run(50);
    expect(seen.durable).toBe(0);
  });
});

test('no answer outruns its record: what a tracker said yes to is there after a power cut', async () => {
  for (let seed = 0; seed < 25; seed++) {
    const party = await trackerWorld({ seed });
    const { world, settle, tracker } = party;
    const ann = await party.add('ann');
    let answered = 0;
    for (let index = 0; index < 8; index++) {
      void ann.client.request('create', { group: `group${index}` }, { timeoutMs: 60_000 }).then(() => answered++);
    }
    await world.run((world.random.nextU32() % 60) / 10);
    const promised = answered;
    world.crash('tracker', 'host');
    world.restart('tracker');
    await world.runUntil(() => world.everyNode((app) => app !== undefined), { withinMs: 10_000 });
    expect([seed, tracker().groups().length >= promised]).toEqual([seed, true]);
    // And what was not answered is done in the end, once.
    await world.runUntil(() => answered === 8, { withinMs: 60_000 });
    expect((await settle(ann.client.request('groups', {}))).groups).toHaveLength(8);
  }
});

test('a disk that fails stops the tracker; a new start has everything again', async () => {
  const party = await trackerWorld();
  const { world, settle } = party;
  const ann = await party.add('ann');
  await settle(ann.client.join('tea', { create: true }));
  world.disk('tracker').setFaults({ syncError: 1 });
  const doomed = ann.client.request('create', { group: 'cake' }, { timeoutMs: 3_000 });
  await expect(settle(doomed)).rejects.toMatchObject({ kind: 'unreachable' });
  expect(world.state('tracker')).toBe('crashed');
  world.disk('tracker').setFaults({});
  world.restart('tracker');
  await world.run(5_000);
  expect([ann.client.state, nicks(ann, 'tea')]).toEqual(['ready', ['ann']]);
});
