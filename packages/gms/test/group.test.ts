import { GrpError, exitCodes } from '@grp/core';
import { expect, test } from 'vitest';
import type { Delivery, Receipt, View } from '../src/index.ts';
import { addressOf, groupWorld, joinAll, outcome } from './support/world.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const code = (value: unknown): string | undefined => (value instanceof GrpError ? value.code : undefined);

test('a multicast is delivered by all, at the same place, and its sender hears where', async () => {
  const world = groupWorld(['a', 'b', 'c']);
  await joinAll(world);
  const heard: Delivery[] = [];
  world.node('c').on('message', (delivery) => heard.push(delivery));
  const receipts = [world.node('a').multicast(bytes('one')), world.node('b').multicast(bytes('two'))];
  const places = (await Promise.all(receipts.map((receipt) => outcome(world, receipt)))) as Receipt[];
  await world.runUntil(() => heard.length === 2);
  expect(places.map(({ sequence }) => sequence).toSorted((x, y) => x - y)).toEqual([1, 2]);
  expect(heard.map(({ sequence }) => sequence)).toEqual([1, 2]);
  expect(new TextDecoder().decode(heard[(places[0]?.sequence ?? 0) - 1]?.payload)).toBe('one');
  expect(new Set(world.names.map((name) => world.node(name).delivered.orderHash)).size).toBe(1);
});

test('what cannot be sent is refused, with a code, and the group is unharmed', async () => {
  const world = groupWorld(['a', 'b'], () => ({ config: { payloadBytesMax: 100 } }));
  const [a, b] = [world.node('a'), world.node('b')];
  expect(code(await outcome(world, a.multicast(bytes('x'))))).toBe('GMS_NOT_JOINED');
  await joinAll(world);
  expect(code(await outcome(world, a.multicast(new Uint8Array(101))))).toBe('GMS_PAYLOAD_TOO_LARGE');
  expect(() => b.post(new Uint8Array(101))).toThrow(GrpError);
  expect(await outcome(world, b.multicast(new Uint8Array(100)))).toEqual({ sequence: 1, view: 2 });
  await a.close();
  expect(code(await outcome(world, a.multicast(bytes('x'))))).toBe('GMS_CLOSED');
  expect(a.status).toBe('closed');
});

test('a join to a dead seed ends in time', async () => {
  const world = groupWorld(['a', 'b']);
  const joining = world.node('a').join([addressOf(world, 'b')], { timeoutMs: 2_000 });
  world.crash('b');
  expect(code(await outcome(world, joining))).toBe('GMS_JOIN_TIMEOUT');
  expect(world.now).toBeLessThan(3_000);
  const abort = new AbortController();
  const second = world.node('a').join([addressOf(world, 'b')], { signal: abort.signal });
  abort.abort(new Error('enough'));
  expect(((await outcome(world, second)) as Error).message).toBe('enough');
});

test('a group of another name, or level, refuses', async () => {
  const world = groupWorld(['a', 'b', 'c'], (name) => ({
    group: name === 'b' ? 'other' : 'default',
    delivery: name === 'c' ? 'safe' : 'agreed',
  }));
  await outcome(world, world.node('a').join());
  for (const name of ['b', 'c'])
    expect(code(await outcome(world, world.node(name).join([addressOf(world, 'a')])))).toBe('GMS_JOIN_REFUSED');
  expect(await outcome(world, world.node('a').multicast(bytes('alone')))).toEqual({ sequence: 1, view: 1 });
});

test('the state goes to who joins, in slices, and what came after it follows', async () => {
  const states = new Map<string, string>();
  const world = groupWorld(['a', 'b'], (name) => ({
    config: { stateChunkBytes: 1_024, stateWindowBytes: 4_096 },
    state: {
      async *capture() {
        const copy = states.get(name) ?? '';
        for (let start = 0; start < copy.length; start += 700) yield bytes(copy.slice(start, start + 700));
      },
      async restore(chunks) {
        let text = '';
        for await (const chunk of chunks) text += new TextDecoder().decode(chunk);
        states.set(name, text);
      },
    },
  }));
  for (const name of world.names)
    world.node(name).on('message', ({ payload }) => {
      states.set(name, (states.get(name) ?? '') + new TextDecoder().decode(payload));
    });
  await outcome(world, world.node('a').join());
  for (let count = 0; count < 200; count++) world.node('a').post(bytes(`${count}:${'x'.repeat(100)};`));
  const joining = world.node('b').join([addressOf(world, 'a')]);
  await world.runUntil(() => {
    world.node('a').post(bytes('later;'));
    return world.node('b').status === 'joined';
  });
  await outcome(world, joining);
  await world.runUntil(() => world.node('b').delivered.sequence === world.node('a').delivered.sequence);
  expect(states.get('b')?.length).toBeGreaterThan(20_000);
  expect(states.get('b')).toBe(states.get('a'));
});

test('a state that cannot be restored keeps the joiner out, and the group is unharmed', async () => {
  const world = groupWorld(['a', 'b', 'c'], (name) => ({
    state: {
      capture: () => [bytes('state')],
      restore: () => (name === 'c' ? Promise.reject(new Error('version 9 of it')) : Promise.resolve()),
    },
  }));
  await outcome(world, world.node('a').join());
  await outcome(world, world.node('b').join([addressOf(world, 'a')]));
  const refused = await outcome(world, world.node('c').join([addressOf(world, 'b')]));
  expect(code(refused)).toBe('GMS_STATE_REFUSED');
  expect((refused as Error).message).toContain('version 9 of it');
  await world.runUntil(() => world.node('a').view?.members.length === 2);
  expect(((await outcome(world, world.node('b').multicast(bytes('on')))) as Receipt).sequence).toBe(1);
});

test('the minority side is blocked with exit code 7, and comes back', async () => {
  const world = groupWorld(['a', 'b', 'c', 'd', 'e']);
  await joinAll(world);
  const told: string[] = [];
  world.node('b').on('blocked', ({ reason }) => told.push(reason));
  world.node('b').on('excluded', () => told.push('excluded'));
  world.node('b').on('unblocked', () => told.push('unblocked'));
  world.network.partition(['a', 'b'], ['c', 'd', 'e']);
  const pending = world.node('a').multicast(bytes('lost?'), { timeoutMs: 60_000 });
  const blocked = await outcome(
    world,
    pending.then(() => world.node('b').multicast(bytes('x'))),
  );
  if (code(blocked) === undefined) await world.run(10_000);
  await world.runUntil(() => world.node('b').status === 'blocked' && world.node('c').view?.members.length === 3);
  const refused = (await outcome(world, world.node('b').multicast(bytes('x')))) as GrpError;
  expect(refused.code).toBe('GMS_NO_QUORUM');
  expect(exitCodes[refused.kind]).toBe(7);
  expect(((await outcome(world, world.node('d').multicast(bytes('on')))) as Receipt).view).toBeGreaterThan(2);
  world.network.heal();
  await world.runUntil(() => world.names.every((name) => world.node(name).view?.members.length === 5));
  await world.runUntil(() => new Set(world.names.map((name) => world.node(name).delivered.orderHash)).size === 1);
  expect(world.node('a').status).toBe('joined');
  await world.runUntil(() => told.at(-1) === 'unblocked');
  expect(told.slice(0, 3)).toEqual(['flush', 'minority', 'excluded']);
});

test('who gives up waiting gets an error; the message may still come', async () => {
  const world = groupWorld(['a', 'b', 'c'], () => ({ delivery: 'safe' }));
  await joinAll(world);
  world.pause('c');
  const abort = new AbortController();
  const aborted = world.node('a').multicast(bytes('1'), { signal: abort.signal });
  const timed = world.node('a').multicast(bytes('2'), { timeoutMs: 50 });
  abort.abort(new Error('no time'));
  expect(((await outcome(world, aborted)) as Error).message).toBe('no time');
  expect(code(await outcome(world, timed))).toBe('GMS_TIMEOUT');
  world.resume('c');
  await world.runUntil(() => world.node('b').delivered.sequence === 2);
});

test('messages() gives deliveries in order, and tells a reader that fell behind', async () => {
  const world = groupWorld(['a']);
  await outcome(world, world.node('a').join());
  const reader = world.node('a').messages();
  const slow = world.node('a').messages({ bufferMax: 5 });
  for (let count = 1; count <= 20; count++) world.node('a').post(bytes(`${count}`));
  await world.run(10);
  for (let count = 1; count <= 20; count++) expect((await reader.next()).value?.sequence).toBe(count);
  await expect(slow.next()).rejects.toMatchObject({ code: 'GMS_READER_BEHIND' });
  await reader.return?.();
});

test('a leave brings out what was sent before it; the others have a view without the leaver', async () => {
  const world = groupWorld(['a', 'b', 'c']);
  await joinAll(world);
  for (let count = 0; count < 50; count++) world.node('a').post(bytes(`${count}`));
  await outcome(world, world.node('a').leave());
  expect(world.node('a').status).toBe('left');
  await world.runUntil(() => world.node('b').delivered.sequence === 50 && world.node('c').delivered.sequence === 50);
  expect(world.node('b').view?.members.map(({ name }) => name)).toEqual(['b', 'c']);
  expect(code(await outcome(world, world.node('a').multicast(bytes('x'))))).toBe('GMS_CLOSED');
});

test('a crash after so many sends happens in the middle of a multicast', async () => {
  const world = groupWorld(['a', 'b', 'c', 'd']);
  await joinAll(world);
  world.node('a').crashAfterSends(2, () => world.crash('a'));
  world.node('a').post(bytes('half'));
  await world.runUntil(() => world.state('a') === 'crashed');
  const others = ['b', 'c', 'd'].map((name) => world.node(name));
  await world.runUntil(() => others.every(({ view }: { view: View | undefined }) => view?.members.length === 3));
  await world.runUntil(() => new Set(others.map(({ delivered }) => delivered.orderHash)).size === 1);
  expect(others[0]?.delivered.sequence).toBe(1); // two had it, so all have it
});
