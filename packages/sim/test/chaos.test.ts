import {
  assertSeeds,
  boundedQueues,
  chaos,
  checkEvents,
  createWorld,
  faultKinds,
  History,
  livenessAfterCalm,
  OperationHistory,
  runSeeds,
  TypedMessages,
  type Chaos,
  type SeedOutcome,
  type World,
} from '@grp/sim';
import { describe, expect, test } from 'vitest';
import { addressOf, talker, type Talker } from './apps.ts';

const nodes = ['a', 'b', 'c', 'd', 'e'];

function talking(seed: number): World<Talker> {
  return createWorld<Talker>({ seed, nodes, start: talker([1, 2, 3, 4, 5].map(addressOf)) });
}

function storm(seed: number): { world: World<Talker>; chaos: Chaos } {
  const world = talking(seed);
  const wild = chaos(world, { durationMs: 20_000, kinds: faultKinds, everyMs: 200, lastsMs: 1_000 });
  return { world, chaos: wild };
}

function scenario(seed: number): SeedOutcome {
  const history = new History({ checkers: [livenessAfterCalm({ withinMs: 500, nodes })] });
  const { world, chaos } = storm(seed);
  world.runFor(20_000);
  const counts = chaos.report();
  world.calm();
  history.record({ type: 'calm', at: world.now });
  for (const name of nodes) world.node(name).heard.length = 0;
  world.runFor(500);
  for (const node of nodes)
    if (world.node(node).heard.length > 0) history.record({ type: 'progress', at: world.now, node });
  return { traceHash: world.traceHash(), violations: history.finish(), counts };
}

describe('chaos', () => {
  test('every kind really happens over some seeds, every run repeats itself, and calm restores', async () => {
    const report = await runSeeds({ from: 1, to: 20, run: scenario });
    assertSeeds(report, { mustHappen: faultKinds });
    expect([report.seedCount, report.repeatedCount]).toEqual([20, 20]);
  });

  test('each seed has its own kinds, and what is not in its plan does not happen', () => {
    const plans = [1, 2, 3, 4, 5, 6].map((seed) => storm(seed).chaos.plan);
    expect(new Set(plans.map((plan) => Object.keys(plan).join())).size).toBeGreaterThan(4);
    const { world, chaos: wild } = storm(1);
    world.runFor(20_000);
    // A wipe begins with a crash.
    const unplanned = Object.entries(wild.report()).filter(([kind]) => !(kind in wild.plan));
    expect(unplanned.filter(([kind, count]) => kind !== 'crash' && count > 0)).toEqual([]);
  });

  test('a majority stays up, spared nodes are left alone, and after calm nothing happens any more', () => {
    const world = talking(7);
    chaos(world, { kinds: ['crash', 'pause', 'host-crash'], swarm: false, everyMs: 100, lastsMs: 5_000, spare: ['a'] });
    let most = 0;
    for (let step = 0; step < 1_000; step++) {
      world.runFor(20);
      most = Math.max(most, nodes.filter((name) => world.state(name) !== 'running').length);
      expect(world.state('a')).toBe('running');
    }
    expect(most).toBe(2);
    world.calm();
    const before = world.counts();
    world.runFor(20_000);
    for (const kind of ['crash', 'pause', 'host-crash', 'start'] as const)
      expect(world.counts()[kind]).toBe(before[kind]);
  });
});

describe('seeds', () => {
  test('a failing seed is named, with its reasons and the command that replays it', async () => {
    const report = await runSeeds({
      from: 1,
      to: 10,
      replay: (seed) => `SEED=${seed} vitest run packages/x`,
      run(seed) {
        if (seed === 4) throw new Error('broke');
        const violations = seed === 7 ? [{ checker: 'agreement', message: 'a and b differ.' }] : [];
        return { traceHash: 'same', violations };
      },
    });
    expect(() => assertSeeds(report)).toThrow(
      [
        '2 of 10 seeds failed.',
        'seed 4: Error: broke',
        '  replay: SEED=4 vitest run packages/x',
        'seed 7: agreement: a and b differ.',
        '  replay: SEED=7 vitest run packages/x',
      ].join('\n'),
    );
  });

  test('a run that does not repeat itself is a failure', async () => {
    let count = 0;
    const report = await runSeeds({ from: 1, to: 4, repeatEvery: 2, run: () => ({ traceHash: `${count++}` }) });
    expect(report.failures.map(({ seed }) => seed)).toEqual([1, 3]);
    expect(report.failures[0]?.reasons).toEqual(['not deterministic: 0, then 1']);
  });

  test('a fault that never happened is a failure too, and so many failures are enough', async () => {
    const vacuous = await runSeeds({ from: 1, to: 3, run: () => ({ traceHash: '', counts: { loss: 0 } }) });
    expect(() => assertSeeds(vacuous, { mustHappen: ['loss'] })).toThrow(/never happened in any seed: loss/);
    const broken = await runSeeds({ from: 1, to: 100, failuresMax: 3, run: () => Promise.reject(new Error('no')) });
    expect([broken.seedCount, broken.failures.length]).toEqual([3, 3]);
  });
});

describe('checkers', () => {
  test('bounded queues: the worst of each queue, unknown queues, and what is left', () => {
    const queue = (at: number, size: number, name = 'inbox') => ({ type: 'queue', at, node: 'a', queue: name, size });
    const checker = () => boundedQueues({ limits: { inbox: 10 }, restMax: 2 });
    expect(checkEvents([queue(1, 10), { type: 'other' }, queue(2, 2)], checker())).toEqual([]);
    const bad = checkEvents([queue(1, 11), queue(2, 15), queue(3, 3), queue(4, 1, 'outbox')], checker());
    expect(bad.map(({ message }) => message)).toEqual([
      'inbox of a held 15, and its limit is 10.',
      'outbox of a has no limit.',
      'inbox of a still holds 3 at the end; 2 would be right.',
    ]);
  });

  test('liveness: progress counts after the last calm, and in time', () => {
    const calm = (at: number) => ({ type: 'calm', at });
    const progress = (node: string, at: number) => ({ type: 'progress', node, at });
    const check = (events: readonly { readonly type: string }[]): string[] =>
      checkEvents(events, livenessAfterCalm({ withinMs: 100, nodes: ['a', 'b'] })).map(({ message }) => message);
    expect(check([calm(10), progress('a', 50), progress('b', 110)])).toEqual([]);
    expect(check([progress('a', 5), progress('b', 6), calm(10), progress('a', 111)])).toEqual([
      'a made progress only at 111 ms; calm came at 10 ms.',
      'b made no progress at all; calm came at 10 ms.',
    ]);
    expect(check([progress('a', 5)])).toEqual(['Calm never came.']);
  });

  test('a history keeps the first events, and checkers see all', () => {
    const history = new History<{ type: string }>({
      keepMax: 2,
      checkers: [{ name: 'none', observe() {}, finish: () => [{ checker: 'none', message: 'x' }] }],
    });
    for (let count = 0; count < 5; count++) history.record({ type: `${count}` });
    expect([history.count, history.events.length, history.finish().length]).toEqual([5, 2, 1]);
  });

  test('operations: a client whose result is unknown goes on under another name', () => {
    let now = 0;
    const operations = new OperationHistory<number>(() => now++);
    const write = operations.begin({ process: 'c1', f: 'write', key: 'x', value: 5 });
    write.info();
    write.ok(6); // too late
    operations.begin({ process: 'c1', f: 'read', key: 'x' }).ok(5);
    operations.begin({ process: 'c2', f: 'write', key: 'x', value: 7 }).fail();
    operations.begin({ process: 'c3', f: 'read', key: 'x' });
    expect(operations.toJsonLines().trim().split('\n')).toEqual([
      '{"process":"c1","f":"write","key":"x","value":5,"call":0,"return":null,"out":null,"type":"info"}',
      '{"process":"c1~1","f":"read","key":"x","value":null,"call":1,"return":2,"out":5,"type":"ok"}',
      '{"process":"c2","f":"write","key":"x","value":7,"call":3,"return":4,"out":null,"type":"fail"}',
      '{"process":"c3","f":"read","key":"x","value":null,"call":5,"return":null,"out":null,"type":"info"}',
    ]);
  });
});

test('typed messages cross the simulated network without a codec, and old ones are lost', () => {
  const messages = new TypedMessages<{ readonly text: string }>({ keepMax: 3 });
  const world = createWorld<string[]>({
    seed: 1,
    nodes: ['a', 'b'],
    network: { duplication: 1, delay: 1 },
    start(host) {
      const heard: string[] = [];
      const transport = messages.over(host.transport(7_946));
      transport.onReceive((from, { text }) => heard.push(`${from} ${text}`));
      for (let number = 0; host.name === 'a' && number < 4; number++)
        transport.send(addressOf(2), { text: `m${number}` });
      return heard;
    },
  });
  world.runFor(10);
  expect([...new Set(world.node('b'))]).toEqual(['m1', 'm2', 'm3'].map((text) => `10.0.0.1:7946 ${text}`));
  expect(world.node('b').length).toBe(6);
});
