import { GrpError } from '@grp/core';
import { createWorld, type World } from '@grp/sim';
import { describe, expect, test } from 'vitest';
import { createSwim, swimConfig, type Swim, type SwimEvent, type SwimOptions, type SwimPorts } from '../src/index.ts';
import { Cluster, port, type ClusterOptions } from './support/cluster.ts';

const key = new Uint8Array(32).fill(7);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What a promise came to, without waiting for it. */
function watch<Value>(promise: Promise<Value>): { state: string; value?: Value; error?: unknown } {
  const seen: { state: string; value?: Value; error?: unknown } = { state: 'pending' };
  promise.then(
    (value) => Object.assign(seen, { state: 'resolved', value }),
    (error: unknown) => Object.assign(seen, { state: 'rejected', error }),
  );
  return seen;
}

function codeOf(seen: { error?: unknown }): string {
  const { error } = seen;
  return error instanceof GrpError ? error.code : String(error);
}

/** One member that has not been started. */
function unstarted(options: SwimOptions = {}, ports: Partial<SwimPorts> = {}): { swim: Swim; world: World<Swim> } {
  let swim: Swim | undefined;
  const world = createWorld<Swim>({
    seed: 1,
    nodes: ['n1'],
    start: (host) => {
      const { clock, random } = host;
      swim = createSwim(
        { transport: host.transport(port), streams: host.streams(port), clock, random, ...ports },
        options,
      );
      return swim;
    },
  });
  if (swim === undefined) throw new Error('the node did not start');
  return { swim, world };
}

function cluster(options: ClusterOptions = {}): Cluster {
  return new Cluster({ count: 3, ...options }).form();
}

function thrownBy(action: () => unknown): GrpError {
  try {
    action();
  } catch (error) {
    if (error instanceof GrpError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('making a member', () => {
  test.each(['', 'a b', 'a#1', 'é', 'x'.repeat(64), 'a/b'])('the name %j is refused with a hint', (name) => {
    const error = thrownBy(() => unstarted({ name }).swim);
    const cause = error.cause;
    expect(cause).toMatchObject({ code: 'SWIM_NAME_INVALID', kind: 'usage', context: { name } });
    expect((cause as GrpError).hint).toContain('1 to 63');
  });

  test('without a name it is the address, in letters that a name may have', () => {
    expect(unstarted().swim.self).toMatchObject({ name: '10.0.0.1-7946', address: '10.0.0.1:7946', status: 'alive' });
  });

  test('its life begins with its clock: id, startedAt and incarnation say so', () => {
    const { self } = unstarted({ name: 'ann' }).swim;
    const startedAt = Date.UTC(2026, 0, 1);
    expect(self).toMatchObject({ id: `ann#${startedAt}`, startedAt, incarnation: startedAt / 1_000 });
  });

  test('settings that are wrong are named all at once', () => {
    const error = thrownBy(() => unstarted({ config: { probeIntervalMs: 1, gossipFanout: 99 } }));
    expect(error.cause).toMatchObject({ code: 'CONFIG_INVALID' });
    expect((error.cause as Error).message).toMatch(/probeIntervalMs.*gossipFanout/s);
  });

  test('tags beyond 512 bytes are refused, at the start and later', async () => {
    const tags = { role: 'x'.repeat(500) };
    expect(thrownBy(() => unstarted({ tags })).cause).toMatchObject({
      code: 'SWIM_TAGS_TOO_LONG',
      context: { max: 512 },
    });
    const swim = cluster().node('n1');
    expect(thrownBy(() => swim.setTags(tags))).toMatchObject({ code: 'SWIM_TAGS_TOO_LONG', kind: 'usage' });
    expect(swim.self.tags).toEqual({});
    swim.setTags({ role: 'x'.repeat(450) });
    expect(swim.self.tags).toEqual({ role: 'x'.repeat(450) });
  });
});

describe('before start', () => {
  test('it has a list of itself, hears nothing and sends nothing', () => {
    const { swim, world } = unstarted();
    world.runFor(10_000);
    expect(swim.members()).toEqual([swim.self]);
    expect(swim.rtt()).toEqual([]);
    expect(world.counts().send).toBe(0);
    expect(swim.health()).toEqual({ score: 0, broadcastsQueued: 0, dropped: {} });
  });

  test('what needs a running member says that it is not started', async () => {
    const { swim } = unstarted();
    for (const action of [() => swim.setTags({}), () => swim.sendEvent('e', bytes('x'))]) {
      expect(thrownBy(action)).toMatchObject({ code: 'SWIM_NOT_STARTED', kind: 'usage', hint: 'Call start() first.' });
    }
    for (const request of [swim.join(['10.0.0.2']), swim.query('q'), swim.keys.list()]) {
      await expect(request).rejects.toMatchObject({ code: 'SWIM_NOT_STARTED' });
    }
    swim.hint('n2#0'); // never throws
  });

  test('it can be stopped, or leave, and is then over', async () => {
    for (const end of [async (swim: Swim) => swim.stop(), (swim: Swim) => swim.leave()]) {
      const { swim } = unstarted();
      await end(swim);
      expect(thrownBy(() => swim.start())).toMatchObject({
        code: 'SWIM_STOPPED',
        hint: expect.stringContaining('new life'),
      });
    }
  });
});

describe('start and stop', () => {
  test('both are idempotent', () => {
    const { swim, world } = unstarted();
    swim.start();
    swim.start();
    world.runFor(1_000);
    swim.stop();
    swim.stop();
    world.runFor(60_000);
    expect(world.counts().send).toBe(0);
  });

  test('a stopped member says nothing more, and rejects everything', async () => {
    const all = cluster();
    const swim = all.node('n2');
    swim.stop();
    all.sent.length = 0;
    all.world.runFor(10_000);
    expect(all.sent.filter(({ from }) => from === 'n2')).toEqual([]);
    for (const action of [() => swim.start(), () => swim.setTags({}), () => swim.sendEvent('e', bytes('x'))]) {
      expect(thrownBy(action)).toMatchObject({ code: 'SWIM_STOPPED', kind: 'failure' });
    }
    for (const request of [swim.join(['10.0.0.1']), swim.query('q'), swim.keys.list()]) {
      await expect(request).rejects.toMatchObject({ code: 'SWIM_STOPPED' });
    }
    swim.hint(swim.self.id);
    await swim.leave();
    expect(swim.members().length).toBe(3); // the last list can still be read
    expect(all.drops('n2')['inbox-limit']).toBeUndefined();
    expect(all.eventsOf('down').toSorted()).toEqual(['n1: down n2', 'n3: down n2']); // as a crash
  });

  test('a listener may stop the member that calls it', () => {
    const all = new Cluster({ count: 2 });
    all.node('n1').on(({ type }) => type === 'join' && all.node('n1').stop());
    all.join('n2');
    all.world.runFor(10_000);
    expect(all.faults).toEqual([]);
  });

  test('nothing that was asked stays pending after a stop', async () => {
    const all = cluster({ key });
    const swim = all.node('n1');
    all.world.network.partition(['n1'], ['n2', 'n3']);
    const requests = [swim.join([all.address('n2')]), swim.query('q', { timeoutMs: 60_000 }), swim.keys.list()].map(
      (promise) => watch(promise as Promise<unknown>),
    );
    const left = watch(swim.leave({ timeoutMs: 60_000 }));
    await all.world.run(10);
    expect([...requests, left].map(({ state }) => state)).toEqual(['pending', 'pending', 'pending', 'pending']);
    swim.stop();
    await all.world.run(0);
    expect(requests.map(codeOf)).toEqual(['SWIM_STOPPED', 'SWIM_STOPPED', 'SWIM_STOPPED']);
    expect(left.state).toBe('resolved');
  });
});

describe('join', () => {
  test('tells which seeds answered and why the others did not', async () => {
    const all = new Cluster({ count: 3 });
    const joined = watch(all.node('n1').join([all.address('n2'), '10.0.0.3:1', 'not an address', '10.0.0.1:7946']));
    await all.world.run(5_000);
    expect(joined.value).toEqual({
      contacted: ['10.0.0.2:7946'],
      failed: [
        { seed: 'not an address', code: 'ADDRESS_INVALID', message: 'is not host:port' },
        { seed: '10.0.0.3:1', code: 'SWIM_SEED', message: 'refused' },
      ],
    });
  });

  test('of oneself only is fine: the first member has nobody to join', async () => {
    const all = new Cluster({ count: 1 });
    await expect(all.node('n1').join(['10.0.0.1'])).resolves.toEqual({ contacted: [], failed: [] });
    await expect(all.node('n1').join([])).resolves.toEqual({ contacted: [], failed: [] });
  });

  test('of nobody who answers is rejected, with every seed and its reason', async () => {
    const all = new Cluster({ count: 2 });
    const joined = watch(all.node('n1').join(['10.0.0.2:1', 'no where']));
    await all.world.run(5_000);
    expect(joined.error).toMatchObject({
      code: 'SWIM_JOIN_FAILED',
      kind: 'unreachable',
      message: 'None of the seeds answered: no where (is not host:port), 10.0.0.2:1 (refused).',
      hint: expect.stringContaining('UDP and TCP'),
    });
  });

  test('ends at its own timeout, and at streamTimeoutMs without one', async () => {
    const all = new Cluster({ count: 2, config: { streamTimeoutMs: 3_000 } });
    all.world.crash('n2', 'host');
    const seeds = [all.address('n2')];
    const own = watch(all.node('n1').join(seeds, { timeoutMs: 1_000 }));
    const usual = watch(all.node('n1').join(seeds));
    await all.world.run(999);
    expect(own.state).toBe('pending');
    await all.world.run(2);
    expect(codeOf(own)).toBe('SWIM_JOIN_FAILED');
    await all.world.run(1_990);
    expect(usual.state).toBe('pending');
    await all.world.run(20);
    expect(codeOf(usual)).toBe('SWIM_JOIN_FAILED');
  });

  test('is given up by a signal, before, at once and later', async () => {
    const all = new Cluster({ count: 2 });
    all.world.crash('n2', 'host');
    const gone = AbortSignal.abort(new Error('changed my mind'));
    const seeds = [all.address('n2')];
    await expect(all.node('n1').join(seeds, { signal: gone })).rejects.toThrow('changed my mind');
    const controller = new AbortController();
    const joined = watch(all.node('n1').join(seeds, { signal: controller.signal }));
    await all.world.run(100);
    controller.abort();
    await all.world.run(0);
    expect(joined.error).toMatchObject({ name: 'AbortError' });
    await all.world.run(30_000); // the answer, or the lack of one, finds nobody waiting
    expect(all.faults).toEqual([]);
  });

  test('with names waits for them as long as the timeout lets it, and not after a stop', async () => {
    const never = () => new Promise<never>(() => {});
    const all = new Cluster({ count: 1, ports: () => ({ resolve: never }) });
    const slow = watch(all.node('n1').join(['seed.example'], { timeoutMs: 2_000 }));
    await all.world.run(2_001);
    expect(codeOf(slow)).toBe('SWIM_JOIN_FAILED');
    const cut = watch(all.node('n1').join(['seed.example']));
    all.node('n1').stop();
    await all.world.run(0);
    expect(codeOf(cut)).toBe('SWIM_STOPPED');
    const broken = new Cluster({
      count: 1,
      ports: () => ({ resolve: () => Promise.reject(new Error('no resolver')) }),
    });
    await expect(broken.node('n1').join(['seed.example'])).rejects.toThrow('no resolver');
  });

  test('refused for the name: the later of two stops, and is told where the other is', async () => {
    const all = cluster();
    const events: SwimEvent[] = [];
    all.world.addNode('later', (host) => {
      const { clock, random } = host;
      return createSwim(
        { transport: host.transport(port), streams: host.streams(port), clock, random },
        { name: 'n2' },
      );
    });
    const later = all.node('later');
    later.on((event) => events.push(event));
    later.start();
    const joined = watch(later.join([all.address('n1')]));
    await all.world.run(5_000);
    expect(joined.error).toMatchObject({
      code: 'SWIM_NAME_TAKEN',
      kind: 'conflict',
      context: { name: 'n2', address: all.address('n2') },
    });
    expect(events).toContainEqual({ type: 'conflict', name: 'n2', address: all.address('n2') });
    expect(thrownBy(() => later.setTags({}))).toMatchObject({ code: 'SWIM_STOPPED' });
    expect(
      all
        .node('n1')
        .members()
        .find(({ name }) => name === 'n2')?.address,
    ).toBe(all.address('n2'));
    expect(all.eventsOf('down')).toEqual([]);
  });

  test('more than 1,024 at once are refused as busy', async () => {
    const all = new Cluster({ count: 2 });
    all.world.crash('n2', 'host');
    const joins = Array.from({ length: 1_025 }, () => watch(all.node('n1').join([all.address('n2')])));
    await all.world.run(1);
    expect(joins.filter(({ state }) => state === 'pending')).toHaveLength(1_024);
    expect(joins.at(-1)?.error).toMatchObject({ code: 'SWIM_BUSY', context: { what: 'requests' } });
    await all.world.run(20_000);
    expect(new Set(joins.map(codeOf))).toEqual(new Set(['SWIM_JOIN_FAILED', 'SWIM_BUSY']));
  });
});

describe('leave', () => {
  test('is known to all as a leave within a second, and the member has stopped then', async () => {
    const all = cluster();
    const left = watch(all.node('n2').leave());
    await all.world.run(1_500);
    expect(left.state).toBe('resolved');
    expect(all.eventsOf('leave', 'down')).toEqual(['n1: leave n2', 'n3: leave n2']);
    expect(thrownBy(() => all.node('n2').start())).toMatchObject({ code: 'SWIM_STOPPED' });
  });

  test('called twice is one leave, and the second waits for the first', async () => {
    const all = cluster();
    const first = watch(all.node('n2').leave());
    const second = watch(all.node('n2').leave());
    await all.world.run(100);
    expect([first.state, second.state]).toEqual(['pending', 'pending']);
    await all.world.run(2_000);
    expect([first.state, second.state]).toEqual(['resolved', 'resolved']);
    expect(all.eventsOf('leave', 'down')).toEqual(['n1: leave n2', 'n3: leave n2']);
    await all.node('n2').leave();
  });

  test('takes no longer than its timeout, whoever listens', async () => {
    const all = cluster({ config: { gossipIntervalMs: 5_000 } });
    const left = watch(all.node('n2').leave({ timeoutMs: 700 }));
    await all.world.run(699);
    expect(left.state).toBe('pending');
    await all.world.run(2);
    expect(left.state).toBe('resolved');
  });

  test('alone is over at once', async () => {
    const all = new Cluster({ count: 1 });
    await expect(all.node('n1').leave()).resolves.toBeUndefined();
  });

  test('tags set on the way out bring nobody back', async () => {
    const all = cluster();
    const left = watch(all.node('n2').leave());
    all.node('n2').setTags({ role: 'ghost' });
    await all.world.run(20_000);
    expect(left.state).toBe('resolved');
    expect(all.eventsOf('leave', 'down', 'join').slice(6)).toEqual(['n1: leave n2', 'n3: leave n2']);
  });
});

test('the defaults are those of the table, and presets fit its rules', () => {
  for (const preset of ['local', 'lan', 'wan'] as const) expect(unstarted({ preset }).swim.self.status).toBe('alive');
  expect(swimConfig.defaults.probeIntervalMs).toBe(swimConfig.table.probeIntervalMs.default);
});
