import { decodeSerf, encodeSerf, isMalformed } from '@grp/memberlist-wire';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { userEventBytes } from '../src/serf/events.ts';
import { bytes, dropsOf, eventsOf, outputsOf, SerfCluster } from './serf-cluster.ts';

function event(time: number, name: string, payload = '', coalesce = false): Uint8Array {
  return encodeSerf({ type: 'user-event', time, name, payload: bytes(payload), coalesce });
}

describe('user events', () => {
  test('reach every application once, the sender included, whatever the network does', () => {
    const cluster = new SerfCluster({ count: 8, loss: 0.25, seed: 3 });
    for (let round = 0; round < 40; round++) {
      cluster.node(round % 8).layer.sendEvent('deploy', bytes(String(round)), round % 2 === 0);
      cluster.run(30);
    }
    cluster.run(5_000);
    const sent = Array.from({ length: 40 }, (_, round) => `deploy:${round}`);
    for (const node of cluster.nodes) expect(eventsOf(node).toSorted()).toEqual(sent.toSorted());
    expect(
      outputsOf(cluster.node(3), 'user-event').every(
        ({ payload, coalesce }) => coalesce === (payload.at(-1) ?? 0) % 2 < 1,
      ),
    ).toBe(true);
  });

  test('two at the same lamport time are told apart by name and payload; the same one is taken once', () => {
    const { nodes, ...cluster } = new SerfCluster({ count: 1 });
    const node = nodes[0]!;
    for (const body of [event(7, 'a'), event(7, 'b'), event(7, 'a', 'x'), event(7, 'a'), event(7, 'a', 'x', true)]) {
      node.layer.receive(body, node.address);
    }
    expect(cluster).toBeDefined();
    expect(eventsOf(node)).toEqual(['a:', 'b:', 'a:x']);
    expect(node.gossiped).toHaveLength(3);
    expect(node.gossiped.map(({ body }) => body)).toEqual([event(7, 'a'), event(7, 'b'), event(7, 'a', 'x')]);
    expect(new Set(node.gossiped.map(({ key }) => key)).size).toBe(3); // none pushes another out of the queue
  });

  test('the clock moves past what was seen, so that an answer comes after its cause', () => {
    const node = new SerfCluster({ count: 1 }).node(0);
    node.layer.receive(event(41, 'cause'), node.address);
    node.layer.sendEvent('effect', bytes(''), false);
    expect(outputsOf(node, 'user-event').map(({ time }) => time)).toEqual([41, 42]);
  });

  test('what has fallen out of the last 512 times is not taken again', () => {
    const node = new SerfCluster({ count: 1 }).node(0);
    node.layer.receive(event(10, 'old'), node.address);
    node.layer.receive(event(521, 'newer'), node.address); // the clock shows 522, the window begins at 10
    node.layer.receive(event(10, 'old'), node.address);
    node.layer.receive(event(10, 'late'), node.address);
    node.layer.receive(event(522, 'newest'), node.address);
    node.layer.receive(event(10, 'old'), node.address);
    expect(eventsOf(node)).toEqual(['old:', 'newer:', 'late:', 'newest:']);
    expect(dropsOf(node)).toEqual({ 'event-old': 1 });
  });

  test('any order of the same events gives the same set', () => {
    const events = fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 500 }), fc.constantFrom('a', 'b')), {
      maxLength: 40,
      selector: String,
    });
    fc.assert(
      fc.property(
        events.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([list, shuffled]) => {
          const [a, b] = new SerfCluster({ count: 2 }).nodes;
          for (const [time, name] of list) a!.layer.receive(event(time, name), a!.address);
          for (const [time, name] of shuffled) b!.layer.receive(event(time, name), b!.address);
          expect(eventsOf(a!).toSorted()).toEqual(eventsOf(b!).toSorted());
        },
      ),
    );
  });

  test('a push-pull carries what gossip lost, and only the times at which something happened', () => {
    const cluster = new SerfCluster({ count: 2, loss: 1 });
    const [a, b] = [cluster.node(0), cluster.node(1)];
    a.layer.sendEvent('one', bytes('1'), true);
    a.layer.sendEvent('two', bytes('2'), false);
    const state = decodeSerf(a.layer.localState());
    expect(!isMalformed(state) && state.type === 'push-pull' ? state.events.map(({ time }) => time) : []).toEqual([
      1, 2,
    ]);
    expect(a.layer.localState().length).toBeLessThan(200); // Serf writes 512 slots, 586 bytes of nothing
    cluster.pushPull(b, a);
    cluster.pushPull(b, a);
    expect(eventsOf(b)).toEqual(['one:1', 'two:2']);
    expect(b.gossiped).toEqual([]); // a push-pull is not passed on by gossip
  });

  test('who joins does not replay the past, but hears what follows; who was asked does hear the joiner', () => {
    const cluster = new SerfCluster({ count: 2, loss: 1 });
    const [old, joiner] = [cluster.node(0), cluster.node(1)];
    for (const name of ['x', 'y']) old.layer.sendEvent(name, bytes(''), false);
    joiner.layer.sendEvent('mine', bytes(''), false);
    cluster.pushPull(joiner, old, { join: true });
    expect(eventsOf(joiner)).toEqual(['mine:']);
    expect(eventsOf(old)).toEqual(['x:', 'y:', 'mine:']);
    expect(dropsOf(joiner)).toEqual({ 'event-old': 2 });
    old.layer.sendEvent('z', bytes(''), false);
    cluster.pushPull(joiner, old);
    expect(eventsOf(joiner)).toEqual(['mine:', 'z:']);
  });
});

describe('limits of user events', () => {
  test('512 bytes encoded are sent, 513 are not', () => {
    const node = new SerfCluster({ count: 1 }).node(0);
    const overhead = userEventBytes('big', new Uint8Array(300)) - 300;
    node.layer.sendEvent('big', new Uint8Array(512 - overhead), false);
    expect(dropsOf(node)).toEqual({});
    node.layer.sendEvent('big', new Uint8Array(513 - overhead), false);
    expect(dropsOf(node)).toEqual({ 'event-too-long': 1 });
    expect(node.gossiped).toHaveLength(1);
  });

  test('a longer one from an agent that is set so is taken, up to 9 KiB, but not passed on by gossip', () => {
    const node = new SerfCluster({ count: 1 }).node(0);
    node.layer.receive(event(1, 'n', 'x'.repeat(9_215)), node.address);
    node.layer.receive(event(2, 'n', 'x'.repeat(9_216)), node.address);
    expect(outputsOf(node, 'user-event')).toHaveLength(1);
    expect(node.gossiped).toHaveLength(0);
    expect(dropsOf(node)).toEqual({ 'too-long-to-pass-on': 1, 'event-too-long': 1 });
  });

  test('one lamport time takes 256 events', () => {
    const node = new SerfCluster({ count: 1 }).node(0);
    for (let index = 0; index < 257; index++) node.layer.receive(event(5, `e${index}`), node.address);
    expect(outputsOf(node, 'user-event')).toHaveLength(256);
    expect(dropsOf(node)).toEqual({ 'events-limit': 1 });
  });

  test('a mebibyte is remembered; beyond it the oldest times are closed, so that nothing comes twice', () => {
    const node = new SerfCluster({ count: 1 }).node(0);
    const payload = 'x'.repeat(8_999);
    for (let time = 1; time <= 150; time++) node.layer.receive(event(time, 'e', payload), node.address);
    expect(outputsOf(node, 'user-event')).toHaveLength(150);
    expect(node.layer.localState().length).toBeLessThan(1_060_000);
    for (let time = 1; time <= 150; time++) node.layer.receive(event(time, 'e', payload), node.address);
    expect(outputsOf(node, 'user-event')).toHaveLength(150);
    expect(dropsOf(node)['event-old']).toBe(150 - 116);
  });

  test('one time cannot fill all the memory', () => {
    const node = new SerfCluster({ count: 1 }).node(0);
    for (let index = 0; index < 200; index++) {
      node.layer.receive(event(9, `e${index}`, 'x'.repeat(9_000)), node.address);
    }
    expect(node.layer.localState().length).toBeLessThan(1_060_000);
    expect(dropsOf(node)['events-limit']).toBe(200 - 116);
  });

  test('a time that no clock can count to is refused; one near the end does no harm', () => {
    const node = new SerfCluster({ count: 1 }).node(0);
    node.layer.receive(event(Number.MAX_SAFE_INTEGER, 'end'), node.address);
    expect(dropsOf(node)).toEqual({ 'time-limit': 1 });
    node.layer.receive(event(2 ** 52, 'end'), node.address);
    node.layer.sendEvent('after', bytes('1'), false);
    node.layer.sendEvent('after', bytes('2'), false);
    expect(eventsOf(node)).toEqual(['end:', 'after:1', 'after:2']);
  });
});
