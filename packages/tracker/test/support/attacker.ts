// Whoever means no good, in a simulated world.
import type { Host } from '@grp/sim';
import { Raw } from './raw.ts';
import { trackerPort, trackerWorld, type Chatter, type TrackerWorld } from './world.ts';

export interface Attacker {
  readonly host: Host;
  readonly connect: () => Promise<Raw>;
}

/** A node of the attacker: raw connections at will. */
export async function attacker(party: TrackerWorld, name = 'mallory'): Promise<Attacker> {
  const { world } = party;
  world.addNode(name, () => ({}) as Chatter);
  return attackerOn(party, name);
}

/** Another process on the host of a client. */
export async function attackerOn({ world }: TrackerWorld, name: string): Promise<Attacker> {
  const host = world.host(name);
  const streams = host.streams(0);
  const connect = async (): Promise<Raw> => {
    const raw = new Raw(streams, world.address('tracker', trackerPort));
    await world.run(50);
    return raw;
  };
  return { host, connect };
}

/** A tracker and clients in one group, in this order. */
export async function teaParty(...names: readonly string[]): Promise<TrackerWorld> {
  const party = await trackerWorld();
  for (const name of names) {
    const { client } = await party.add(name);
    await party.settle(client.join('tea', { create: true, order: 'total' }));
  }
  await party.world.run(200);
  return party;
}
