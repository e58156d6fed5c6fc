import { below, chance, pick, sample, type NodeId } from '@grp/core';
import { groupCheckers, History, type GroupEvent, type Violation } from '@grp/sim';
import { Ring, type RingOptions } from './ring.ts';

export interface StormOptions extends RingOptions {
  readonly nodeCount?: number;
  readonly steps?: number;
  readonly kinds?: readonly StormKind[];
}

export const stormKinds = ['crash', 'mid-multicast', 'join', 'leave', 'suspicion', 'partition', 'pause'] as const;
export type StormKind = (typeof stormKinds)[number];

/** The running members of the newest view, and its size: who may still be taken away? */
export function newestView(ring: Ring): { readonly members: readonly NodeId[]; readonly live: readonly NodeId[] } {
  let newest: { id: number; members: readonly { id: NodeId }[] } | undefined;
  for (const { machine } of ring.peers.values())
    if (machine.view !== undefined && machine.view.id > (newest?.id ?? 0)) newest = machine.view;
  const members = (newest?.members ?? []).map(({ id }) => id);
  const running = new Set(
    [...ring.peers.values()].filter(({ machine }) => machine.status === 'joined').map(({ member }) => member.id),
  );
  return { members, live: members.filter((id) => running.has(id)) };
}

/** Random trouble from one seed under all checkers, then calm. */
export function storm(options: StormOptions): { readonly ring: Ring; readonly violations: readonly Violation[] } {
  const { nodeCount = 5, steps = 60 } = options;
  const ring = new Ring(options);
  const { random } = ring;
  const names = Array.from({ length: nodeCount }, (_, index) => `n${index + 1}`);
  const possible = options.kinds ?? stormKinds;
  const kinds = options.kinds ?? sample(random, possible, 1 + below(random, possible.length));
  ring.start('n1', []);
  for (const name of names.slice(1))
    ring.start(
      name,
      names.filter((other) => other !== name),
    );
  ring.runUntil(() => ring.isWhole() && ring.peers.size === nodeCount, 20_000);
  let crashIn = Infinity;
  ring.crashAt = () => --crashIn === 0 && maySpare(ring);

  for (let step = 0; step < steps; step++) {
    for (let count = below(random, 6); count > 0; count--) {
      const name = ring.anyone();
      if (name !== undefined && !ring.peer(name).isPaused) ring.post(name);
    }
    if (chance(random, 0.25)) strike(ring, names, pick(random, kinds) as StormKind, (sends) => (crashIn = sends));
    ring.runFor(below(random, 30));
    noticeDead(ring, names, 100);
  }
  // Calm: everything heals, everyone comes back, the detectors are right.
  crashIn = Infinity;
  ring.heal();
  for (const name of ring.peers.keys()) ring.pause(name, false);
  for (const { member } of ring.peers.values()) ring.trustEverywhere(member.id);
  noticeDead(ring, names, 10);
  ring.events.push({ type: 'calm', at: ring.now });
  for (const name of names)
    if (!ring.peers.has(name))
      ring.start(
        name,
        names.filter((other) => other !== name),
      );
  for (let step = 0; step < 10; step++) {
    for (const name of [...ring.peers.keys()]) ring.post(name);
    ring.runFor(20);
  }
  ring.runFor(2_000); // a leave that was under way comes to its end
  for (const { member } of ring.peers.values()) ring.trustEverywhere(member.id); // and so do late suspicions
  for (const name of names)
    if (!ring.peers.has(name))
      ring.start(
        name,
        names.filter((other) => other !== name),
      );
  const isOver = [...ring.peers.values()].every(
    ({ machine }) => machine.view === undefined || machine.status === 'excluded',
  );
  if (isOver) return { ring, violations: [] }; // the last member of the group left it, as it had been asked to
  const isWhole = ring.runUntil(() => ring.isWhole() && ring.peers.size === nodeCount, 60_000);
  ring.runFor(500); // what is in the row becomes stable, too
  const history = new History<GroupEvent>({
    checkers: groupCheckers({
      ...options,
      orders: options.delivery === 'safe' ? ['fifo', 'causal', 'total'] : ['fifo', 'total'],
      withinMs: 60_000,
    }),
  });
  for (const event of ring.events) history.record(event);
  const violations = [...history.finish()];
  if (!isWhole) violations.push({ checker: 'whole', message: ring.statuses() });
  for (const message of ring.failures) violations.push({ checker: 'state', message });
  return { ring, violations };
}

const leaving = new WeakMap<Ring, Set<NodeId>>();
const noticed = new WeakMap<Ring, Set<NodeId>>();

/** Whoever died is suspected, sooner or later. */
function noticeDead(ring: Ring, names: readonly string[], withinMs: number): void {
  const known = noticed.get(ring) ?? new Set();
  noticed.set(ring, known);
  for (const { machine } of ring.peers.values())
    for (const { id, name } of machine.view?.members ?? []) {
      const peer = ring.peers.get(name);
      if (peer?.member.id === id || known.has(id) || !names.includes(name)) continue;
      known.add(id);
      ring.suspectEverywhere(id, withinMs);
    }
}

/** May one more go? A majority of the newest view must live on, or the group is rightly lost. */
function maySpare(ring: Ring): boolean {
  const { members, live } = newestView(ring);
  const leavers = leaving.get(ring) ?? new Set();
  leaving.set(ring, leavers);
  const staying = live.filter((id) => !leavers.has(id)).length;
  const isMinority = [...ring.peers.values()].some(({ machine }) => machine.isMinority);
  return staying > 2 && staying - 1 > members.length / 2 && !isMinority;
}

function strike(ring: Ring, names: readonly string[], kind: StormKind, crashAfter: (sends: number) => void): void {
  const { random } = ring;
  const spare = maySpare(ring);
  const name = ring.anyone();
  if (name === undefined) return;
  if (kind === 'join' || kind === 'crash' || kind === 'mid-multicast' || kind === 'leave') {
    const missing = names.find((one) => !ring.peers.has(one));
    if (missing !== undefined && (kind === 'join' || chance(random, 0.5)))
      return ring.start(
        missing,
        sample(
          random,
          names.filter((one) => one !== missing),
          4,
        ),
      );
    if (!spare || kind === 'join') return;
    if (kind === 'crash') ring.crash(name);
    else if (kind === 'mid-multicast') crashAfter(1 + below(random, 20));
    else if (ring.peer(name).machine.status === 'joined') {
      leaving.get(ring)?.add(ring.peer(name).member.id);
      ring.events.push({ type: 'leave', at: ring.now, node: ring.peer(name).member.id });
      ring.push(name, { type: 'leave' });
    }
    return;
  }
  if (kind === 'suspicion') {
    const by = ring.anyone() as string;
    const id = ring.peer(name).member.id;
    if (by === name) return;
    ring.tell(by, { type: 'suspect', member: id });
    ring.later(below(random, 200), () => ring.tell(by, { type: 'trust', member: id }));
  } else if (kind === 'pause') {
    ring.pause(name, true);
    const id = ring.peer(name).member.id;
    const isNoticed = chance(random, 0.5);
    if (isNoticed) ring.suspectEverywhere(id, 50);
    ring.later(below(random, 300), () => {
      if (ring.peers.get(name)?.member.id === id) ring.pause(name, false);
      if (isNoticed) ring.trustEverywhere(id);
    });
  } else partition(ring);
}

function partition(ring: Ring): void {
  const { random } = ring;
  const running = [...ring.peers.keys()];
  const side = sample(random, running, below(random, running.length));
  const other = running.filter((name) => !side.includes(name));
  ring.cut(side, other);
  const ids = new Map([...ring.peers.values()].map(({ name, member }) => [name, member.id]));
  const across = (input: 'suspect' | 'trust'): void => {
    for (const [from, to] of [
      [side, other],
      [other, side],
    ] as const)
      for (const name of from)
        for (const peer of to)
          ring.later(below(random, 100), () => ring.tell(name, { type: input, member: ids.get(peer) as NodeId }));
  };
  if (chance(random, 0.8)) across('suspect');
  ring.later(below(random, 500), () => {
    ring.heal();
    ring.later(100, () => across('trust'));
  });
}
