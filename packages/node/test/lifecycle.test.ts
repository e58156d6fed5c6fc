import { GrpError } from '@grp/core';
import { expect, test } from 'vitest';
import { Lifecycle, type Lifetime } from '../src/lifecycle.ts';
import { ManualClock, settle } from './support/manual-clock.ts';
import { recordingLogger } from './support/recording-logger.ts';

function lifecycle(change: Partial<Lifetime> = {}) {
  const clock = new ManualClock();
  const logger = recordingLogger();
  const done: string[] = [];
  const lifetime: Lifetime = {
    start: async () => void done.push('start'),
    ready: () => true,
    leave: async ({ leave }) => void done.push(leave ? 'leave' : 'vanish'),
    closing: ['http', 'network'].map((what) => ({ what, run: async () => void done.push(what) })),
    ...change,
  };
  const onStopping = (): void => void done.push('stopping');
  const cycle = new Lifecycle({ lifetime, clock, logger, leaveTimeoutMs: 5_000, onStopping });
  return { clock, logger, done, cycle };
}

const never = (): Promise<never> => new Promise(() => {});
const stopped = expect.objectContaining({ code: 'NODE_STOPPED' });

test('start, ready, stop: each step once and in order', async () => {
  const { cycle, done } = lifecycle();
  expect([cycle.state, cycle.isReady]).toEqual(['starting', false]);
  const starting = cycle.start();
  expect(cycle.start()).toBe(starting);
  await starting;
  await cycle.ready();
  expect([cycle.state, cycle.isReady]).toEqual(['running', true]);
  const stopping = cycle.stop();
  expect(cycle.state).toBe('stopping');
  expect(cycle.stop()).toBe(stopping);
  await stopping;
  expect(cycle.state).toBe('stopped');
  expect(done).toEqual(['start', 'stopping', 'leave', 'http', 'network']);
});

test('it is running before it is ready, and ready when a role says so', async () => {
  let joined = false;
  const { cycle } = lifecycle({ ready: () => joined });
  await cycle.start();
  expect([cycle.state, cycle.isReady]).toEqual(['running', false]);
  let told = false;
  void cycle.ready().then(() => (told = true));
  cycle.noteReady();
  await settle();
  expect(told).toBe(false);
  joined = true;
  cycle.noteReady();
  await settle();
  expect([told, cycle.isReady]).toEqual([true, true]);
});

test('a stop in the middle of the start ends both waits with NODE_STOPPED', async () => {
  const { cycle, done } = lifecycle({ start: never });
  const [starting, ready] = [cycle.start(), cycle.ready()];
  const outcome = Promise.allSettled([starting, ready]);
  await cycle.stop();
  expect(await outcome).toEqual([
    { status: 'rejected', reason: stopped },
    { status: 'rejected', reason: stopped },
  ]);
  expect(done).toEqual(['stopping', 'leave', 'http', 'network']);
});

test('a node that was never started has nobody to tell, and cannot be started any more', async () => {
  const { cycle, done } = lifecycle();
  await cycle.stop();
  expect(done).toEqual(['stopping', 'vanish', 'http', 'network']);
  await expect(cycle.start()).rejects.toEqual(stopped);
});

test('stop is bounded: a leave and a close that hang are given up', async () => {
  const hangs = { what: 'network', run: never };
  const { cycle, clock, logger } = lifecycle({ leave: never, closing: [hangs] });
  await cycle.start();
  let over = false;
  void cycle.stop({ timeoutMs: 3_000 }).then(() => (over = true));
  await clock.advance(5_400);
  expect(over).toBe(false);
  await clock.advance(100);
  expect(over).toBe(true);
  expect(logger.lines.filter(({ event }) => event === 'node.stop-slow').map(({ what }) => what)).toEqual([
    'leave',
    'network',
  ]);
  expect(clock.pendingCount).toBe(0);
});

test('a step that fails, at once or later, keeps no other from being taken', async () => {
  const done: string[] = [];
  const { cycle, logger } = lifecycle({
    leave: () => Promise.reject(new Error('x')),
    closing: [
      {
        what: 'throws',
        run: () => {
          throw new Error('y');
        },
      },
      { what: 'last', run: async () => void done.push('last') },
    ],
  });
  await cycle.start();
  await cycle.stop();
  expect(done).toEqual(['last']);
  expect(logger.lines.filter(({ event }) => event === 'node.stop-failed').map(({ what }) => what)).toEqual([
    'leave',
    'throws',
  ]);
});

test('a second stop without leave cuts the first one short', async () => {
  const { cycle } = lifecycle({
    leave: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
  });
  await cycle.start();
  const stopping = cycle.stop();
  await cycle.stop({ leave: false });
  await stopping;
  expect(cycle.state).toBe('stopped');
});

test('a failure stops the node without a leave and tells everyone why', async () => {
  const { cycle, done, logger } = lifecycle({ start: never });
  const cause = new GrpError({ code: 'SWIM_NAME_TAKEN', kind: 'conflict', message: 'Taken.' });
  const heard: unknown[] = [];
  cycle.onStopped((error) => heard.push(error));
  const outcome = Promise.allSettled([cycle.start(), cycle.ready()]);
  cycle.fail(cause);
  cycle.fail(new Error('a second one changes nothing'));
  await settle();
  expect(heard).toEqual([cause]);
  expect((await outcome).map((one) => one.status === 'rejected' && one.reason)).toEqual([cause, cause]);
  expect(done).toEqual(['stopping', 'vanish', 'http', 'network']);
  expect(logger.events()).toContain('node.failed');
});

test('a start that throws is such a failure; what is no GrpError becomes NODE_FAILED', async () => {
  const { cycle } = lifecycle({ start: () => Promise.reject(new Error('boom')) });
  await expect(cycle.start()).rejects.toMatchObject({ code: 'NODE_FAILED', message: 'The node failed: boom.' });
  expect(cycle.state).toBe('stopped');
});

test('onStopped tells once, also whoever asks late, and not who took it back', async () => {
  const { cycle } = lifecycle();
  const heard: string[] = [];
  cycle.onStopped(() => heard.push('early'));
  cycle.onStopped(() => heard.push('cancelled'))();
  await cycle.start();
  await cycle.stop();
  cycle.onStopped((cause) => heard.push(`late ${String(cause)}`));
  await settle();
  expect(heard).toEqual(['early', 'late undefined']);
});

test('whoever waits for both hears of the stop before its wait is refused', async () => {
  const { cycle } = lifecycle({ start: never });
  const order: string[] = [];
  cycle.onStopped(() => order.push('stopped'));
  cycle.start().catch(() => order.push('start'));
  cycle.ready().catch(() => order.push('ready'));
  await cycle.stop();
  await settle();
  expect(order[0]).toBe('stopped');
  expect(order.toSorted()).toEqual(['ready', 'start', 'stopped']);
});
