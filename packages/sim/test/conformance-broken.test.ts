// Each suite must fail an implementation that breaks one promise of its port, in the case that is about that promise.
import { GrpError, silentLogger, type Address, type Clock, type Disk, type Random, type Streams } from '@grp/core';
import type { StreamHandlers, Transport } from '@grp/core';
import {
  clockConformance,
  createWorld,
  diskConformance,
  loggerConformance,
  randomConformance,
  seededRandom,
  streamsConformance,
  transportConformance,
  type TestFunction,
  type World,
} from '@grp/sim';
import { describe, expect, test } from 'vitest';

/** Runs a suite by itself; the titles of the cases that failed. */
async function failing(suite: (test: TestFunction) => void): Promise<string> {
  const cases: [string, () => Promise<void> | void][] = [];
  suite((name, body) => cases.push([name, body]));
  const failed: string[] = [];
  for (const [name, body] of cases) {
    try {
      await body();
    } catch (cause) {
      failed.push(`${name}: ${String(cause)}`);
    }
  }
  return failed.join('\n');
}

const world = (): World<unknown> => createWorld({ seed: 1, nodes: ['a', 'b'] });

/** The same object with some of its members replaced. */
function changed<Port extends object>(port: Port, members: Partial<Port>): Port {
  return new Proxy(port, {
    get(target, name) {
      if (Object.hasOwn(members, name)) return members[name as keyof Port];
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

describe('the transport suite refuses', () => {
  const run = (damage: (transport: Transport, peer: Transport) => Partial<Transport>): Promise<string> =>
    failing((test) =>
      transportConformance({
        name: 'broken',
        test,
        open: () => {
          const w = world();
          const [a, b] = [w.host('a').transport(1), w.host('b').transport(1)];
          return { a: changed(a, damage(a, b)), b: changed(b, damage(b, a)), run: (ms) => w.run(ms), close() {} };
        },
      }),
    );

  test('nothing of the simulated one', async () => expect(await run(() => ({}))).toBe(''));

  test('one that calls back during send', async () => {
    const listeners = new Map<string, (from: Address, payload: Uint8Array) => void>();
    const report = await run((transport) => ({
      onReceive: (listener) => {
        listeners.set(transport.self, listener);
        return () => listeners.delete(transport.self);
      },
      send: (to, payload) => listeners.get(to)?.(transport.self, payload.slice()),
    }));
    expect(report).toContain('never calls the listener during send');
  });

  test('one that delivers the sender’s own bytes', async () => {
    const listeners = new Map<string, (from: Address, payload: Uint8Array) => void>();
    const report = await run((transport) => ({
      onReceive: (listener) => {
        listeners.set(transport.self, listener);
        return () => listeners.delete(transport.self);
      },
      send: (to, payload) => void Promise.resolve().then(() => listeners.get(to)?.(transport.self, payload)),
    }));
    expect(report).toContain('gives the listener bytes to keep and to change');
    expect(report).toContain('copies what it sends');
  });

  test('one that throws for trouble', async () => {
    const report = await run((transport) => ({
      send(to, payload) {
        if (!/:\d+$/.test(to)) throw new Error('EINVAL');
        transport.send(to, payload);
      },
    }));
    expect(report).toContain('sends to nobody and to nonsense without a throw');
  });

  test('one that sends what is too long in two', async () => {
    const report = await run((transport) => ({
      send(to, payload) {
        transport.send(to, payload.subarray(0, 1_000));
        if (payload.length > 1_000) transport.send(to, payload.subarray(1_000));
      },
    }));
    expect(report).toContain('delivers the largest payload');
  });

  test('one that says fifo and is not', async () => {
    const report = await failing((test) =>
      transportConformance({
        name: 'broken',
        test,
        open: () => {
          const w = createWorld({ seed: 1, nodes: ['a', 'b'], network: { duplication: 0.5 } });
          const a = changed<Transport>(w.host('a').transport(1), { delivery: 'fifo' });
          return { a, b: w.host('b').transport(1), run: (ms) => w.run(ms), close() {} };
        },
      }),
    );
    expect(report).toContain('keeps order and sends each datagram once');
  });

  test('one that goes on after close, or whose close hangs', async () => {
    expect(await run(() => ({ close: async () => {} }))).toContain('is silent once closed');
    expect(await run(() => ({ close: () => new Promise(() => {}) }))).toContain('closes within a second');
  });

  test('one that keeps a cancelled listener', async () => {
    const report = await run((transport) => ({
      onReceive: (listener) => (transport.onReceive(listener), () => {}),
    }));
    expect(report).toContain('stops calling a cancelled listener');
  });
});

describe('the streams suite refuses', () => {
  const run = (damage: (streams: Streams) => Partial<Streams>): Promise<string> =>
    failing((test) =>
      streamsConformance({
        name: 'broken',
        test,
        supports: { blackhole: 'not here' },
        open: () => {
          const w = world();
          const [a, b] = [w.host('a').streams(1), w.host('b').streams(1)];
          return { a: changed(a, damage(a)), b: changed(b, damage(b)), run: (ms) => w.run(ms), close() {} };
        },
      }),
    );
  const withHandlers = (change: (handlers: StreamHandlers) => StreamHandlers) => (streams: Streams) => ({
    dial: (to: Address, handlers: StreamHandlers) => streams.dial(to, change(handlers)),
  });

  test('nothing of the simulated one', async () => expect(await run(() => ({}))).toBe(''));

  test('one that opens during dial', async () => {
    const report = await run((streams) => ({
      dial(to, handlers) {
        handlers.onOpen?.();
        return streams.dial(to, handlers);
      },
    }));
    expect(report).toContain('dial returns before any handler is called');
  });

  test('one that closes twice', async () => {
    const report = await run(
      withHandlers((handlers) => ({
        ...handlers,
        onClose(reason) {
          handlers.onClose?.(reason);
          handlers.onClose?.(reason);
        },
      })),
    );
    expect(report).toContain('onClose is called exactly once');
  });

  test('one that calls every end an orderly one', async () => {
    const report = await run(withHandlers((handlers) => ({ ...handlers, onClose: () => handlers.onClose?.('ended') })));
    expect(report).toContain('is refused where nobody listens');
    expect(report).toContain('aborts: the peer sees a reset');
  });

  test('one that swallows bytes now and then', async () => {
    let count = 0;
    const report = await run((streams) => ({
      dial(to, handlers) {
        const stream = streams.dial(to, handlers);
        return changed(stream, { write: (bytes) => (++count % 100 === 0 ? true : stream.write(bytes)) });
      },
    }));
    expect(report).toContain('carries bytes both ways, in order');
  });

  test('one that never holds a writer back', async () => {
    const report = await run((streams) => ({
      dial(to, handlers) {
        const stream = streams.dial(to, handlers);
        return changed(stream, {
          write: (bytes) => {
            stream.write(bytes);
            return true;
          },
        });
      },
    }));
    expect(report).toContain('a writer is held back before 32 MiB');
  });
});

describe('the clock suite refuses', () => {
  const run = (damage: (clock: Clock) => Partial<Clock>): Promise<string> =>
    failing((test) =>
      clockConformance({
        name: 'broken',
        test,
        open: () => {
          const w = world();
          const { clock } = w.host('a');
          return { clock: { ...clock, ...damage(clock) }, run: (ms) => w.run(ms), close() {} };
        },
      }),
    );

  test('nothing of the simulated one', async () => expect(await run(() => ({}))).toBe(''));
  test('one that fires early', async () =>
    expect(await run((clock) => ({ wakeAt: (at, callback) => clock.wakeAt(at - 1, callback) }))).toContain(
      'wakes once, and not early',
    ));
  test('one that fires during the call', async () =>
    expect(
      await run((clock) => ({
        wakeAt(at, callback) {
          if (at > clock.now()) return clock.wakeAt(at, callback);
          callback();
          return () => {};
        },
      })),
    ).toContain('wakes soon, but not at once'));
  test('one that does not cancel', async () =>
    expect(
      await run((clock) => ({
        wakeAt(at, callback) {
          clock.wakeAt(at, callback);
          return () => {};
        },
      })),
    ).toContain('cancels, as often as asked'));
  test('one that is late', async () =>
    expect(await run((clock) => ({ wakeAt: (at, callback) => clock.wakeAt(at + 200, callback) }))).toContain(
      'is punctual',
    ));
  test('one that stands still', async () =>
    expect(await run(() => ({ now: () => 5 }))).toContain('never goes back, and advances'));
});

describe('the random suite refuses', () => {
  const run = (make: () => Random): Promise<string> =>
    failing((test) =>
      randomConformance({ name: 'broken', test, open: () => ({ random: make(), twin: make(), close() {} }) }),
    );
  const wrap = (random: Random, change: (number: number) => number): Random => ({
    nextU32: () => change(random.nextU32()),
    fork: (label) => wrap(random.fork(label), change),
  });

  test('nothing of the simulated one', async () => expect(await run(() => seededRandom(1))).toBe(''));
  test('fractions', async () =>
    expect(await run(() => wrap(seededRandom(1), (number) => number / 2))).toContain('gives whole numbers of 32 bits'));
  test('an unfair bit', async () =>
    expect(await run(() => wrap(seededRandom(1), (number) => (number | 64) >>> 0))).toContain('spreads them evenly'));
  test('a fork that depends on the draws', async () => {
    const shared = (random: Random): Random => ({
      nextU32: () => random.nextU32(),
      fork: (label) => shared(seededRandom(`${label}${random.nextU32()}`)),
    });
    expect(await run(() => shared(seededRandom(1)))).toContain('forks by seed and label alone');
  });
  test('a fork that ignores its label', async () => {
    const same = (): Random => ({ ...wrap(seededRandom(1), (number) => number), fork: same });
    expect(await run(same)).toContain('forks independent streams');
  });
});

describe('the disk suite refuses', () => {
  const run = (damage: (disk: Disk) => Partial<Disk>): Promise<string> =>
    failing((test) =>
      diskConformance({
        name: 'broken',
        test,
        supports: { lock: 'one process' },
        open: () => {
          const w = createWorld({ seed: 3, nodes: ['a'], disk: { capacityBytes: 1_048_576 } });
          const bad = (): Disk => {
            const { disk } = w.host('a');
            return { ...disk, ...damage(disk) };
          };
          const powerCut = (): Disk => {
            w.crash('a', 'host');
            w.restart('a');
            return bad();
          };
          return { disk: bad(), small: bad(), powerCut, run: (ms) => w.run(ms), close() {} };
        },
      }),
    );

  test('nothing of the simulated one', async () => expect(await run(() => ({}))).toBe(''));
  test('one that forgets to sync', async () =>
    expect(await run(() => ({ sync: async () => {} }))).toContain('keeps what was synced when the power is cut'));
  test('one that forgets to sync the folder', async () =>
    expect(await run(() => ({ syncDirectory: async () => {} }))).toContain('when the power is cut'));
  test('one that throws another error', async () =>
    expect(
      await run(() => ({
        size: async () => {
          throw new GrpError({ code: 'ENOENT', kind: 'failure', message: 'no such file' });
        },
      })),
    ).toContain('says which file is not there'));
  test('one whose list is not sorted', async () =>
    expect(await run((disk) => ({ list: async (prefix) => (await disk.list(prefix)).toReversed() }))).toContain(
      'lists by prefix, sorted by code unit',
    ));
  test('one that is never full', async () =>
    expect(
      await run((disk) => ({
        write: (file, offset, bytes) => disk.write(file, offset, bytes.subarray(0, 1_000)),
      })),
    ).toContain('says when it is full'));
});

test('the logger suite refuses one that throws, and one that forgets', async () => {
  const run = (log: (event: string, fields: unknown) => void): Promise<string> =>
    failing((test) =>
      loggerConformance({
        name: 'broken',
        test,
        open: () => ({
          logger: { log: (_, event, fields) => log(event, fields) },
          lines: () => [],
          run() {},
          close() {},
        }),
      }),
    );
  const strict = (_: string, fields: unknown): void => {
    if (JSON.stringify(fields ?? {}).includes('null')) throw new Error('no null');
  };
  expect(await run(strict)).toContain('never throws');
  expect(await run((event) => silentLogger.log('info', event))).toContain('keeps what it was told');
});

test('what is not claimed is shown with its reason, and skipped where the runner can', () => {
  const shown: string[] = [];
  const open = () => ({ logger: silentLogger, close() {} });
  const plain: TestFunction = (name) => shown.push(name);
  const skipping: TestFunction = Object.assign((name: string) => shown.push(name), {
    skip: (name: string) => shown.push(`skipped ${name}`),
  });
  for (const test of [plain, skipping])
    loggerConformance({ name: 'silent', test, supports: { reads: 'it keeps nothing' }, open });
  expect(shown.filter((name) => name.includes('keeps nothing'))).toEqual([
    'silent: keeps what it was told, in order (not claimed: it keeps nothing)',
    'skipped silent: keeps what it was told, in order (not claimed: it keeps nothing)',
  ]);
});
