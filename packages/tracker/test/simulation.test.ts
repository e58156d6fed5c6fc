// A tracker and its clients in bad weather: everything that a view promises, from seeds.
import { chance, pick, type Address } from '@grp/core';
import { assertSeeds, chaos, createWorld, runSeeds, type Host, type SeedOutcome, type World } from '@grp/sim';
import { expect, test } from 'vitest';
import {
  createTracker,
  createTrackerClient,
  type Tracker,
  type TrackerClient,
  type TrackerView,
} from '../src/index.ts';
import { crypto, signerOf, trackerPort } from './support/world.ts';

const names = ['ann', 'bob', 'cat', 'dan', 'eve'];
const groups = ['tea', 'cake'];

interface Weather {
  readonly world: World<Tracker | TrackerClient>;
  readonly violations: { checker: string; message: string }[];
  /** Members of each view that anybody has seen. */
  readonly views: Map<string, string>;
  /** Where each client wants to be. */
  readonly wishes: Map<string, Set<string>>;
}

function violate({ violations }: Weather, checker: string, message: string): void {
  if (violations.length < 10) violations.push({ checker, message });
}

/** Two views of one group with one number are one view, whoever saw them and when. */
function noteView(weather: Weather, group: string, { number, members }: TrackerView): void {
  const key = `${group} ${number}`;
  const text = members.map(({ id, since }) => `${id}@${since}`).join();
  const known = weather.views.get(key);
  if (known === undefined) weather.views.set(key, text);
  else if (known !== text) violate(weather, 'view agreement', `${key}: ${known} and ${text}`);
}

function startTracker(host: Host): Promise<Tracker> {
  const { clock, random, logger, disk } = host;
  const tracker = createTracker({ streams: host.streams(trackerPort), crypto, clock, random, logger, disk });
  tracker.onFault(({ error }) => host.exit(error.message));
  return tracker.start().then(() => tracker);
}

function startClient(host: Host, weather: Weather): TrackerClient {
  const { clock, random, logger, name } = host;
  const tracker = weather.world.address('tracker', trackerPort);
  const address = `${host.ip}:7948` as Address;
  const ports = { streams: host.streams(0), crypto, clock, random, logger };
  const client = createTrackerClient({ ...ports, tracker, nick: name, address, signer: signerOf(name) });
  const numbers = new Map<string, number>();
  client.on((event) => {
    if (event.type === 'removed') numbers.delete(event.group);
    if (event.type !== 'view') return;
    noteView(weather, event.group, event.view);
    const last = numbers.get(event.group) ?? 0;
    // The same view again only for somebody who had lost it: a join that was given up.
    const isRising = event.isFresh ? event.view.number >= last : event.view.number > last;
    if (!isRising) violate(weather, 'rising', `${name} ${event.group}: ${last}, then ${event.view.number}`);
    numbers.set(event.group, event.view.number);
  });
  client.start({ timeoutMs: 3_600_000 }).catch(() => {});
  return client;
}

/** Now and then somebody joins, leaves, or says something. */
function act(weather: Weather, name: string): void {
  const { world, wishes } = weather;
  if (world.state(name) !== 'running') return;
  const client = world.node(name) as TrackerClient;
  const group = pick(world.random, groups) ?? '';
  const wanted = wishes.get(name) ?? new Set();
  if (chance(world.random, 0.6)) {
    wanted.add(group);
    const joining = client.join(group, { create: true, order: 'total' });
    const check = (): void => {
      const view = client.group(group)?.view;
      const isIn = view?.members.some(({ id }) => id === client.session?.id) ?? true;
      if (!isIn) violate(weather, 'joined', `${name} is not in ${group} ${view?.number}`);
    };
    joining.then(check, () => {});
  } else if (chance(world.random, 0.5)) {
    wanted.delete(group);
    client.request('leave', { group }).catch(() => {});
  } else client.request('away', { text: `${world.now}` }).catch(() => {});
  wishes.set(name, wanted);
}

async function run(seed: number): Promise<SeedOutcome> {
  const world = createWorld<Tracker | TrackerClient>({ seed, nodes: [] });
  const weather: Weather = { world, violations: [], views: new Map(), wishes: new Map() };
  world.addNode('tracker', startTracker);
  for (const name of names) world.addNode(name, (host) => startClient(host, weather));
  const kinds = [
    'loss',
    'delay',
    'reorder',
    'partition',
    'cut',
    'crash',
    'host-crash',
    'pause',
    'clock',
    'cpu',
  ] as const;
  const storm = chaos(world, { kinds, durationMs: 60_000, everyMs: 3_000, lastsMs: 4_000, downMax: 2 });
  for (let turn = 0; turn < 40; turn++) {
    await world.run(1_500);
    act(weather, pick(world.random, names) ?? '');
  }
  const counts = { ...storm.report() };
  world.calm();
  // What was asked in the storm may not have been done; in the calm everyone asks for what it wants once more.
  await world.runUntil(() => isReady(world), { withinMs: 120_000 });
  for (const name of names) {
    const client = world.node(name) as TrackerClient;
    for (const group of groups) {
      const isWanted = weather.wishes.get(name)?.has(group) === true;
      if (isWanted) client.join(group, { create: true, order: 'total', timeoutMs: 60_000 }).catch(() => {});
      else client.request('leave', { group }, { timeoutMs: 60_000 }).catch(() => {});
    }
  }
  await world.run(75_000); // the sessions of those who died are gone by then
  judge(weather);
  const { views, adopted } = (world.node('tracker') as Tracker).metrics().health.counts;
  return { traceHash: world.traceHash(), violations: weather.violations, counts: { ...counts, views, adopted } };
}

function isReady(world: World<Tracker | TrackerClient>): boolean {
  return world.everyNode((app) => app !== undefined && (!('state' in app) || app.state === 'ready'));
}

/** After the storm everyone sees the same, and it is what everyone wants. */
function judge(weather: Weather): void {
  const { world, wishes } = weather;
  if (!isReady(world)) violate(weather, 'liveness', 'somebody has not come back');
  for (const group of groups) {
    const wanted = names.filter((name) => wishes.get(name)?.has(group) === true).toSorted();
    for (const name of wanted) {
      const view = (world.node(name) as TrackerClient).group(group)?.view;
      const seen = view?.members.map(({ nick }) => nick).toSorted() ?? [];
      if (seen.join() !== wanted.join())
        violate(weather, 'convergence', `${name} ${group}: ${seen.join()} for ${wanted.join()}`);
      if (view !== undefined) noteView(weather, group, view);
    }
  }
  const sessions = (world.node('tracker') as Tracker).metrics().health.sessions.here;
  if (sessions !== names.length) violate(weather, 'sessions', `${sessions} of ${names.length}`);
}

test('bad weather: one view for one number, rising, and in the end everyone where it wants to be', async () => {
  const { GRP_SEED: only, GRP_SEEDS: many = '40' } = process.env;
  const [from, to] = only === undefined ? [1, Number(many)] : [Number(only), Number(only)];
  const report = await runSeeds({
    ...{ from, to, run, repeatEvery: 10 },
    replay: (seed) => `GRP_SEED=${seed} vitest run packages/tracker/test/simulation.test.ts`,
  });
  assertSeeds(
    report,
    only !== undefined ? {} : { mustHappen: ['partition', 'cut', 'crash', 'host-crash', 'pause', 'clock', 'views'] },
  );
  expect(report.seedCount).toBe(to - from + 1);
});

test('the checkers see what is wrong', () => {
  const world = createWorld<Tracker | TrackerClient>({ seed: 1 });
  const weather: Weather = { world, violations: [], views: new Map(), wishes: new Map() };
  const member = (id: string) => ({ id, since: 1_000 }) as unknown as TrackerView['members'][number];
  noteView(weather, 'tea', { number: 1_000, members: [member('a')] });
  noteView(weather, 'tea', { number: 1_000, members: [member('a')] });
  expect(weather.violations).toEqual([]);
  noteView(weather, 'tea', { number: 1_000, members: [member('a'), member('b')] });
  expect(weather.violations).toMatchObject([{ checker: 'view agreement' }]);
});
