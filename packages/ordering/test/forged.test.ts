import { expect, test } from 'vitest';
import type { Message } from '../src/index.ts';
import { Hand, of } from './support/hand.ts';

const data = (given: object = {}): Message => ({
  type: 'data',
  view: 1,
  stable: 0,
  round: 1,
  firstSequence: 1,
  counter: 1,
  vector: [],
  payloads: [new Uint8Array(1)],
  ...given,
});
const marks = { have: 1, decided: 0, delivered: 0, floor: 0 };

/** Total order among a, b and c; d is a stranger. */
function group(): Hand {
  const hand = new Hand('total', 'abc');
  hand.found('abc');
  return hand;
}

function refused(hand: Hand, name = 'a'): Readonly<Record<string, number>> {
  return hand.machine(name).statistics().refused;
}

test('whoever is no member is not listened to', () => {
  const hand = group();
  hand.receive('a', 'd', data());
  hand.receive('a', 'd', { type: 'propose', view: 1, ...marks, round: 1, counters: [1] });
  expect(refused(hand)).toEqual({ stranger: 2 });
});

test('nobody says an agreed number of another’s message', () => {
  const hand = group();
  hand.send('a', 'mine');
  hand.receive('b', 'c', { type: 'final', view: 1, stable: 0, round: 1, keys: [{ counter: 1, proposer: 2 }] });
  hand.flow();
  // It was kept as the number of c's own first round, which is not the one that a sent.
  expect(hand.delivered['b']).toEqual(['mine']);
});

test('an agreed number below the own proposal is refused', () => {
  const hand = group();
  hand.send('b', 'first');
  hand.flow();
  hand.receive('a', 'c', data({ counter: 1 }));
  hand.receive('a', 'c', { type: 'final', view: 1, stable: 0, round: 1, keys: [{ counter: 1, proposer: 2 }] });
  expect(refused(hand)).toEqual({ 'final-too-low': 1 });
  expect(hand.delivered['a']).toEqual(['first']);
});

test('numbers do not leap: no clock comes near the end of what a number holds', () => {
  const hand = group();
  hand.send('a', 'mine');
  hand.lose();
  const leap = 2 ** 50;
  hand.receive('a', 'b', { type: 'propose', view: 1, ...marks, round: 1, counters: [leap] });
  hand.receive('a', 'c', data({ counter: leap }));
  hand.receive('a', 'c', data());
  hand.receive('a', 'c', { type: 'final', view: 1, stable: 0, round: 1, keys: [{ counter: leap, proposer: 2 }] });
  expect(refused(hand)).toEqual({ 'proposal-leaps': 1, 'data-leaps': 1, 'final-leaps': 1 });
  expect(hand.machine('a').statistics().numbers.proposed).toBeLessThan(10);
});

test('a second proposal of one member is not looked at', () => {
  const hand = group();
  hand.send('a', 'mine');
  hand.flow(of('data'));
  hand.receive('a', 'b', { type: 'propose', view: 1, ...marks, round: 1, counters: [50] });
  hand.receive('a', 'b', { type: 'propose', view: 1, ...marks, round: 1, counters: [60] });
  hand.flow();
  expect(hand.machine('c').statistics().numbers.agreed).toBe(50);
});

test('a number proposed by nobody in the view is refused', () => {
  const hand = group();
  hand.receive('a', 'c', data());
  hand.receive('a', 'c', { type: 'final', view: 1, stable: 0, round: 1, keys: [{ counter: 5, proposer: 9 }] });
  expect(refused(hand)).toEqual({ 'final-proposer': 1 });
});

test('views come from the authority: what members say of a flush that is not on is refused', () => {
  const hand = group();
  hand.receive('a', 'b', { type: 'prepare', view: 7, base: 1, position: 0, clock: 0, senders: [] });
  hand.receive('a', 'b', { type: 'install', view: 7, position: 0 });
  hand.receive('a', 'b', { type: 'request', view: 7 });
  expect(refused(hand)).toEqual({ 'other-view': 3 });
  expect(hand.machine('a').view?.number).toBe(1);
});

test('during a flush only its leader leads', () => {
  const hand = group();
  hand.view(2, 'abc', 'b');
  hand.receive('b', 'c', { type: 'prepare', view: 2, base: 1, position: 0, clock: 0, senders: [] });
  hand.receive('b', 'c', { type: 'install', view: 2, position: 0 });
  hand.receive('b', 'c', { type: 'ready', view: 2, position: 0 });
  hand.receive('b', 'd', { type: 'prepare', view: 2, base: 1, position: 0, clock: 0, senders: [] });
  hand.receive('b', 'a', { type: 'install', view: 2, position: 0 });
  expect(refused(hand, 'b')).toEqual({ 'not-coordinator': 3, stranger: 1, 'install-early': 1 });
  hand.flow();
  hand.view(2, 'abc', 'ac');
  hand.flow();
  expect(hand.installed).toMatchObject({ a: [1, 2], b: [1, 2], c: [1, 2] });
});

test('a refill comes from the member that was named, of the sender that was asked for', () => {
  const hand = new Hand('fifo', 'abcd');
  hand.found('abcd');
  hand.send('d', 'true');
  hand.flow(of('data', 'd>b'));
  hand.crash('d');
  hand.lose();
  hand.view(2, 'abc');
  hand.flow((packet) => packet.message.type !== 'refill');
  const forged = { round: 1, firstSequence: 1, counter: 0, vector: [], payloads: [new Uint8Array([33])] };
  hand.receive('a', 'c', { type: 'refill', view: 2, base: 1, sender: 3, rounds: [forged] });
  hand.flow();
  expect(hand.delivered['a']).toEqual(['true']);
  expect(refused(hand)).toEqual({ refill: 1 });
});

test('a sender cannot make others forget what they have not delivered', () => {
  const hand = group();
  hand.receive('a', 'b', data({ round: 9, stable: 8 }));
  hand.receive('a', 'b', { type: 'stable', view: 1, stable: 1_000_000 });
  expect(hand.machine('a').statistics().holdBack.rounds).toBe(1);
});

test('a receiver cannot have more than was sent', () => {
  const hand = group();
  hand.receive('a', 'b', { type: 'ack', view: 1, have: 99, decided: 99, delivered: 99, floor: 0, ask: 0 });
  expect(refused(hand)).toEqual({ 'marks-beyond': 1 });
});

test('a row whose numbers jump is refused', () => {
  const hand = new Hand('fifo', 'ab');
  hand.found('ab');
  hand.receive('a', 'b', data({ counter: 0 }));
  hand.receive('a', 'b', data({ counter: 0, round: 2, firstSequence: 77 }));
  expect(refused(hand)).toEqual({ sequence: 1 });
  expect(hand.delivered['a']).toHaveLength(1);
});

test('a vector belongs to causal order, and has one mark for each member', () => {
  const causal = new Hand('causal', 'ab');
  causal.found('ab');
  causal.receive('a', 'b', data({ counter: 0, vector: [0] }));
  expect(refused(causal)).toEqual({ vector: 1 });
  const total = group();
  total.receive('a', 'b', data({ vector: [0, 0, 0] }));
  total.receive('a', 'b', data({ counter: 0 }));
  expect(refused(total)).toEqual({ vector: 1, order: 1 });
});

test('asking again and again costs the asker more than the asked', () => {
  const hand = new Hand('fifo', 'ab', { gapMs: 50 });
  hand.found('ab');
  hand.send('a', 'x'.repeat(1_000));
  hand.lose();
  const ask: Message = { type: 'ack', view: 1, have: 0, decided: 0, delivered: 0, floor: 0, ask: 1 };
  for (let times = 0; times < 100; times++) hand.receive('a', 'b', ask);
  expect(hand.packets.filter(of('data'))).toHaveLength(1);
});
