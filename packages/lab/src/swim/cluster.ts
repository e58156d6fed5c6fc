import { BandwidthMeter, type Keyring, type Transport } from '@grp/core';
import { createWorld, type Host, type World, type WorldOptions } from '@grp/sim';
import { createSwim, type Swim, type SwimConfig, type SwimEvent } from '@grp/swim';

export const swimPort = 7_946;

/** One event of one member's list, with the world's time: what the checkers see. */
export interface Observation {
  readonly at: number;
  /** Whose list it is. */
  readonly observer: string;
  /** Which life of the observer: a restart forgets. */
  readonly life: number;
  readonly event: SwimEvent;
}

export interface SwimClusterOptions {
  readonly seed: number | string;
  readonly nodeCount: number;
  readonly network?: NonNullable<WorldOptions<Swim>['network']>;
  readonly config?: Partial<SwimConfig>;
  readonly onEvent?: (observation: Observation) => void;
  readonly keyring?: (host: Host) => Keyring;
  readonly trace?: NonNullable<WorldOptions<Swim>['trace']>;
}

/** A world of swim members `n1` … `nN`; each joins through the first three when it starts. */
export function createSwimCluster(options: SwimClusterOptions): World<Swim> {
  const { seed, nodeCount, network, config, onEvent, keyring, trace } = options;
  const names = Array.from({ length: nodeCount }, (_, index) => `n${index + 1}`);
  const world = createWorld<Swim>({
    seed,
    ...(network && { network }),
    ...(trace && { trace }),
    start: (host) => {
      const meter = new BandwidthMeter(host.clock);
      const swim = createSwim(
        {
          transport: metered(host.transport(swimPort), meter),
          meter,
          streams: host.streams(swimPort),
          clock: host.clock,
          random: host.random,
          logger: host.logger,
          ...(keyring && { keyring: keyring(host) }),
        },
        { name: host.name, ...(config && { config }) },
      );
      if (onEvent !== undefined)
        swim.on((event) => onEvent({ at: world.now, observer: host.name, life: host.incarnation, event }));
      swim.start();
      const seeds = names.slice(0, 3).filter((name) => name !== host.name && world.names.includes(name));
      if (seeds.length > 0)
        joinUntilIn(
          swim,
          host,
          seeds.map((name) => world.address(name, swimPort)),
        );
      return swim;
    },
  });
  for (const name of names) world.addNode(name);
  return world;
}

/** Counts datagrams, as the transport on real sockets does. */
function metered(transport: Transport, meter: BandwidthMeter): Transport {
  return {
    self: transport.self,
    maxPayloadBytes: transport.maxPayloadBytes,
    delivery: transport.delivery,
    send(to, payload) {
      meter.datagram('out', to, payload.length);
      transport.send(to, payload);
    },
    onReceive: (listener) =>
      transport.onReceive((from, payload) => {
        meter.datagram('in', from, payload.length);
        listener(from, payload);
      }),
    close: () => transport.close(),
  };
}

/** Tries the seeds until one answers, as a node does. */
function joinUntilIn(swim: Swim, host: Host, seeds: readonly string[]): void {
  const attempt = (): void => {
    if (swim.members().length > 1) return;
    swim.join(seeds).catch(() => {});
    host.clock.wakeAt(host.clock.now() + 1_000, attempt);
  };
  attempt();
}

/** Names of the members that this node holds for living. */
export function liveNames(swim: Swim): string[] {
  return swim
    .members()
    .filter(({ status }) => status === 'alive' || status === 'suspect')
    .map(({ name }) => name)
    .toSorted();
}

/** Every running node lists exactly the running nodes as alive. */
export function isConverged(world: World<Swim>): boolean {
  const running = world.names.filter((name) => world.state(name) === 'running').toSorted();
  const wanted = running.join();
  return running.every((name) => {
    const members = world.node(name).members();
    const alive = members.filter(({ status }) => status === 'alive').map(({ name: member }) => member);
    return alive.length === running.length && alive.toSorted().join() === wanted;
  });
}
