// A tracker and its messengers in a simulated world.
import type { Transport } from '@grp/core';
import { createWorld, type Host, type World, type WorldOptions } from '@grp/sim';
import { createTracker, type Signer, type Tracker, type TrackerConfig } from '@grp/tracker';
import { nodeCrypto } from '@grp/tracker/node';
import {
  createMessenger,
  type ChatMessage,
  type JoinOptions,
  type Messenger,
  type MessengerEvent,
  type MessengerOptions,
} from '../../src/index.ts';

export const crypto = nodeCrypto();
export const trackerPort = 7_949;
export const messengerPort = 7_948;

/** The key of a name: the same in every run. */
export function signerOf(name: string): Signer {
  return crypto.signer(crypto.digest(new TextEncoder().encode(`seed of ${name}`)));
}

export interface Chatter {
  readonly messenger: Messenger;
  readonly events: MessengerEvent[];
  error: unknown;
}

export type OpenTransport = (host: Host) => Transport;

export interface Room {
  readonly world: World<Tracker | Chatter>;
  readonly tracker: () => Tracker;
  /** Adds a node with a messenger, and waits until it has registered. */
  readonly add: (name: string, options?: Partial<MessengerOptions>, transport?: OpenTransport) => Promise<Chatter>;
  readonly chatter: (name: string) => Chatter;
  readonly settle: <Result>(promise: Promise<Result>) => Promise<Result>;
  /** Adds members and lets them join one group; waits until all have all in their view. */
  readonly gather: (group: string, names: readonly string[], options?: JoinOptions) => Promise<void>;
  readonly until: (condition: () => boolean, what: string, withinMs?: number) => Promise<number>;
}

export interface RoomOptions {
  readonly seed?: number | string;
  readonly network?: WorldOptions<unknown>['network'];
  readonly tracker?: Partial<TrackerConfig>;
}

export async function openRoom({ seed = 1, network, tracker: config }: RoomOptions = {}): Promise<Room> {
  const world = createWorld<Tracker | Chatter>({ seed, ...(network && { network }) });
  world.addNode('tracker', async (host) => {
    const tracker = createTracker(
      {
        ...{ streams: host.streams(trackerPort), crypto, clock: host.clock, random: host.random },
        ...{ logger: host.logger, disk: host.disk },
      },
      { ...(config && { config }) },
    );
    await tracker.start();
    tracker.onFault(({ error }) => host.exit(error.message));
    return tracker;
  });
  const room: Room = {
    world,
    tracker: () => world.node('tracker') as Tracker,
    chatter: (name) => world.node(name) as Chatter,
    async add(name, options = {}, transport = (host) => host.transport(messengerPort)) {
      world.addNode(name, (host) =>
        startChatter(host, { tracker: world.address('tracker', trackerPort), transport: transport(host), ...options }),
      );
      const isThere = (): boolean => {
        const { messenger, error } = room.chatter(name);
        return messenger.tracker.session !== undefined || error !== undefined;
      };
      await world.runUntil(isThere, { withinMs: 30_000, what: `${name} registers` });
      return room.chatter(name);
    },
    async settle(promise) {
      let isSettled = false;
      const note = (): void => void (isSettled = true);
      promise.then(note, note);
      await world.runUntil(() => isSettled, { withinMs: 60_000 });
      return promise;
    },
    async gather(group, names, options = {}) {
      for (const name of names) {
        const { messenger } = await room.add(name);
        await room.settle(messenger.join(group, options));
      }
      const isWhole = (name: string): boolean =>
        viewOf(room.chatter(name), group).length === names.length &&
        room.chatter(name).messenger.group(group).state.reached === names.length - 1;
      await room.until(() => names.every(isWhole), 'everybody sees everybody');
    },
    until: (condition, what, withinMs = 30_000) => world.runUntil(condition, { withinMs, what }),
  };
  await world.runUntil(() => world.everyNode((app) => app !== undefined), { withinMs: 10_000 });
  return room;
}

type Given = Partial<MessengerOptions> & Pick<MessengerOptions, 'tracker' | 'transport'>;

function startChatter(host: Host, options: Given): Chatter {
  const messenger = createMessenger({
    ...{ streams: host.streams(0), nick: host.name, crypto },
    ...{ signer: signerOf(host.name), clock: host.clock, random: host.random, logger: host.logger },
    ...options,
  });
  const chatter: Chatter = { messenger, events: [], error: undefined };
  messenger.on((event) => void chatter.events.push(event));
  messenger.start({ timeoutMs: 20_000 }).catch((error: unknown) => (chatter.error = error));
  return chatter;
}

/** Nicks of the last view that was installed here. */
export function viewOf({ events }: Chatter, group: string): readonly string[] {
  const view = events.findLast((event) => event.type === 'view' && event.group === group);
  return view?.type === 'view' ? view.members : [];
}

export function messagesOf({ events }: Chatter, group: string): readonly ChatMessage[] {
  return events.filter((event): event is ChatMessage => event.type === 'message' && event.group === group);
}

/** `from: text`, in the order of the screen. */
export function screen(chatter: Chatter, group: string): readonly string[] {
  return messagesOf(chatter, group).map(({ from, text }) => `${from}: ${text}`);
}
