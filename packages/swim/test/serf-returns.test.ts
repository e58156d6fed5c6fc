import { decodeSerf, encodeSerf, encodeTags, isMalformed, type Message } from '@grp/memberlist-wire';
import { describe, expect, test } from 'vitest';
import { SerfCluster } from './serf-cluster.ts';
import { accuse, alive, Solo } from './support/solo.ts';

/** What a Serf agent `b` says of itself: its incarnation starts at 1 in every life, and nothing tells its lives apart. */
function agent(incarnation: number): Message {
  return alive('b', { incarnation, meta: encodeTags({}) });
}

/** `to: type@incarnation` of everything said about `b`. */
function saidOfAgent(solo: Solo): string[] {
  return solo
    .sent()
    .flatMap(({ to, messages }) => messages.map((message) => ({ to, message })))
    .flatMap(({ to, message }) =>
      'incarnation' in message && message.node === 'b' ? [`${to}: ${message.type}@${message.incarnation}`] : [],
    );
}

function withAgent(): Solo {
  const solo = new Solo().know('c', 'd');
  solo.datagram('c', agent(3));
  solo.run(5_000);
  solo.take();
  return solo;
}

describe('a Serf agent that comes back', () => {
  test('hears what it has to outdo, and so does whoever believes it, from those who know better', () => {
    const solo = withAgent();
    solo.datagram('b', accuse('dead', 'b', 3, 'b'));
    solo.take();
    for (const incarnation of [1, 3]) {
      solo.datagram('c', agent(incarnation));
      expect(saidOfAgent(solo)).toContain('c: dead@3');
      solo.take();
      solo.datagram('b', agent(incarnation));
      expect(saidOfAgent(solo)).toContain('b: dead@3');
      solo.take();
    }
    solo.datagram('b', agent(4));
    expect(solo.status('b')).toBe('alive@4');
  });

  test('is told by someone who had taken it in and learns of its leave only now', () => {
    const solo = withAgent();
    solo.datagram('c', accuse('dead', 'b', 5, 'b'));
    expect(saidOfAgent(solo)).toContain('b: dead@5');
  });

  test('is off the list when pruned, but old gossip does not bring it back to life', () => {
    const solo = withAgent();
    solo.datagram('b', accuse('dead', 'b', 3, 'b'));
    solo.datagram('c', { type: 'user', body: encodeSerf({ type: 'leave', time: 50, node: 'b', prune: true }) });
    solo.datagram('c', agent(3));
    expect(solo.events()).toEqual(['leave b@3', 'forget b@3']);
    expect(solo.machine.members().map(({ name }) => name)).toEqual(['a', 'c', 'd']);
    solo.take();
    solo.datagram('b', agent(4));
    expect(solo.events()).toEqual(['join b@4']);
    expect(solo.machine.members().map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('does not inherit the leave of its last life from the time of its join', () => {
    const node = new SerfCluster({ count: 3 }).node(0);
    const timeToldOf = (): number | undefined => {
      const state = decodeSerf(node.layer.localState());
      return isMalformed(state) || state.type !== 'push-pull' ? undefined : state.statusTimes.get('n2');
    };
    const known = node.members.get('n2')!;
    node.layer.receive(encodeSerf({ type: 'leave', time: 30, node: 'n2', prune: false }), node.address);
    node.members.set('n2', { ...known, status: 'left' });
    node.layer.memberGone('n2');
    // The intent comes before the record that says that it lives.
    node.layer.receive(encodeSerf({ type: 'join', time: 40, node: 'n2' }), node.address);
    expect(timeToldOf()).toBe(30);
    node.members.set('n2', known);
    node.layer.memberJoined('n2');
    expect(timeToldOf()).toBe(40);
  });
});

test('an agent hears of a leave one gossip interval before the end that it explains', () => {
  const solo = withAgent();
  solo.give({ type: 'leave' });
  const first = solo.sent().filter(({ to }) => to === 'b');
  expect(first.flatMap(({ messages }) => messages.map(({ type }) => type))).toEqual(['user']);
  solo.take();
  solo.run(200);
  const next = solo.sent().filter(({ to }) => to === 'b');
  expect(next.flatMap(({ messages }) => messages.map(({ type }) => type))).toContain('dead');
});
