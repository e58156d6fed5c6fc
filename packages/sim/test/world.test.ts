import type { Address } from '@grp/core';
import { createWorld, type World, type WorldOptions } from '@grp/sim';
import { describe, expect, test } from 'vitest';
import { addressOf, port, talker, type Talker } from './apps.ts';

const peers = [1, 2, 3, 4, 5].map(addressOf);
const nodes = ['a', 'b', 'c', 'd', 'e'];

function talking(options: Partial<WorldOptions<Talker>> = {}): World<Talker> {
  return createWorld<Talker>({ seed: 1, nodes, start: talker(peers), ...options });
}

function two(options: Partial<WorldOptions<Talker>> = {}): World<Talker> {
  return createWorld<Talker>({ seed: 1, nodes: ['a', 'b'], start: talker(), ...options });
}

function burst(world: World<Talker>, count: number): number[] {
  const before = world.node('b').heard.length;
  for (let number = 0; number < count; number++) world.node('a').send(addressOf(2), number);
  world.runFor(10_000);
  return world
    .node('b')
    .heard.slice(before)
    .map((line) => Number(line.split('#')[1]));
}

describe('determinism', () => {
  const storm = { loss: 0.1, duplication: 0.1, reorder: 0.1, corruption: 0.1, delay: { medianMs: 5, sigma: 1 } };
  function hash(seed: number | string, change: (world: World<Talker>) => void = () => {}): string {
    const world = talking({ seed, network: storm });
    change(world);
    world.runFor(300);
    world.crash('b');
    world.pause('c');
    world.runFor(300);
    world.restart('b');
    world.resume('c');
    world.runFor(300);
    return world.traceHash();
  }

  test('the same seed gives the same trace, another seed another', () => {
    expect(hash(1)).toBe(hash(1));
    expect(hash(1)).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set([hash(1), hash(2), hash('1'), hash('x')]).size).toBe(4);
  });

  test('running in small steps, with or without promises, changes nothing', async () => {
    const steps = talking({ network: storm });
    for (let step = 0; step < 90; step++) steps.runFor(10);
    const whole = talking({ network: storm });
    whole.runFor(900);
    const promised = talking({ network: storm });
    await promised.run(900);
    expect(steps.traceHash()).toBe(whole.traceHash());
    expect(promised.traceHash()).toBe(whole.traceHash());
  });

  test('every event counts: one bit of one payload, one note, one fault', () => {
    const plain = hash(1);
    expect(hash(1, (world) => world.node('a').send(addressOf(2), 77))).not.toBe(plain);
    expect(hash(1, (world) => world.node('a').send(addressOf(2), 78))).not.toBe(
      hash(1, (world) => world.node('a').send(addressOf(2), 77)),
    );
    expect(hash(1, (world) => world.note('x'))).not.toBe(plain);
    expect(hash(1, (world) => world.network.cut({ from: 'a', to: 'b' }))).not.toBe(plain);
  });

  test('reading the hash does not change it', () => {
    const world = talking();
    world.runFor(100);
    expect(world.traceHash()).toBe(world.traceHash());
    const other = talking();
    other.runFor(50);
    other.traceHash();
    other.runFor(50);
    expect(other.traceHash()).toBe(world.traceHash());
  });

  test('chance of one node does not depend on the others', () => {
    const draw = (names: readonly string[]): number =>
      createWorld({ seed: 1, nodes: names }).host('x').random.nextU32();
    expect(draw(['x'])).toBe(draw(['a', 'b', 'x']));
    const world = createWorld({ seed: 1, nodes: ['x'] });
    const first = world.host('x').random.nextU32();
    world.restart('x');
    expect(world.host('x').random.nextU32()).not.toBe(first); // each life has its own
  });
});

describe('datagrams', () => {
  test('arrive after the delay, in a spread that reorders', () => {
    const world = two({ network: { delay: 7 } });
    expect(burst(world, 3)).toEqual([0, 1, 2]);
    expect(world.node('b').lastAt).toBe(7);
    const spread = two({ network: { delay: { minMs: 1, maxMs: 50 } } });
    const order = burst(spread, 100);
    expect(order).not.toEqual(order.toSorted((a, b) => a - b));
    expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index));
  });

  test('are lost, doubled, held back and damaged as often as asked', () => {
    const lossy = two({ network: { loss: 0.3 } });
    const heard = burst(lossy, 2_000).length;
    expect(heard).toBeGreaterThan(1_300);
    expect(heard).toBeLessThan(1_500);
    expect(lossy.counts()['drop.loss']).toBe(2_000 - heard);

    const doubled = two({ network: { duplication: 0.2 } });
    expect(burst(doubled, 1_000).length).toBe(1_000 + doubled.counts().duplicate);
    expect(doubled.counts().duplicate).toBeGreaterThan(150);

    const late = two({ network: { delay: 1, reorder: 0.5, reorderMs: 40 } });
    expect(burst(late, 100)).not.toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect(late.counts().reorder).toBeGreaterThan(30);

    const damaged = two({ network: { corruption: 1 } });
    expect(burst(damaged, 100).filter((number, index) => number !== index).length).toBeGreaterThan(95);
    expect(damaged.counts().corrupt).toBe(100);
  });

  test('wait for the bandwidth, and beyond the queue they are dropped', () => {
    // 36 bytes each with headers: 3,600 bytes/s are 100 datagrams a second.
    const world = two({ network: { bandwidth: 3_600, delay: 0, queueBytesMax: 1_800 } });
    expect(burst(world, 100).length).toBe(50);
    expect(world.counts()['drop.queue-full']).toBe(50);
    expect(world.node('b').lastAt).toBeCloseTo(500, 6);
  });

  test('longer than the MTU or the transport’s maximum are dropped', () => {
    const world = two();
    const receive = (bytes: number): void => world.node('a').transport.send(addressOf(2), new Uint8Array(bytes));
    world.network.set({ mtuBytes: 1_000 });
    receive(972);
    receive(973);
    receive(1_401);
    world.runFor(100);
    expect(world.counts()).toMatchObject({ deliver: 1, 'drop.mtu': 1, 'drop.too-long': 1 });
  });

  test('to nobody vanish, each for its own reason', () => {
    const world = two();
    const { transport } = world.node('a');
    transport.send(addressOf(9), new Uint8Array(1));
    transport.send('elsewhere:1' as Address, new Uint8Array(1));
    transport.send(world.address('b', 99), new Uint8Array(1));
    world.host('b').transport(100);
    transport.send(world.address('b', 100), new Uint8Array(1));
    world.runFor(100);
    world.crash('b', 'host');
    transport.send(addressOf(2), new Uint8Array(1));
    world.runFor(100);
    expect(world.counts()).toMatchObject({
      'drop.unknown-address': 2,
      'drop.closed-port': 1,
      'drop.no-listener': 1,
      'drop.host-down': 1,
      deliver: 0,
    });
  });

  test('one port has one owner; free ports are free; a closed one can be opened again', async () => {
    const world = two();
    expect(() => world.host('a').transport(port)).toThrow(/10\.0\.0\.1:7946 is already open/);
    const free = [world.host('a').transport(0), world.host('a').transport(0)];
    expect(new Set(free.map(({ self }) => self)).size).toBe(2);
    await world.node('a').transport.close();
    expect(world.host('a').transport(port).self).toBe(addressOf(1));
  });

  test('a Buffer that is sent may be changed afterwards, and what arrives may be too', () => {
    const world = two({ network: { duplication: 1 } });
    const heard: Uint8Array[] = [];
    world.node('b').transport.onReceive((_, payload) => heard.push(payload));
    const buffer = Buffer.from('hello');
    world.node('a').transport.send(addressOf(2), buffer);
    buffer.fill(0);
    world.runFor(10);
    heard[0]?.fill(1);
    expect(Buffer.from(heard[1] as Uint8Array).toString()).toBe('hello');
  });
});

describe('who reaches whom', () => {
  const hearing = (world: World<Talker>, name: string): string[] => {
    const app = world.node(name);
    app.heard.length = 0;
    world.runFor(200);
    return [...new Set(app.heard.map((line) => line.split('#')[0] as string))].toSorted();
  };
  const ip = (...numbers: number[]): string[] => numbers.map((number) => `10.0.0.${number}`);

  test('a partition splits, also what is on its way, and a heal mends', () => {
    const world = talking({ network: { delay: 50 } });
    world.runFor(100);
    world.network.partition(['a', 'b', 'c'], ['d', 'e']);
    expect(hearing(world, 'a')).toEqual(ip(2, 3));
    expect(hearing(world, 'd')).toEqual(ip(5));
    expect(world.counts()['drop.partition']).toBeGreaterThan(100);
    world.network.heal();
    expect(hearing(world, 'd')).toEqual(ip(1, 2, 3, 5));
  });

  test('nodes in no group are a group of their own', () => {
    const world = talking();
    world.network.partition(['a'], ['b']);
    expect(hearing(world, 'a')).toEqual([]);
    expect(hearing(world, 'c')).toEqual(ip(4, 5));
    expect(world.network.reaches('c', 'd')).toBe(true);
    expect(world.network.reaches('c', 'a')).toBe(false);
  });

  test('a cut goes one way', () => {
    const world = talking();
    world.network.cut({ from: 'a', to: ['b', 'c'] });
    world.network.cut({ to: 'e' });
    expect(hearing(world, 'b')).toEqual(ip(3, 4, 5));
    expect(hearing(world, 'a')).toEqual(ip(2, 3, 4, 5));
    expect(hearing(world, 'e')).toEqual([]);
    world.network.heal();
    expect(hearing(world, 'e')).toEqual(ip(1, 2, 3, 4));
  });

  test('settings of some pairs; the later word counts, and a reset forgets them', () => {
    const world = talking();
    world.network.set({ loss: 1 }, { from: 'a' });
    world.network.set({ loss: 0 }, { from: 'a', to: 'b' });
    expect(hearing(world, 'b')).toEqual(ip(1, 3, 4, 5));
    expect(hearing(world, 'c')).toEqual(ip(2, 4, 5));
    world.network.set({ loss: 1 });
    world.runFor(5); // what was on its way
    expect(hearing(world, 'b')).toEqual([]);
    world.network.reset();
    expect(hearing(world, 'c')).toEqual(ip(1, 2, 4, 5));
    expect(() => world.network.set({ loss: 2 })).toThrow(/loss must be 0 to 1/);
    expect(() => world.network.set({}, { from: 'nobody' })).toThrow(/no node nobody/);
  });
});

describe('running', () => {
  test('runUntil gives the time it took, or says what did not come true', async () => {
    const world = two();
    world.at(123, () => world.node('a').send(addressOf(2)));
    const heard = (): boolean => world.node('b').heard.length > 0;
    expect(await world.runUntil(heard)).toBe(130);
    expect(world.runUntilSync(() => world.now >= 200)).toBe(70);
    await expect(world.runUntil(() => false, { withinMs: 50, what: 'the impossible' })).rejects.toThrow(
      'Not within 50 ms: the impossible (virtual time 250 ms, seed 1).',
    );
    expect(() => world.runUntilSync(() => false, { withinMs: 50 })).toThrow(/Not within 50 ms/);
    world.at(310, () => world.note('x'));
    expect(await world.runUntil(() => world.counts().note > 0, { everyMs: 0 })).toBe(10);
  });

  test('what a node throws names the node, the time and the seed', () => {
    const world = two({ seed: 77 });
    const { clock } = world.host('a');
    clock.wakeAt(5, () => {
      throw new Error('boom');
    });
    expect(() => world.runFor(10)).toThrow('Node a threw at 5 ms (seed 77): boom');
    expect(() => world.addNode('z', () => expect.fail('no'))).toThrow(/Node z threw at 5 ms/);
  });

  test('promises of a node settle before the next event', async () => {
    const world = two();
    const order: string[] = [];
    const { clock } = world.host('a');
    const deep = async (depth: number): Promise<void> => (depth === 0 ? undefined : deep(depth - 1));
    clock.wakeAt(1, () => void deep(50).then(() => order.push('promise')));
    clock.wakeAt(1, () => order.push('timer'));
    await world.run(10);
    expect(order).toEqual(['promise', 'timer']);
  });

  test('a start that is a promise is a node when it is kept, and a failure when it is not', async () => {
    const world = createWorld<string>({ seed: 1 });
    world.addNode('a', async ({ disk }) => {
      await disk.write('f', 0, new Uint8Array(3));
      return `read ${(await disk.read('f', 0, 10)).length}`;
    });
    expect(() => world.node('a')).toThrow(/still starting/);
    await world.runUntil(() => world.everyNode(() => true));
    expect(world.node('a')).toBe('read 3');
    world.addNode('b', ({ disk }) => disk.read('none', 0, 1).then(String));
    await expect(world.run(100)).rejects.toThrow(/Node b threw at .*There is no file none/);
  });

  test('a synchronous run refuses code that waits for a disk', () => {
    const world = two();
    void world.host('a').disk.write('f', 0, new Uint8Array(1));
    expect(() => world.runFor(100)).toThrow(/without letting promises go on/);
  });

  test('names are unique and known', () => {
    const world = two();
    expect(() => world.addNode('a')).toThrow(/a node a already/);
    expect(() => world.node('x')).toThrow(/no node x/);
    world.crash('a');
    expect(() => world.node('a')).toThrow(/Node a is crashed/);
    expect(world.names).toEqual(['a', 'b']);
  });

  test('the trace can be kept, up to a bound', () => {
    const world = two({ trace: { recordMax: 3 } });
    world.node('a').send(addressOf(2));
    world.host('a').logger.log('info', 'sim.test', { x: 1 });
    world.runFor(10);
    world.note('done');
    expect(world.trace().omittedCount).toBe(3);
    expect(world.trace().events[2]).toEqual({
      at: 0,
      kind: 'send',
      node: 'a',
      from: '10.0.0.1:7946',
      to: '10.0.0.2:7946',
      bytes: 8,
    });
  });
});
