// A tracker and its clients in a simulated world.
import type { Address } from '@grp/core';
import { createWorld, type Host, type World, type WorldOptions } from '@grp/sim';
import {
  createTracker,
  createTrackerClient,
  type Signer,
  type Tracker,
  type TrackerClient,
  type TrackerClientOptions,
  type TrackerConfig,
  type TrackerEvent,
} from '../../src/index.ts';
import { nodeCrypto } from '../../src/node/crypto.ts';

export const crypto = nodeCrypto();
export const trackerPort = 7_949;
export const adminToken = 'the admin token of the tests';

/** The key of a name: the same in every run. */
export function signerOf(name: string): Signer {
  return crypto.signer(crypto.digest(new TextEncoder().encode(`seed of ${name}`)));
}

export interface Chatter {
  readonly client: TrackerClient;
  readonly events: TrackerEvent[];
  /** What became of the first connection. */
  error: unknown;
}

export type App = Tracker | Chatter;

export interface TrackerWorldOptions {
  readonly seed?: number | string;
  readonly config?: Partial<TrackerConfig>;
  readonly hasDisk?: boolean;
  readonly network?: WorldOptions<App>['network'];
}

export interface TrackerWorld {
  readonly world: World<App>;
  readonly tracker: () => Tracker;
  /** Adds a node that runs a client, which starts at once. */
  readonly add: (name: string, options?: Partial<TrackerClientOptions>) => Promise<Chatter>;
  readonly chatter: (name: string) => Chatter;
  /** Runs until the promise settles. */
  readonly settle: <Result>(promise: Promise<Result>) => Promise<Result>;
}

export async function trackerWorld(options: TrackerWorldOptions = {}): Promise<TrackerWorld> {
  const { seed = 1, config, hasDisk = true, network } = options;
  const world = createWorld<App>({ seed, ...(network && { network }) });
  const startTracker = async (host: Host): Promise<App> => {
    const tracker = createTracker(
      {
        ...{ streams: host.streams(trackerPort), crypto, clock: host.clock, random: host.random, logger: host.logger },
        disk: hasDisk ? host.disk : undefined,
      },
      { motd: 'be kind', adminToken, ...(config && { config }) },
    );
    await tracker.start();
    tracker.onFault(({ error }) => host.exit(error.message));
    return tracker;
  };
  world.addNode('tracker', startTracker);
  const self: TrackerWorld = {
    world,
    tracker: () => world.node('tracker') as Tracker,
    chatter: (name) => world.node(name) as Chatter,
    async add(name, given = {}) {
      world.addNode(name, (host) => startChatter(host, world.address('tracker', trackerPort), given));
      await world.runUntil(() => self.chatter(name).client.state !== 'connecting', { withinMs: 30_000 });
      return self.chatter(name);
    },
    async settle(promise) {
      let isSettled = false;
      const note = (): void => void (isSettled = true);
      promise.then(note, note);
      await world.runUntil(() => isSettled, { withinMs: 60_000 });
      return promise;
    },
  };
  await world.runUntil(() => world.everyNode((app) => app !== undefined), { withinMs: 10_000 });
  return self;
}

function startChatter(host: Host, tracker: Address, given: Partial<TrackerClientOptions>): Chatter {
  const client = createTrackerClient({
    ...{ streams: host.streams(0), tracker, nick: host.name, address: `${host.ip}:7948` as Address },
    ...{ signer: signerOf(host.name), crypto, clock: host.clock, random: host.random, logger: host.logger },
    ...given,
  });
  const chatter: Chatter = { client, events: [], error: undefined };
  client.on((event) => void chatter.events.push(event));
  client.start({ timeoutMs: 20_000 }).catch((error: unknown) => (chatter.error = error));
  return chatter;
}

/** Nicks of a client's view of a group, oldest stay first. */
export function nicks({ client }: Chatter, group: string): readonly string[] {
  return client.group(group)?.view.members.map(({ nick }) => nick) ?? [];
}

/** Joins and leaves that a client was told of, as words. */
export function story({ events }: Chatter): readonly string[] {
  return events.flatMap((event) => {
    if (event.type === 'lost' || event.type === 'back') return [`tracker ${event.type}`];
    if (event.type === 'removed') return [`removed ${event.reason}`];
    if (event.type !== 'view') return [];
    return [
      ...event.joined.map(({ member, isBack }) => `${isBack ? 'back' : 'join'} ${member.nick}`),
      ...event.left.map(({ member, reason }) => `${reason} ${member.nick}`),
    ];
  });
}
