// Each checker must fail on a protocol that is broken on purpose, or its silence elsewhere means nothing.
import type { Clock, Random, Transport } from '@grp/core';
import { runSeeds, type Host } from '@grp/sim';
import type { SwimPorts } from '@grp/swim';
import { expect, test } from 'vitest';
import {
  chaosRun,
  flappingRun,
  killRun,
  steadyRun,
  SwimRun,
  type Observation,
  type SwimRunOptions,
  type Violation,
} from '../src/index.ts';

const common = { seed: 1, nodeCount: 6 };

function of(violations: readonly Violation[], checker: string): readonly string[] {
  return violations.filter((violation) => violation.checker === checker).map(({ message }) => message);
}

/** A transport of one member that sends, or takes in, only what passes. */
function filtered(
  transport: Transport,
  { sends = () => true, takes = () => true }: { sends?: () => boolean; takes?: (payload: Uint8Array) => boolean },
): Transport {
  return {
    self: transport.self,
    maxPayloadBytes: transport.maxPayloadBytes,
    delivery: transport.delivery,
    send: (to, payload) => (sends() ? transport.send(to, payload) : undefined),
    onReceive: (listener) =>
      transport.onReceive((from, payload) => (takes(payload) ? listener(from, payload) : undefined)),
    close: () => transport.close(),
  };
}

/** The ports of one member changed, everybody else's as they are. */
function only(name: string, change: (ports: SwimPorts) => Partial<SwimPorts>): NonNullable<SwimRunOptions['ports']> {
  return (host: Host, ports: SwimPorts) => (host.name === name ? { ...ports, ...change(ports) } : ports);
}

/** A clock on which nothing ever comes due. */
function stopped(clock: Clock): Clock {
  return { now: () => clock.now(), wallMs: () => clock.wallMs(), wakeAt: () => () => {} };
}

const plainSwim = {
  suspicionMinMs: 20,
  refusedSuspicionMinMs: 10,
  suspicionMaxFactor: 1,
  confirmationCount: 0,
  streamProbe: false,
  relayCount: 0,
};

test('accuracy: plain SWIM without suspicion declares healthy members down under loss', () => {
  const run = { ...common, network: { loss: 0.1 }, durationMs: 60_000 };
  expect(of(steadyRun({ ...run, config: plainSwim }).violations, 'accuracy').length).toBeGreaterThan(5);
  expect(steadyRun(run).violations).toEqual([]);
});

test('accuracy: suspicion that nobody confirms or refutes in time, among members that flap', () => {
  const run = { ...common, nodeCount: 10, illCount: 3, stoppedMs: 8_000, runningMs: 500, durationMs: 40_000 };
  const broken = flappingRun({ ...run, network: { loss: 0.1 }, config: plainSwim });
  expect(of(broken.violations, 'accuracy').length).toBeGreaterThan(0);
});

test('accuracy: a member whose acks and refutations are lost', () => {
  const ports = only('n3', ({ transport }) => ({ transport: filtered(transport, { sends: () => false }) }));
  const { violations } = steadyRun({ ...common, ports, config: { streamProbe: false }, durationMs: 30_000 });
  expect(of(violations, 'accuracy')).toContainEqual(expect.stringContaining('declared n3 down'));
});

test('completeness: a member that neither probes nor hears news keeps the dead in its list', () => {
  const ports = only('n5', ({ transport, clock }) => ({
    clock: stopped(clock as Clock),
    transport: filtered(transport, { takes: () => false }), // what comes in would wake it too
  }));
  const { violations } = killRun({ ...common, ports, kills: 5 });
  expect(of(violations, 'completeness')).toContainEqual(expect.stringMatching(/n5 never noticed that n\d crashed/));
  expect(killRun({ ...common, kills: 5 }).violations).toEqual([]);
});

test('completeness: suspicion that takes longer than promised', () => {
  const config = { suspicionMinMs: 6_000, refusedSuspicionMinMs: 6_000 };
  const { violations } = killRun({ ...common, config, kills: 3 });
  expect(of(violations, 'completeness')).toContainEqual(expect.stringContaining('never noticed'));
});

test('incarnations: a list that takes a member back without a greater incarnation, or with a smaller one', () => {
  const forgetful = ({ event, ...rest }: Observation): Observation =>
    event.type === 'alive'
      ? { ...rest, event: { ...event, member: { ...event.member, incarnation: event.member.incarnation - 2 } } }
      : { ...rest, event };
  const run = { ...common, illCount: 2, stoppedMs: 3_000, runningMs: 1_500, durationMs: 40_000 };
  const name = 'incarnations only rise';
  expect(of(flappingRun({ ...run, retell: forgetful }).violations, name).length).toBeGreaterThan(0);
  expect(flappingRun(run).violations).toEqual([]);
});

test.each([true, false])('a leave is no failure: it goes out: %s', (goesOut) => {
  let isMute = false;
  const ports = only('n4', ({ transport }) => ({ transport: filtered(transport, { sends: () => !isMute }) }));
  const run = new SwimRun({ ...common, ports });
  run.converge(10_000);
  isMute = !goesOut;
  run.leave('n4');
  run.world.runFor(15_000);
  expect(run.leaves.violations.length > 0).toBe(!goesOut);
});

test('agreement: a member whose datagrams are all lost is in no list for long', () => {
  const deaf = { takes: () => false, sends: () => false };
  const ports = only('n6', ({ transport }) => ({ transport: filtered(transport, deaf) }));
  const run = new SwimRun({ ...common, ports, config: { streamProbe: false } });
  run.settle(20_000);
  expect(of(run.finish().violations, 'agreement after calm').length).toBeGreaterThan(0);
});

test.each([0, 10_000])('queues drain: news that had %i ms to go out', (afterMs) => {
  const run = new SwimRun({ ...common, config: { broadcastMembersMax: 0 } });
  run.settle(10_000);
  run.world.node('n2').setTags({ rack: 'b' });
  run.world.runFor(afterMs);
  expect(of(run.finish().violations, 'queues drain')).toHaveLength(afterMs === 0 ? 1 : 0);
});

test('determinism: chance from outside the seed shows in the hash', async () => {
  let draw = 0;
  const random: Random = {
    nextU32: () => (draw = (Math.imul(draw, 1_664_525) + 1_013_904_223) >>> 0),
    fork: () => random,
  };
  const ports = (_host: Host, own: SwimPorts): SwimPorts => ({ ...own, random });
  const report = await runSeeds({
    from: 1,
    to: 1,
    run: (seed) => chaosRun({ seed, nodeCount: 5, durationMs: 5_000, ports }),
  });
  expect(report.failures[0]?.reasons).toContainEqual(expect.stringContaining('not deterministic'));
});
