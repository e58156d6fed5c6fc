import { BandwidthMeter, type Keyring, type Transport } from '@grp/core';
import { createWorld, type Host, type World, type WorldOptions } from '@grp/sim';
import { createSwim, type Swim, type SwimConfig, type SwimEvent, type SwimPorts } from '@grp/swim';

/** The port of the membership in simulated worlds, as in real nodes. */
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

/** A simulated cluster of swim members, and who hears of its events. */
export interface SwimClusterOptions {
  readonly seed: number | string;
  readonly nodeCount: number;
  readonly network?: NonNullable<WorldOptions<Swim>['network']>;
  readonly config?: Partial<SwimConfig>;
  readonly onEvent?: (observation: Observation) => void;
  readonly keyring?: (host: Host) => Keyring;
  /** Where a life listens (default: `swimPort`); another one makes a restart at another address. */
  readonly port?: (host: Host) => number;
  /** What a life gets instead of its ports: a transport that loses what it should not, for example. */
  readonly ports?: (host: Host, ports: SwimPorts) => SwimPorts;
  /** What the checkers are told instead of what happened: for lists that do not keep the rules. */
  readonly retell?: (observation: Observation) => Observation;
  readonly trace?: NonNullable<WorldOptions<Swim>['trace']>;
  /** Counts datagrams for `bandwidth()` too (default false): n² counters in a world, where one process has n. */
  readonly metersDatagrams?: boolean;
}

/** A world of swim members `n1` … `nN`; each joins through the first three while it is alone. */
export function createSwimCluster(options: SwimClusterOptions): World<Swim> {
  const { seed, nodeCount, network, trace } = options;
  const names = Array.from({ length: nodeCount }, (_, index) => `n${index + 1}`);
  const world = createWorld<Swim>({
    seed,
    ...(network && { network }),
    ...(trace && { trace }),
    start: (host) => {
      const swim = startMember(options, host, () => world.now);
      const seeds = names.slice(0, 3).filter((name) => name !== host.name && world.names.includes(name));
      const addresses = seeds.map((name) => world.address(name, swimPort));
      if (addresses.length > 0) joinWhileAlone(swim, host, addresses);
      return swim;
    },
  });
  for (const name of names) world.addNode(name);
  return world;
}

function startMember(options: SwimClusterOptions, host: Host, now: () => number): Swim {
  const { config, onEvent, keyring, port, ports: replace, retell, metersDatagrams = false } = options;
  const meter = new BandwidthMeter(host.clock);
  const number = port?.(host) ?? swimPort;
  const transport = host.transport(number);
  const ports: SwimPorts = {
    transport: metersDatagrams ? metered(transport, meter) : transport,
    meter,
    streams: host.streams(number),
    clock: host.clock,
    random: host.random,
    logger: host.logger,
    ...(keyring && { keyring: keyring(host) }),
  };
  const swim = createSwim(replace?.(host, ports) ?? ports, { name: host.name, ...(config && { config }) });
  if (onEvent !== undefined) {
    swim.on((event) => {
      const observation: Observation = { at: now(), observer: host.name, life: host.incarnation, event };
      onEvent(retell?.(observation) ?? observation);
    });
  }
  swim.start();
  return swim;
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

/** Tries the seeds while it is alone: at first, and when everyone else has gone for good. */
function joinWhileAlone(swim: Swim, host: Host, seeds: readonly string[]): void {
  const others = new Set<string>();
  let isTrying = false;
  const attempt = (): void => {
    isTrying = others.size === 0;
    if (!isTrying) return;
    swim.join(seeds).catch(() => {});
    host.clock.wakeAt(host.clock.now() + 1_000, attempt);
  };
  swim.on((event) => {
    if (event.type === 'join' || event.type === 'alive') others.add(event.member.name);
    else if (event.type === 'down' || event.type === 'leave') others.delete(event.member.name);
    if (others.size > 0 || isTrying) return;
    isTrying = true;
    host.clock.wakeAt(host.clock.now(), attempt);
  });
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
