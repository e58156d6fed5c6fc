import type { NodeId } from '@grp/core';
import { groupCheckers, History, type GroupEvent, type Violation } from '@grp/sim';
import { Ring, type RingOptions } from './ring.ts';

/** A whole group of members `n1` … `nN`, founded by the first. */
export function wholeRing(count: number, options: Partial<RingOptions> = {}): Ring {
  const ring = new Ring({ seed: 1, ...options });
  const names = Array.from({ length: count }, (_, index) => `n${index + 1}`);
  ring.start('n1', []);
  for (const name of names.slice(1)) ring.start(name, ['n1']);
  if (!ring.runUntil(() => ring.isWhole() && ring.peers.size === count, 10_000)) throw new Error(ring.statuses());
  return ring;
}

/** Everyone has noticed that this one died. */
export function crashNoticed(ring: Ring, name: string, withinMs = 20): NodeId {
  const { id } = ring.peer(name).member;
  ring.crash(name);
  ring.suspectEverywhere(id, withinMs);
  return id;
}

/** What all properties of group communication say about the run; faults have ended. */
export function judge(ring: Ring, options: Partial<RingOptions> = {}): readonly Violation[] {
  ring.events.push({ type: 'calm', at: ring.now });
  ring.runUntil(() => ring.isWhole(), 30_000);
  ring.runFor(500); // what is in the row becomes stable, too
  const delivery = options.delivery ?? 'agreed';
  const history = new History<GroupEvent>({ checkers: groupCheckers({ delivery, orders: ['fifo', 'total'] }) });
  for (const event of ring.events) history.record(event);
  return history.finish();
}

/** The row of messages that each running member has delivered. */
export function rows(ring: Ring): ReadonlySet<string> {
  return new Set([...ring.peers.values()].map(({ state }) => state.join()));
}
