import { Gossip } from './gossip.ts';
import { canonicalText, isObject, isTexts, maelstromErrors, type Json, type MaelstromBody } from './protocol.ts';
import type { Reply, Workload, WorkloadContext } from './workload.ts';

/** What a node's counter was raised and lowered by, in all. */
type Tally = readonly [plus: number, minus: number];

/** `broadcast`: everybody hears what anybody has said. */
export function broadcastWorkload(context: WorkloadContext): Workload {
  return setWorkload(context, 'messages');
}

/** `g-set`: a set to which everybody adds. */
export function growSetWorkload(context: WorkloadContext): Workload {
  return setWorkload(context, 'value');
}

/** The two differ in the name of what is read; Maelstrom refuses answers with more than it knows. */
function setWorkload(context: WorkloadContext, answer: 'messages' | 'value'): Workload {
  const gossip = new Gossip<Json>({
    context,
    join: (ours, theirs) => (ours === undefined ? theirs : undefined),
    read: (value) => value as Json | undefined,
  });
  const add = (element: unknown, reply: Reply): void =>
    gossip.put(canonicalText(element), element as Json) ? reply.ok() : noRoom(reply);
  const requests: Readonly<Record<string, (body: MaelstromBody, reply: Reply) => void>> = {
    topology: ({ topology }, reply) => {
      const names = neighboursIn(topology, context);
      if (names !== undefined) gossip.connect(names);
      reply.ok();
    },
    broadcast: ({ message }, reply) => add(message, reply),
    add: ({ element }, reply) => add(element, reply),
    read: (_, reply) => reply.ok({ [answer]: [...gossip.entries.values()] }),
  };
  return workload(gossip, requests);
}

/** `pn-counter`: everybody adds to it, also negative numbers. */
export function counterWorkload(context: WorkloadContext): Workload {
  const gossip = new Gossip<Tally>({ context, join: laterTally, read: readTally });
  return workload(gossip, {
    add: ({ delta }, reply) => {
      if (!Number.isSafeInteger(delta))
        return reply.error(maelstromErrors.malformedRequest, 'delta is no whole number');
      const by = Number(delta);
      const [plus, minus] = gossip.entries.get(context.self) ?? [0, 0];
      const next = [plus + Math.max(by, 0), minus + Math.max(-by, 0)] as const;
      return gossip.put(context.self, next) ? reply.ok() : noRoom(reply);
    },
    read: (_, reply) =>
      reply.ok({ value: [...gossip.entries.values()].reduce((sum, [plus, minus]) => sum + plus - minus, 0) }),
  });
}

function workload(
  gossip: Pick<Gossip<never>, 'receive' | 'stop'>,
  requests: Readonly<Record<string, (body: MaelstromBody, reply: Reply) => void>>,
): Workload {
  return {
    request: (body, reply) => {
      const handle = Object.hasOwn(requests, body.type) ? requests[body.type] : undefined;
      handle?.(body, reply);
      return handle !== undefined;
    },
    receive: (from, body) => gossip.receive(from, body),
    stop: () => gossip.stop(),
  };
}

function noRoom(reply: Reply): void {
  reply.error(maelstromErrors.temporarilyUnavailable, 'this node is full');
}

/** Each of the two only rises. */
function laterTally(ours: Tally | undefined, [plus, minus]: Tally): Tally | undefined {
  if (ours === undefined) return [plus, minus];
  if (plus <= ours[0] && minus <= ours[1]) return undefined;
  return [Math.max(plus, ours[0]), Math.max(minus, ours[1])];
}

function readTally(value: unknown): Tally | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [plus, minus] = value as readonly unknown[];
  const isCount = (number: unknown): number is number => Number.isSafeInteger(number) && Number(number) >= 0;
  return isCount(plus) && isCount(minus) ? [plus, minus] : undefined;
}

/** Undefined: the topology says nothing of this node. */
function neighboursIn(topology: unknown, { self, nodes }: WorkloadContext): readonly string[] | undefined {
  const names = isObject(topology) ? topology[self] : undefined;
  if (!isTexts(names)) return undefined;
  return [...new Set(names)].filter((name) => name !== self && nodes.includes(name));
}
