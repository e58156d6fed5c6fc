import type { Address } from '@grp/core';
import { encodeFilter, encodeSerf, type SerfMessage } from '@grp/memberlist-wire';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SerfCluster } from './serf-cluster.ts';

const time = fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.maxSafeNat());
const name = fc.oneof(
  fc.constantFrom('n0', 'n1', 'n2', 'stranger', '', '_serf_ping', '_serf_list-keys'),
  fc.string({ maxLength: 300 }),
);
const payload = fc.uint8Array({ maxLength: 1_200 });
const address = fc.constantFrom('10.0.0.1:7946', '10.0.0.2:7946', '203.0.113.1:53', '[::1]:1') as fc.Arbitrary<Address>;
const source = fc.record({ address, name });
const filter = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.array(name, { maxLength: 3 }).map((names) => encodeFilter({ type: 'nodes', names })),
  fc
    .tuple(name, fc.string({ maxLength: 30 }))
    .map(([tag, expression]) => encodeFilter({ type: 'tag', tag, expression })),
);
const u32 = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 0xffff_ffff }));

const answer = fc.record({
  type: fc.constant('query-response' as const),
  time,
  id: u32,
  from: name,
  flags: u32,
  payload,
});
const event = fc.record({ name, payload });
const message: fc.Arbitrary<SerfMessage> = fc.oneof(
  fc.record({ type: fc.constant('leave' as const), time, node: name, prune: fc.boolean() }),
  fc.record({ type: fc.constant('join' as const), time, node: name }),
  fc.record({ type: fc.constant('user-event' as const), time, name, payload, coalesce: fc.boolean() }),
  fc.record({
    type: fc.constant('query' as const),
    time,
    id: u32,
    source,
    filters: fc.array(filter, { maxLength: 20 }),
    flags: u32,
    relayCount: fc.integer({ min: 0, max: 255 }),
    timeoutMs: fc.integer({ min: 0, max: 10_000_000 }),
    name,
    payload,
  }),
  answer,
  fc.record({
    type: fc.constant('push-pull' as const),
    time,
    statusTimes: fc.array(fc.tuple(name, time), { maxLength: 10 }).map((pairs) => new Map(pairs)),
    leftMembers: fc.array(name, { maxLength: 5 }),
    eventTime: time,
    events: fc.array(fc.record({ time, events: fc.array(event, { maxLength: 4 }) }), { maxLength: 10 }),
    queryTime: time,
  }),
  fc
    .tuple(address, name, fc.oneof(answer.map(encodeSerf), payload))
    .map(([to, toName, body]) => ({ type: 'relay' as const, to, toName, body })),
);

type Step =
  | { readonly do: 'receive' | 'merge'; readonly body: Uint8Array; readonly from: Address; readonly join: boolean }
  | { readonly do: 'run' | 'ask' | 'joined' | 'gone' };

const body = fc.oneof(
  { weight: 4, arbitrary: message.map(encodeSerf) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  // A message with one byte altered, or cut short.
  {
    weight: 2,
    arbitrary: fc.tuple(message.map(encodeSerf), fc.nat(), fc.nat(255), fc.boolean()).map(([bytes, at, value, cut]) => {
      const changed = bytes.slice(0, cut ? at % (bytes.length + 1) : bytes.length);
      if (!cut) changed[at % changed.length] = value;
      return changed;
    }),
  },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('receive' as const, 'merge' as const),
      body,
      from: address,
      join: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('run' as const, 'ask' as const, 'joined' as const, 'gone' as const) }),
  },
);

test('whatever arrives is handled or counted, never thrown, and the node goes on working', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const cluster = new SerfCluster({ count: 3, tags: () => ({ role: 'web' }) });
      const node = cluster.node(0);
      for (const [ticket, one] of steps.entries()) {
        if (one.do === 'receive') node.layer.receive(one.body, one.from);
        else if (one.do === 'merge') node.layer.mergeState(one.body, one.join);
        else if (one.do === 'run') cluster.run(10_000);
        else if (one.do === 'ask') node.layer.ask(ticket, 'q', { relayCount: 2, acknowledge: true });
        else if (one.do === 'joined') node.layer.memberJoined('stranger');
        else node.layer.memberGone('n1');
        expect(node.layer.localState().length).toBeGreaterThan(0);
      }
      const seen = node.outputs.length;
      node.layer.sendEvent('still', new Uint8Array([1]), false);
      node.layer.ask(-1, 'here?', { timeoutMs: 10 });
      cluster.run(4_000_000);
      const after = node.outputs.slice(seen);
      expect(after.some((output) => output.type === 'user-event' && output.name === 'still')).toBe(true);
      expect(after.some((output) => output.type === 'query-result' && output.ticket === -1)).toBe(true);
      for (const { body: sent } of [...node.gossiped, ...node.sent]) expect(sent.length).toBeLessThanOrEqual(1_100);
    }),
    { numRuns: 300 },
  );
});
