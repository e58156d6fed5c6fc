import type { Address, ByteStream } from '@grp/core';
import { createWorld, type World, type WorldOptions } from '@grp/sim';
import { describe, expect, test } from 'vitest';
import { dialling, port, server, type Server } from './apps.ts';

function two(options: Partial<WorldOptions<Server>> = {}): World<Server> {
  return createWorld<Server>({
    seed: 1,
    nodes: ['a', 'b'],
    start: server,
    network: { delay: 10 },
    streams: { timeoutMs: 5_000 },
    ...options,
  });
}

const toB = '10.0.0.2:7946' as Address;

describe('dialling', () => {
  test('takes a round trip', () => {
    const world = two();
    const { log } = dialling(world, 'a', toB);
    world.runFor(100);
    expect(log).toEqual(['open@20']);
    expect(world.counts()).toMatchObject({ 'stream.dial': 1, 'stream.open': 1 });
  });

  test('is refused after a round trip by a host without a listener', () => {
    const world = two();
    const { closed, log } = dialling(world, 'a', world.address('b', 99));
    world.runFor(100);
    expect([closed, log]).toEqual([{ reason: 'refused', at: 20 }, []]);
  });

  test('times out where a host is dead or behind a partition', () => {
    const world = two();
    world.network.cut({ from: 'b', to: 'a' }); // the answer is lost, too
    const cut = dialling(world, 'a', toB, 700);
    world.runFor(1_000);
    expect(cut.closed).toEqual({ reason: 'timeout', at: 700 });
    world.network.heal();
    world.crash('b', 'host');
    const dead = dialling(world, 'a', toB);
    world.runFor(20_000);
    expect(dead.closed).toEqual({ reason: 'timeout', at: 11_000 });
  });

  test('asks again, so that a short cut only delays it', () => {
    const world = two();
    world.network.partition(['a']);
    const { log } = dialling(world, 'a', toB);
    world.at(1_500, () => world.network.heal());
    world.runFor(5_000);
    expect(log).toEqual(['open@3020']);
  });

  test('elsewhere is unreachable', () => {
    const world = two();
    const { closed } = dialling(world, 'a', 'elsewhere:1' as Address);
    expect(closed).toEqual({});
    world.runFor(1);
    expect(closed.reason).toBe('unreachable');
  });
});

describe('a stream', () => {
  test('is as fast as its line', () => {
    const world = two({ network: { delay: 1, bandwidth: 1_000_000 } });
    const { stream } = dialling(world, 'a', toB);
    stream.write(new Uint8Array(500_000));
    world.runFor(400);
    expect(world.node('b').bytes).toBeLessThan(400_000);
    world.runFor(200);
    expect(world.node('b').bytes).toBe(500_000);
  });

  test('is no faster than its window in a round trip', () => {
    const world = two({ network: { delay: 50 }, streams: { windowBytes: 10_000 } });
    const { stream } = dialling(world, 'a', toB);
    stream.write(new Uint8Array(100_000));
    world.runFor(1_000);
    expect(world.node('b').bytes).toBe(90_000);
  });

  test('loses nothing where datagrams are lost, and is later', () => {
    const world = two({ network: { loss: 0.3, delay: 5 } });
    const { stream, log } = dialling(world, 'a', toB, 60_000);
    for (let count = 0; count < 50; count++) stream.write(new Uint8Array(1_000));
    stream.end();
    world.runFor(60_000);
    expect([world.node('b').bytes, world.node('b').ends, log.at(-1)]).toEqual([50_000, 1, 'end']);
    expect(world.counts()['stream.retry']).toBeGreaterThan(10);
  });

  test('outlives a short partition', () => {
    const world = two();
    const { stream, closed } = dialling(world, 'a', toB);
    world.runFor(100);
    world.network.partition(['a']);
    stream.write(new Uint8Array(10));
    world.runFor(3_000);
    expect(world.node('b').bytes).toBe(0);
    world.network.heal();
    world.runFor(3_000);
    expect([world.node('b').bytes, closed]).toEqual([10, {}]);
  });

  test.each(['a', 'b'])('ends with timeout in a longer one; cut from %s', (from) => {
    const world = two();
    const { stream, closed } = dialling(world, 'a', toB);
    world.runFor(100);
    world.network.cut({ from }); // its bytes, or the acknowledgements of them
    stream.write(new Uint8Array(10));
    world.runFor(20_000);
    expect(closed).toEqual({ reason: 'timeout', at: 5_100 });
    // The other end has heard nothing. What it writes after the heal is answered with a reset.
    expect(world.node('b').closed).toEqual([]);
  });

  test('whose other end timed out is reset by the next byte', () => {
    const world = two();
    let accepted: ByteStream | undefined;
    const closed: string[] = [];
    world
      .host('b')
      .streams(99)
      .onAccept((stream) => {
        accepted = stream;
        return { onClose: (reason) => closed.push(reason) };
      });
    const { stream } = dialling(world, 'a', world.address('b', 99));
    world.runFor(100);
    world.network.partition(['a']);
    stream.write(new Uint8Array(10));
    world.runFor(10_000);
    world.network.heal();
    accepted?.write(new Uint8Array(1));
    world.runFor(100);
    expect(closed).toEqual(['reset']);
  });

  test('is reset when the peer’s process crashes', () => {
    const world = two();
    const { closed } = dialling(world, 'a', toB);
    world.runFor(100);
    world.crash('b');
    world.runFor(100);
    expect(closed).toEqual({ reason: 'reset', at: 110 });
  });

  test('of a host without power hears nothing, and times out when it writes', () => {
    const world = two();
    const idle = dialling(world, 'a', toB);
    const busy = dialling(world, 'a', toB);
    world.runFor(100);
    world.crash('b', 'host');
    busy.stream.write(new Uint8Array(10));
    world.runFor(10_000);
    expect([idle.closed, busy.closed]).toEqual([{}, { reason: 'timeout', at: 5_100 }]);
  });

  test('of a host that has restarted is reset by the next byte', () => {
    const world = two();
    const { stream, closed } = dialling(world, 'a', toB);
    world.runFor(100);
    world.crash('b', 'host');
    world.restart('b');
    world.runFor(1_000);
    expect(closed).toEqual({});
    stream.write(new Uint8Array(10));
    world.runFor(100);
    expect(closed.reason).toBe('reset');
  });

  test('to a stopped process opens, fills its kernel’s buffer, and comes through on resume', () => {
    const world = two({ streams: { windowBytes: 50_000 } });
    world.pause('b');
    const { stream, log, closed } = dialling(world, 'a', toB);
    expect(stream.write(new Uint8Array(200_000))).toBe(false);
    world.runFor(60_000);
    expect([log, closed, world.node('b').bytes]).toEqual([['open@20'], {}, 0]);
    world.resume('b');
    world.runFor(1_000);
    expect([log, world.node('b').bytes]).toEqual([['open@20', 'drain'], 200_000]);
  });

  test('to a stopped process that then loses its power times out, though no byte was on its way', () => {
    const world = two({ streams: { windowBytes: 1_000, timeoutMs: 5_000 } });
    world.pause('b');
    const { stream, closed } = dialling(world, 'a', toB);
    stream.write(new Uint8Array(2_000));
    world.runFor(20_000);
    world.crash('b', 'host');
    world.runFor(20_000);
    expect(closed.reason).toBe('timeout');
  });

  test('more of them than the backlog wait for a stopped process', () => {
    const world = two({ streams: { backlogMax: 2 } });
    world.pause('b');
    const dials = [1, 2, 3].map(() => dialling(world, 'a', toB));
    world.runFor(2_000);
    expect(dials.map(({ log }) => log.length)).toEqual([1, 1, 0]);
    world.resume('b');
    world.runFor(5_000);
    expect(dials.map(({ log }) => log.length)).toEqual([1, 1, 1]);
  });

  test('within one host needs no network', () => {
    const world = two();
    world.network.cut({ from: 'b', to: 'b' });
    const { stream } = dialling(world, 'b', toB);
    stream.write(new Uint8Array(10));
    world.runFor(1);
    expect(world.node('b').bytes).toBe(10);
  });
});

test('a port has one owner', () => {
  const world = two();
  expect(() => world.host('b').streams(port)).toThrow(/is already open/);
});
