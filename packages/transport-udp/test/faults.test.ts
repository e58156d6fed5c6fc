import { BandwidthMeter } from '@grp/core';
import { faultConfig, injectFaults, type FaultOptions, type Faults, type FaultyParts } from '@grp/transport-udp';
import { describe, expect, test } from 'vitest';
import { FakeClock, fakeRandom, FakeStreams, FakeTransport, flush } from './fakes.ts';
import { address, bytesOf, Heard } from './helpers.ts';

const self = address('10.0.0.1:7946');
const peer = address('10.0.0.2:7946');
const other = address('10.0.0.3:7946');

interface Rig {
  readonly clock: FakeClock;
  readonly base: FakeTransport;
  readonly ends: FakeStreams;
  readonly meter: BandwidthMeter;
  readonly network: FaultyParts & { readonly faults: Faults };
}

function rig(options: Partial<FaultOptions> = {}, own = self): Rig {
  const clock = new FakeClock();
  const [base, ends, meter] = [new FakeTransport(own), new FakeStreams(own), new BandwidthMeter(clock)];
  const parts: FaultyParts = { transport: base, streams: ends, meter, close: async () => {} };
  return { clock, base, ends, meter, network: injectFaults(parts, { clock, random: fakeRandom(), ...options }) };
}

describe('datagrams', () => {
  test('pass untouched without faults', () => {
    const { base, network } = rig();
    network.transport.send(peer, bytesOf('hello'));
    expect(base.sent).toEqual([{ to: peer, payload: bytesOf('hello') }]);
    expect(network.transport).toMatchObject({ self, maxPayloadBytes: 1_400, delivery: 'best-effort' });
  });

  test('are lost and doubled as often as asked, and counted', () => {
    const { base, meter, network } = rig({ loss: 0.2, duplicate: 0.1 });
    for (let count = 0; count < 10_000; count++) network.transport.send(peer, bytesOf('x'));
    const { 'fault.loss': lost = 0, 'fault.duplicate': doubled = 0 } = meter.report().dropped;
    expect(lost / 10_000).toBeCloseTo(0.2, 1);
    expect(doubled / (10_000 - lost)).toBeCloseTo(0.1, 1);
    expect(base.sent).toHaveLength(10_000 - lost + doubled);
  });

  test('are lost on arrival only when asked', () => {
    const { base, meter, network } = rig({ loss: 1, lossIncoming: 0 });
    let heard = 0;
    network.transport.onReceive(() => heard++);
    base.deliver(peer, bytesOf('x'));
    expect(heard).toBe(1);
    network.faults.set({ lossIncoming: 1 });
    base.deliver(peer, bytesOf('x'));
    expect(heard).toBe(1);
    expect(meter.droppedCount('fault.loss-incoming')).toBe(1);
  });

  test('are delayed between delayMs and delayMs + delayJitterMs, and overtake each other', async () => {
    const { clock, base, network } = rig({ delayMs: 20, delayJitterMs: 10 });
    const buffer = new Uint8Array(1);
    for (let count = 0; count < 50; count++) {
      buffer[0] = count;
      network.transport.send(peer, buffer);
    }
    await clock.run(19.9);
    expect(base.sent).toHaveLength(0);
    await clock.run(10.2);
    const order = base.sent.map(({ payload }) => payload[0] ?? 0);
    expect(order).not.toEqual(order.toSorted((a, b) => a - b));
    expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  test('on their way are bounded', () => {
    const { clock, meter, network } = rig({ delayMs: 20, pendingMax: 3 });
    for (let count = 0; count < 5; count++) network.transport.send(peer, bytesOf('x'));
    expect(meter.droppedCount('fault.delay-full')).toBe(2);
    expect(clock.timerCount).toBe(3);
  });

  test('are dropped both ways while the peer is blocked, also those on their way', async () => {
    const { clock, base, meter, network } = rig({ delayMs: 20 });
    const heard: string[] = [];
    network.transport.onReceive((from) => heard.push(from));
    network.transport.send(peer, bytesOf('on its way'));
    network.faults.block([peer]);
    network.transport.send(peer, bytesOf('x'));
    network.transport.send(other, bytesOf('y'));
    base.deliver(peer, bytesOf('z'));
    base.deliver(other, bytesOf('z'));
    await clock.run(100);
    expect(base.sent.map(({ to }) => to)).toEqual([other]);
    expect(heard).toEqual([other]);
    expect(meter.droppedCount('fault.blocked')).toBe(3);
    network.faults.unblock();
    base.deliver(peer, bytesOf('z'));
    network.transport.send(peer, bytesOf('x'));
    await clock.run(20);
    expect(heard).toEqual([other, peer]);
    expect(base.sent).toHaveLength(2);
  });

  test('that wait are forgotten when the network closes', async () => {
    const { clock, base, network } = rig({ delayMs: 20 });
    network.transport.send(peer, bytesOf('x'));
    await network.close();
    await clock.run(100);
    expect(base.sent).toEqual([]);
    expect(base.closed).toBe(true);
  });
});

describe('settings', () => {
  test('have bounds, and every problem is told at once', () => {
    expect(() => rig({ loss: 2, delayMs: -1 })).toThrow(/loss must be .*; delayMs must be/);
    const { network } = rig({ loss: 0.1 });
    expect(() => network.faults.set({ duplicate: -1 })).toThrow(/duplicate/);
    expect(network.faults.get()).toEqual({ ...faultConfig.defaults, loss: 0.1 });
    network.faults.set({ delayMs: 2.5 });
    expect(network.faults.get()).toEqual({ ...faultConfig.defaults, loss: 0.1, delayMs: 2.5 });
  });
});

describe('streams', () => {
  function dialled(built: Rig, timeoutMs = 10_000): { heard: Heard; end: () => FakeStreams['dialled'][number] } {
    const heard = new Heard();
    heard.stream = built.network.streams.dial(peer, heard, { timeoutMs });
    return {
      heard,
      end: () => {
        const last = built.ends.dialled.at(-1);
        if (last === undefined) throw new Error('not dialled yet');
        return last;
      },
    };
  }

  test('pass untouched without faults', async () => {
    const built = rig();
    const { heard, end } = dialled(built);
    heard.stream?.write(bytesOf('early'));
    end().handlers.onOpen?.();
    end().handlers.onData?.(bytesOf('answer'));
    heard.stream?.write(bytesOf('late'));
    heard.stream?.end();
    expect(end()).toMatchObject({ written: ['early', 'late'], ended: true });
    end().handlers.onEnd?.();
    end().close('ended');
    expect(heard).toMatchObject({ opened: true, text: 'answer', ended: true, closed: 'ended' });
    expect(built.clock.timerCount).toBe(0);
  });

  test('take bytes that are given, and keep copies of what they hold back', async () => {
    const built = rig();
    const { heard, end } = dialled(built);
    end().handlers.onOpen?.();
    let free = 0;
    expect(heard.stream?.give?.(bytesOf('at once'), () => void free++)).toBe(true);
    built.network.faults.set({ delayMs: 10 });
    const later = bytesOf('later');
    heard.stream?.give?.(later, () => void free++);
    expect([end().written, free]).toEqual([['at once'], 2]);
    later.fill(0);
    await built.clock.run(10);
    expect(end().written).toEqual(['at once', 'later']);
    heard.stream?.end();
    expect(heard.stream?.give?.(later, () => void free++)).toBe(false);
    await flush();
    expect(free).toBe(3);
  });

  test('are delayed in order: the dial, the bytes and the end', async () => {
    const built = rig({ delayMs: 10, delayJitterMs: 10 });
    const { heard, end } = dialled(built);
    expect(built.ends.dialled).toEqual([]);
    await built.clock.run(20);
    expect(end().peer).toBe(peer);
    for (const text of ['a', 'b', 'c', 'd']) heard.stream?.write(bytesOf(text));
    heard.stream?.end();
    expect(heard.stream?.write(bytesOf('after the end'))).toBe(false);
    await built.clock.run(9.9);
    expect(end().written).toEqual([]);
    await built.clock.run(10.1);
    expect(end()).toMatchObject({ written: ['a', 'b', 'c', 'd'], ended: true });
  });

  test('stay whole under loss, and are late instead', async () => {
    const built = rig();
    const { heard, end } = dialled(built);
    end().handlers.onOpen?.();
    built.network.faults.set({ loss: 0.5 });
    const start = built.clock.now();
    for (let count = 0; count < 10; count++) heard.stream?.write(bytesOf(`${count}`));
    await built.clock.run(199);
    expect(end().written.length).toBeLessThan(10);
    await built.clock.run(100_000);
    expect(end().written).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(built.clock.now() - start).toBeGreaterThan(200);
  });

  test('hold the writer back at 64 KiB of delayed bytes, tell when it may go on, and cut off one that does not heed', async () => {
    const built = rig({ delayMs: 10 });
    const { heard, end } = dialled(built);
    await built.clock.run(10);
    const chunk = new Uint8Array(32_768);
    expect([1, 2, 3].map(() => heard.stream?.write(chunk))).toEqual([true, false, false]);
    expect(heard.drained).toBe(0);
    end().room = false;
    await built.clock.run(10);
    expect([end().written.length, heard.drained]).toEqual([1, 0]); // the stream below is full
    end().room = true;
    end().handlers.onDrain?.();
    expect([end().written.length, heard.drained]).toEqual([3, 1]);
    for (let count = 0; count < 600 && heard.closed === undefined; count++) heard.stream?.write(chunk);
    await flush();
    expect(heard.closed).toBe('aborted');
    expect(built.meter.droppedCount('fault.stream-overflow')).toBe(1);
  });

  test('to a blocked peer end in a timeout', async () => {
    const built = rig();
    built.network.faults.block([peer]);
    const { heard } = dialled(built, 500);
    heard.stream?.write(bytesOf('x'));
    await built.clock.run(499);
    expect([heard.closed, built.ends.dialled.length]).toEqual([undefined, 0]);
    await built.clock.run(1);
    expect([heard.closed, built.ends.dialled.length]).toEqual(['timeout', 0]);
    expect(built.clock.timerCount).toBe(0);
  });

  test('to a blocked peer connect when it heals in time, with what is left of the timeout', async () => {
    const built = rig();
    built.network.faults.block([peer, other]);
    const { heard, end } = dialled(built, 500);
    heard.stream?.write(bytesOf('x'));
    await built.clock.run(200);
    built.network.faults.unblock();
    end().handlers.onOpen?.();
    expect(built.ends.timeouts).toEqual([300]);
    expect([heard.opened, end().written]).toEqual([true, ['x']]);
  });

  test('whose handshake the partition cuts end in a timeout too', async () => {
    const built = rig();
    const { heard, end } = dialled(built, 500);
    built.network.faults.block([peer]);
    end().handlers.onOpen?.();
    await built.clock.run(500);
    expect([heard.opened, heard.closed]).toEqual([false, 'timeout']);
    expect(end().aborted).toBe(true);
  });

  test('that are open deliver nothing while blocked, and everything once healed', async () => {
    const built = rig();
    const { heard, end } = dialled(built);
    end().handlers.onOpen?.();
    built.network.faults.block([peer]);
    expect(end().paused).toBe(true);
    heard.stream?.write(bytesOf('out'));
    heard.stream?.end();
    end().handlers.onData?.(bytesOf('in'));
    end().handlers.onEnd?.();
    await built.clock.run(30_000);
    expect([end().written, heard.text, heard.ended]).toEqual([[], '', false]);
    built.network.faults.unblock();
    await flush();
    expect([end().written, end().ended, heard.text, heard.ended]).toEqual([['out'], true, 'in', true]);
    expect(end().paused).toBe(false);
    end().close('ended');
    expect([heard.closed, built.clock.timerCount]).toEqual(['ended', 0]);
  });

  test('that are open time out in a long partition, and the real stream goes too', async () => {
    const built = rig({ stallTimeoutMs: 5_000 });
    const { heard, end } = dialled(built);
    end().handlers.onOpen?.();
    built.network.faults.block([peer]);
    await built.clock.run(4_999);
    expect(heard.closed).toBeUndefined();
    await built.clock.run(1);
    expect([heard.closed, end().aborted]).toEqual(['timeout', true]);
  });

  test('keep what the peer did to them from their owner until the partition heals', async () => {
    const built = rig();
    const { heard, end } = dialled(built);
    end().handlers.onOpen?.();
    built.network.faults.block([peer]);
    end().close('reset');
    await flush();
    expect(heard.closed).toBeUndefined();
    built.network.faults.unblock();
    expect(heard.closed).toBe('reset');
  });

  test('may be aborted at every stage, and say so once', async () => {
    const blockedDial = rig();
    blockedDial.network.faults.block([peer]);
    const first = dialled(blockedDial).heard;
    first.stream?.abort();
    first.stream?.abort();
    expect(first.closed).toBeUndefined(); // never inside the call
    await flush();
    expect([first.closed, blockedDial.clock.timerCount]).toEqual(['aborted', 0]);

    const stalled = rig();
    const second = dialled(stalled);
    second.end().handlers.onOpen?.();
    stalled.network.faults.block([peer]);
    second.heard.stream?.abort();
    await flush();
    expect([second.heard.closed, stalled.clock.timerCount]).toEqual(['aborted', 0]);

    const gone = rig();
    const third = dialled(gone);
    gone.network.faults.block([peer]);
    third.end().close('reset');
    third.heard.stream?.abort();
    await flush();
    expect([third.heard.closed, gone.clock.timerCount]).toEqual(['aborted', 0]);
  });

  test('stay paused through a partition when their owner paused them', () => {
    const built = rig();
    const { heard, end } = dialled(built);
    heard.stream?.pause();
    built.network.faults.block([peer]);
    built.network.faults.unblock();
    expect(end().paused).toBe(true);
    built.network.faults.block([peer]);
    heard.stream?.resume();
    expect(end().paused).toBe(true);
    built.network.faults.unblock();
    expect(end().paused).toBe(false);
  });

  test('from a blocked host are not shown to the acceptor before the partition heals', async () => {
    const built = rig();
    const accepted: Heard[] = [];
    built.network.streams.onAccept((stream) => {
      const heard = new Heard();
      heard.stream = stream;
      accepted.push(heard);
      return heard;
    });
    built.network.faults.block([peer]);
    const end = built.ends.arrive(address('10.0.0.2:40000'));
    expect([accepted.length, end?.paused]).toEqual([0, true]);
    built.ends.arrive(address('10.0.0.3:40000'));
    expect(accepted).toHaveLength(1);
    built.network.faults.unblock();
    expect(accepted).toHaveLength(2);
    end?.handlers.onData?.(bytesOf('hello'));
    expect(accepted[1]?.text).toBe('hello');
    built.network.faults.block([peer]);
    end?.handlers.onEnd?.();
    expect(accepted[1]?.ended).toBe(false);
  });

  test('from this very host are held by their dialler alone', () => {
    const built = rig({}, address('127.0.0.1:7946'));
    const heard = new Heard();
    built.network.streams.onAccept(() => heard);
    built.network.faults.block([address('127.0.0.1:7947')]);
    const end = built.ends.arrive(address('127.0.0.1:40000'));
    end?.handlers.onData?.(bytesOf('hello'));
    expect(heard.text).toBe('hello');
  });

  test('that nobody wants are refused, at once or after the partition', async () => {
    const built = rig();
    const cancel = built.network.streams.onAccept(() => undefined);
    expect(built.ends.arrive(address('10.0.0.2:40000'))).toBeUndefined();
    built.network.faults.block([peer]);
    const end = built.ends.arrive(address('10.0.0.2:40001'));
    built.network.faults.unblock();
    expect(end?.aborted).toBe(true);
    cancel();
    expect(built.ends.arrive(address('10.0.0.3:40002'))).toBeUndefined();
  });

  test('all end when the network closes, whatever state they are in', async () => {
    const built = rig({ delayMs: 10 });
    const waiting = dialled(built).heard;
    await built.clock.run(10);
    const open = dialled(built);
    built.network.faults.block([peer]);
    const closing = built.network.close();
    await flush();
    await closing;
    expect([waiting.closed, open.heard.closed]).toEqual(['aborted', 'aborted']);
    const late = dialled(built).heard;
    await flush();
    expect([late.closed, built.clock.timerCount]).toEqual(['aborted', 0]);
  });
});
