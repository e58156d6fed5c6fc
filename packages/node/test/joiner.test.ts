import { GrpError, type Address, type Random } from '@grp/core';
import { expect, test } from 'vitest';
import { nodeConfig } from '../src/config.ts';
import { Joiner } from '../src/joiner.ts';
import { FakeSwim, member } from './support/fake-swim.ts';
import { ManualClock, settle } from './support/manual-clock.ts';
import { recordingLogger } from './support/recording-logger.ts';

// Always the longest pause, so that the times below are exact but for one part in 2³².
const longest: Random = { nextU32: () => 0xff_ff_ff_ff, fork: () => longest };
const unreachable = new GrpError({ code: 'SWIM_JOIN_FAILED', kind: 'unreachable', message: 'Nobody.' });

function setUp(seeds: readonly string[], remembered: readonly string[] = []) {
  const [clock, swim, logger] = [new ManualClock(), new FakeSwim(), recordingLogger()];
  const heard = { joined: 0, fatal: [] as GrpError[] };
  const joiner = new Joiner({
    swim,
    seeds,
    remembered,
    clock,
    random: longest,
    logger,
    config: nodeConfig.defaults,
    onJoined: () => heard.joined++,
    onFatal: (error) => void heard.fatal.push(error),
  });
  return { clock, swim, logger, heard, joiner, attempts: () => swim.calls.length };
}

test('without seeds it is ready at once and asks nobody', async () => {
  const { joiner, heard, attempts } = setUp([]);
  expect(joiner.ready).toBe(false);
  await joiner.start();
  expect([joiner.ready, heard.joined, attempts()]).toEqual([true, 1, 0]);
});

test('a seed that answers makes it ready', async () => {
  const { joiner, swim, heard, logger } = setUp(['a:1', 'b:2']);
  await joiner.start();
  expect([joiner.ready, heard.joined]).toEqual([true, 1]);
  expect(swim.calls).toEqual([['join', ['a:1', 'b:2'], 5_000]]);
  expect(logger.events()).toEqual(['node.joined']);
});

test('it tries again with growing pauses until a seed answers', async () => {
  const { joiner, swim, clock, heard, attempts } = setUp(['a:1']);
  swim.onJoin = () => Promise.reject(unreachable);
  await joiner.start(); // resolves although the attempt failed
  expect([joiner.ready, attempts()]).toEqual([false, 1]);
  const times: number[] = [];
  for (let at = 0; at < 40_000; at += 250) {
    const before = attempts();
    await clock.advance(250);
    if (attempts() > before) times.push(clock.now());
  }
  expect(times).toEqual([250, 750, 1_750, 3_750, 7_750, 15_750, 25_750, 35_750]);
  swim.onJoin = () => Promise.resolve({ contacted: [], failed: [] });
  await clock.advance(10_000);
  // What is left is the look whether it is alone.
  expect([joiner.ready, heard.joined, clock.pendingCount]).toEqual([true, 1, 1]);
  joiner.stop();
  await settle();
  expect(clock.pendingCount).toBe(0);
});

test('once joined it asks the seeds again only while nobody else is alive', async () => {
  const { joiner, swim, clock, logger, attempts } = setUp(['a:1']);
  swim.others = [member('cid')];
  await joiner.start();
  await clock.advance(60_000);
  expect(attempts()).toBe(1);
  swim.others = [member('cid', { status: 'left' })];
  swim.onJoin = () => Promise.reject(unreachable);
  await clock.advance(20_000);
  expect(attempts()).toBe(3);
  swim.onJoin = () => Promise.resolve({ contacted: ['a:1' as Address], failed: [] });
  await clock.advance(10_000);
  expect(logger.events()).toEqual(['node.joined', 'node.rejoined']);
  joiner.stop();
});

test('a name that is taken ends the node instead of being tried again', async () => {
  const { joiner, swim, clock, heard } = setUp(['a:1']);
  const taken = new GrpError({ code: 'SWIM_NAME_TAKEN', kind: 'conflict', message: 'Taken.' });
  swim.onJoin = () => Promise.reject(taken);
  await joiner.start();
  expect([heard.fatal, clock.pendingCount, joiner.ready]).toEqual([[taken], 0, false]);
});

test('stop ends an attempt under way and the ones after it, without a word', async () => {
  const { joiner, swim, clock, heard, logger } = setUp(['a:1']);
  swim.onJoin = (_seeds, options) =>
    new Promise((_, reject) => options?.signal?.addEventListener('abort', () => reject(unreachable)));
  const starting = joiner.start();
  joiner.stop();
  await starting;
  expect([clock.pendingCount, heard.joined, logger.events()]).toEqual([0, 0, []]);
});

test('stop during a pause takes the timer back', async () => {
  const { joiner, swim, clock, attempts } = setUp(['a:1']);
  swim.onJoin = () => Promise.reject(unreachable);
  await joiner.start();
  await settle();
  expect(clock.pendingCount).toBe(1);
  joiner.stop();
  await settle();
  expect([clock.pendingCount, attempts()]).toEqual([0, 1]);
});

test('remembered peers help the seeds', async () => {
  const { joiner, swim } = setUp(['a:1'], ['b:2']);
  await joiner.start();
  expect(swim.calls).toEqual([['join', ['a:1', 'b:2'], 5_000]]);
});

test('remembered peers alone keep nobody waiting, and are forgotten once somebody is there', async () => {
  const { joiner, swim, clock, attempts, logger } = setUp([], ['b:2']);
  swim.onJoin = () => Promise.reject(unreachable);
  await joiner.start();
  expect(joiner.ready).toBe(true);
  await clock.advance(300);
  expect(attempts()).toBe(2);
  expect(logger.lines.map(({ level }) => level)).toEqual(['info', 'info']);
  swim.others = [member('cid')];
  await clock.advance(60_000);
  expect([attempts(), clock.pendingCount]).toEqual([2, 0]);
});

test('a join by hand makes the node ready and ends the retries', async () => {
  const { joiner, swim, clock, heard, attempts } = setUp(['a:1']);
  swim.onJoin = () => Promise.reject(unreachable);
  swim.others = [member('cid')];
  await joiner.start();
  joiner.noteJoined();
  joiner.noteJoined();
  await clock.advance(60_000);
  expect([joiner.ready, heard.joined, attempts()]).toEqual([true, 1, 1]);
});
