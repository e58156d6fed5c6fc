import { decodeSerf, encodeSerf, isMalformed, type SerfMessage } from '@grp/memberlist-wire';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dropsOf, SerfCluster, type TestNode } from './serf-cluster.ts';

const join = (time: number, node: string): Uint8Array => encodeSerf({ type: 'join', time, node });
const leave = (time: number, node: string, prune = false): Uint8Array =>
  encodeSerf({ type: 'leave', time, node, prune });

function hear(node: TestNode, ...bodies: Uint8Array[]): void {
  for (const body of bodies) node.layer.receive(body, node.address);
}

function stateOf(node: TestNode): Extract<SerfMessage, { type: 'push-pull' }> {
  const state = decodeSerf(node.layer.localState());
  if (isMalformed(state) || state.type !== 'push-pull') throw new Error('no push-pull');
  return state;
}

function saidBy(node: TestNode): string[] {
  return node.gossiped.map(({ body }) => {
    const message = decodeSerf(body);
    return isMalformed(message) || (message.type !== 'join' && message.type !== 'leave')
      ? '?'
      : `${message.type} ${message.node} @${message.time}`;
  });
}

describe('join and leave intents', () => {
  test('a leave is heard by everyone, and passed on once by each', () => {
    const cluster = new SerfCluster({ count: 6, loss: 0.2, seed: 5 });
    cluster.node(0).layer.announceJoin();
    cluster.run(1_000);
    cluster.node(0).layer.announceLeave();
    cluster.run(1_000);
    for (const node of cluster.nodes.slice(1)) {
      expect(node.leaves).toEqual(['n0']);
      expect(node.gossiped).toHaveLength(2);
    }
  });

  test('an agent that leaves without its record saying so is told as leaving before it is gone', () => {
    const [a] = new SerfCluster({ count: 2 }).nodes as [TestNode];
    hear(a, join(5, 'n1'), leave(6, 'n1'));
    expect(a.leaves).toEqual(['n1']);
    a.layer.memberGone('n1');
    hear(a, join(7, 'n1'));
    expect(a.leaves).toEqual(['n1']); // nothing to withdraw: it has gone
  });

  test('the newest intent counts, whatever the order; older and equal ones are not passed on', () => {
    const [a] = new SerfCluster({ count: 2 }).nodes as [TestNode];
    hear(a, leave(9, 'n1'), join(8, 'n1'), leave(9, 'n1'), join(10, 'n1'), leave(10, 'n1'), leave(3, 'n1'));
    expect(a.leaves).toEqual(['n1', '-n1']);
    expect(saidBy(a)).toEqual(['leave n1 @9', 'join n1 @10']);
  });

  test('in any order, the same intents end in the same state', () => {
    const intents = fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.boolean()), {
      maxLength: 12,
      selector: ([time]) => time,
    });
    fc.assert(
      fc.property(
        intents.chain((list) =>
          fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }), fc.boolean()),
        ),
        ([list, shuffled, late]) => {
          const [a, b] = new SerfCluster({ count: 3 }).nodes as [TestNode, TestNode];
          if (late) b.members.delete('n2'); // hears of it only afterwards
          for (const [node, order] of [
            [a, list],
            [b, shuffled],
          ] as const) {
            for (const [time, leaving] of order) hear(node, leaving ? leave(time, 'n2') : join(time, 'n2'));
          }
          if (late) {
            b.members.set('n2', a.members.get('n2')!);
            b.layer.memberJoined('n2');
          }
          const isLeaving = (node: TestNode): boolean => node.leaves.at(-1) === 'n2';
          expect(isLeaving(b)).toBe(isLeaving(a));
          expect(stateOf(b).statusTimes).toEqual(stateOf(a).statusTimes);
        },
      ),
    );
  });

  test('an old leave of this very node is outdone by a newer join, once', () => {
    const [a, b] = new SerfCluster({ count: 2 }).nodes as [TestNode, TestNode];
    hear(a, leave(20, 'n0'), leave(20, 'n0'));
    expect(saidBy(a)).toEqual(['join n0 @22']);
    hear(b, leave(20, 'n0'), a.gossiped[0]!.body);
    expect(b.leaves).toEqual(['n0', '-n0']);
  });

  test('a node that leaves does not deny it', () => {
    const node = new SerfCluster({ count: 1 }).node(0);
    node.layer.announceLeave();
    hear(node, leave(20, 'n0'));
    node.layer.announceJoin();
    node.layer.announceLeave();
    expect(saidBy(node)).toEqual(['leave n0 @1']);
    expect(stateOf(node).leftMembers).toEqual(['n0']);
  });

  test('a new life joins later than any list can date the end of the old one', () => {
    const cluster = new SerfCluster({ count: 3, loss: 1 });
    const [stale, other, again] = cluster.nodes as [TestNode, TestNode, TestNode];
    hear(stale, leave(30, 'n2'));
    hear(other, leave(30, 'n2'));
    stale.members.set('n2', { ...stale.members.get('n2')!, status: 'left' }); // will not hear of the return
    cluster.pushPull(again, other, { join: true });
    again.layer.announceJoin();
    hear(other, again.gossiped.at(-1)!.body);
    cluster.pushPull(other, stale); // whose list shows n2 as left
    expect(other.leaves.at(-1)).toBe('-n2');
  });

  test('prune is passed on to the machine', () => {
    const [a] = new SerfCluster({ count: 2 }).nodes as [TestNode];
    hear(a, leave(4, 'n1', true));
    expect(a.leaves).toEqual(['n1!']);
  });

  test('an intent that comes before its member waits for it', () => {
    const [a] = new SerfCluster({ count: 2 }).nodes as [TestNode];
    const member = a.members.get('n1')!;
    a.members.delete('n1');
    hear(a, leave(4, 'n1'), leave(4, 'n1'), join(3, 'n1'));
    expect(saidBy(a)).toEqual(['leave n1 @4']);
    expect(a.leaves).toEqual([]);
    a.members.set('n1', member);
    a.layer.memberJoined('n1');
    expect(a.leaves).toEqual(['n1']);
  });

  test('a member that returns is not leaving any more, and its old times still count', () => {
    const [a] = new SerfCluster({ count: 2 }).nodes as [TestNode];
    hear(a, leave(9, 'n1'));
    a.layer.memberGone('n1');
    a.layer.memberJoined('n1');
    hear(a, leave(9, 'n1'));
    expect(a.leaves).toEqual(['n1']);
    a.layer.memberForgotten('n1');
    hear(a, leave(9, 'n1'));
    expect(a.leaves).toEqual(['n1', 'n1']);
  });
});

describe('the state that is exchanged', () => {
  test('has the times of the latest intents and who has left', () => {
    const [a] = new SerfCluster({ count: 4 }).nodes as [TestNode];
    hear(a, join(3, 'n1'), leave(5, 'n2'));
    a.members.set('n2', { ...a.members.get('n2')!, status: 'left' });
    const { statusTimes, leftMembers, time } = stateOf(a);
    expect([...statusTimes]).toEqual([
      ['n1', 3],
      ['n2', 5],
    ]);
    expect(leftMembers).toEqual(['n2']);
    expect(time).toBe(6);
  });

  test('carries intents that gossip lost', () => {
    const cluster = new SerfCluster({ count: 3, loss: 1 });
    const [a, b] = cluster.nodes as [TestNode, TestNode];
    hear(a, leave(5, 'n2'));
    a.members.set('n2', { ...a.members.get('n2')!, status: 'left' });
    cluster.pushPull(b, a);
    expect(b.leaves).toEqual(['n2']);
    expect(b.gossiped).toEqual([]);
    b.layer.announceJoin();
    expect(saidBy(b)).toEqual(['join n1 @8']); // its clock has taken part
  });
});

describe('limits of intents', () => {
  test('1,024 intents about unknown members are kept, the oldest gives way; after five minutes they are out of date', () => {
    const cluster = new SerfCluster({ count: 1 });
    const node = cluster.node(0);
    for (let index = 0; index < 1_025; index++) hear(node, leave(1, `x${index}`));
    expect(dropsOf(node)).toEqual({ 'intents-limit': 1 });
    const appear = (name: string): boolean => {
      node.members.set(name, { ...node.members.get('n0')!, name });
      node.layer.memberJoined(name);
      return node.leaves.includes(name);
    };
    expect([appear('x0'), appear('x1'), appear('x1024')]).toEqual([false, true, true]);
    cluster.run(300_001);
    hear(node, leave(1, 'fresh'));
    expect([appear('x2'), appear('fresh')]).toEqual([false, true]);
    expect(dropsOf(node)).toEqual({ 'intents-limit': 1 });
  });

  test('names and times are bounded', () => {
    const node = new SerfCluster({ count: 1 }).node(0);
    hear(node, join(1, ''), join(1, 'x'.repeat(256)), join(2 ** 53 - 1, 'x'), join(1, 'x'.repeat(255)));
    expect(dropsOf(node)).toEqual({ 'name-length': 2, 'time-limit': 1 });
    expect(node.gossiped).toHaveLength(1);
  });
});
