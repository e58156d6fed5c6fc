import { createWorld, type World, type WorldOptions } from '@grp/sim';
import { describe, expect, test } from 'vitest';
import { addressOf, talker, type Talker } from './apps.ts';

function two(options: Partial<WorldOptions<Talker>> = {}): World<Talker> {
  return createWorld<Talker>({ seed: 1, nodes: ['a', 'b'], start: talker(), network: { delay: 1 }, ...options });
}

describe('crash and restart', () => {
  test('nothing of a dead life runs: no timer, no datagram, no send, no log', () => {
    const world = two();
    const old = world.node('a');
    let ticks = 0;
    old.host.clock.wakeAt(5, () => ticks++);
    world.node('b').send(addressOf(1));
    world.crash('a');
    old.send(addressOf(2));
    old.host.logger.log('info', 'late');
    old.host.clock.wakeAt(6, () => ticks++);
    world.runFor(100);
    expect([ticks, old.heard, world.node('b').heard]).toEqual([0, [], []]);
    expect(world.counts()).toMatchObject({ crash: 1, log: 0, timer: 0, 'drop.closed-port': 1 });
    expect(world.state('a')).toBe('crashed');
  });

  test('a restart is a new life on the same ports, with time from zero; the old life stays dead', () => {
    const world = two();
    const old = world.node('a');
    world.runFor(100);
    world.restart('a');
    world.node('b').send(addressOf(1), 7);
    world.runFor(10);
    expect(world.node('a').heard).toEqual(['10.0.0.2#7']);
    expect([old.heard, old.host.incarnation, world.host('a').incarnation]).toEqual([[], 1, 2]);
    expect([world.host('a').clock.now(), world.now]).toEqual([10, 110]);
    expect(world.counts()).toMatchObject({ crash: 1, start: 3 });
  });

  test('a process ends itself by exit', () => {
    const world = two();
    world.node('a').host.clock.wakeAt(1, () => world.host('a').exit('the disk failed'));
    world.runFor(10);
    expect(world.state('a')).toBe('crashed');
    expect(world.counts()).toMatchObject({ exit: 1, crash: 0 });
  });

  test('crashing twice is crashing once, and a power cut after a crash still counts', () => {
    const world = two();
    world.crash('a');
    world.crash('a');
    world.crash('a', 'host');
    world.crash('a', 'host');
    expect(world.counts()).toMatchObject({ crash: 1, 'host-crash': 1 });
  });
});

describe('pause and resume', () => {
  test('due timers come first, in order, then the datagrams, in order; later ones follow', () => {
    const world = two();
    const { heard, host } = world.node('a');
    const log: string[] = [];
    for (const at of [30, 10, 20]) host.clock.wakeAt(at, () => log.push(`timer ${at} with ${heard.length} heard`));
    world.pause('a');
    expect(world.state('a')).toBe('paused');
    for (let number = 0; number < 3; number++) world.node('b').send(addressOf(1), number);
    world.runFor(100);
    expect([log, heard]).toEqual([[], []]);
    world.resume('a');
    world.node('b').send(addressOf(1), 3);
    world.runFor(0);
    expect(log).toEqual(['timer 10 with 0 heard', 'timer 20 with 0 heard', 'timer 30 with 0 heard']);
    expect(heard).toEqual(['10.0.0.2#0', '10.0.0.2#1', '10.0.0.2#2']);
    world.runFor(10);
    expect(heard.length).toBe(4);
    expect(host.clock.now()).toBe(110);
    expect(world.counts()).toMatchObject({ pause: 1, resume: 1, backlog: 3 });
  });

  test('a timer cancelled by an earlier one of the same backlog does not come', () => {
    const world = two();
    const { clock } = world.host('a');
    let heard = 0;
    const cancel = clock.wakeAt(20, () => heard++);
    clock.wakeAt(10, cancel);
    world.pause('a');
    world.runFor(50);
    world.resume('a');
    world.runFor(50);
    expect(heard).toBe(0);
  });

  test('the kernel buffers 208 KiB, and then drops', () => {
    const world = two();
    world.pause('a');
    for (let number = 0; number < 1_000; number++) world.node('b').send(addressOf(1), number);
    world.runFor(50);
    world.resume('a');
    world.runFor(50);
    expect(world.node('a').heard.length).toBe(Math.floor(212_992 / 520));
    expect(world.counts()['drop.socket-buffer']).toBe(1_000 - Math.floor(212_992 / 520));
    for (let number = 0; number < 10; number++) world.node('b').send(addressOf(1), number);
    world.runFor(50);
    expect(world.node('a').heard.length).toBe(Math.floor(212_992 / 520) + 10);
  });

  test('what was buffered dies with the process', () => {
    const world = two();
    world.pause('a');
    world.node('b').send(addressOf(1));
    world.runFor(10);
    world.restart('a');
    world.runFor(10);
    expect(world.node('a').heard).toEqual([]);
    expect(world.state('a')).toBe('running');
  });
});

describe('slow processor', () => {
  test('each callback takes its time, and what comes meanwhile waits', () => {
    const world = two();
    world.setCpuMs('a', 10);
    for (let number = 0; number < 5; number++) world.node('b').send(addressOf(1), number);
    world.runFor(25);
    expect(world.node('a').heard.length).toBe(3);
    world.runFor(100);
    expect(world.node('a').heard.length).toBe(5);
    expect(world.node('a').lastAt).toBe(41);
    expect(world.counts()['cpu-slow']).toBe(1);
  });
});

describe('clocks', () => {
  const epoch = Date.parse('2026-01-01T00:00:00Z');

  test('the wall clock begins in 2026, jumps alone, and is set right by calm', () => {
    const world = two();
    world.runFor(500);
    const { clock } = world.host('a');
    expect(clock.wallMs()).toBe(epoch + 500);
    world.setClock('a', { jumpMs: -3_600_000 });
    expect([clock.now(), clock.wallMs()]).toEqual([500, epoch + 500 - 3_600_000]);
    world.calm();
    expect(clock.wallMs()).toBe(epoch + 500);
    expect(world.counts()['clock-jump']).toBe(1);
  });

  test('a clock that runs at another rate takes its timers with it', () => {
    const world = two();
    const { clock } = world.host('a');
    const rang: number[] = [];
    clock.wakeAt(100, () => rang.push(world.now));
    clock.wakeAt(200, () => rang.push(world.now));
    world.runFor(50);
    world.setClock('a', { rate: 2 });
    world.runFor(50);
    world.setClock('a', { rate: 0.5 });
    world.runFor(1_000);
    expect(rang).toEqual([75, 200]);
    expect(clock.now()).toBe(50 + 100 + 500);
    world.calm();
    expect(clock.wallMs()).toBe(epoch + 1_100);
    expect(clock.now()).toBe(650); // monotonic time never jumps
    world.runFor(10);
    expect(clock.now()).toBe(660);
    expect(world.counts()['clock-drift']).toBe(3 - 1);
  });
});

describe('buggify', () => {
  test('is silent unless asked for, and then has names that a seed knows and names that it does not', () => {
    expect(two().host('a').buggify('x', 1)).toBe(false);
    const world = two({ buggify: true });
    const names = Array.from({ length: 200 }, (_, index) => `place ${index}`);
    const happens = (name: string): boolean => world.host('a').buggify(name, 1);
    const first = names.map(happens);
    expect(first.filter(Boolean).length).toBeGreaterThan(20);
    expect(first.filter(Boolean).length).toBeLessThan(90);
    expect(names.map(happens)).toEqual(first);
    expect(world.counts().buggify).toBe(2 * first.filter(Boolean).length);
  });
});

test('one cut is mended, and another one and a split stay', () => {
  const { network } = createWorld<Talker>({
    seed: 1,
    nodes: ['a', 'b', 'c'],
    start: talker([1, 2, 3].map(addressOf)),
  });
  network.cut({ from: 'a', to: 'b' });
  network.cut({ from: 'b', to: 'a' });
  network.partition(['c']);
  network.mend({ from: 'a', to: 'b' });
  expect([network.reaches('a', 'b'), network.reaches('b', 'a'), network.reaches('a', 'c')]).toEqual([
    true,
    false,
    false,
  ]);
});

describe('calm', () => {
  test('ends everything that is wrong', () => {
    const world = createWorld<Talker>({
      seed: 1,
      nodes: ['a', 'b', 'c', 'd'],
      start: talker([1, 2, 3, 4].map(addressOf)),
    });
    world.network.partition(['a']);
    world.network.cut({ from: 'b', to: 'c' });
    world.network.set({ loss: 1 });
    world.crash('a');
    world.crash('b', 'host');
    world.pause('c');
    world.setCpuMs('d', 100);
    world.setClock('d', { rate: 3, jumpMs: 1e6 });
    world.disk('d').setFaults({ hang: true });
    world.runFor(1_000);
    world.calm();
    world.runFor(1_000);
    for (const name of world.names) {
      expect(world.state(name)).toBe('running');
      const others = new Set(world.node(name).heard.map((line) => line.split('#')[0]));
      expect(others.size).toBe(3);
      expect(world.host(name).clock.wallMs()).toBe(epochAt(world.now));
    }
  });
});

function epochAt(now: number): number {
  return Date.parse('2026-01-01T00:00:00Z') + now;
}
