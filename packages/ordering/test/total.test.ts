import { expect, test } from 'vitest';
import { Hand, of } from './support/hand.ts';

test('two messages that cross are in the same order everywhere', () => {
  const group = new Hand('total', 'abc');
  group.found('abc');
  group.send('a', 'tea');
  group.send('b', 'coffee');
  expect(group.delivered).toMatchObject({ a: [], b: [], c: [] });
  group.flow();
  expect(group.delivered['a']).toHaveLength(2);
  expect(group.delivered['b']).toEqual(group.delivered['a']);
  expect(group.delivered['c']).toEqual(group.delivered['a']);
  expect(group.positions).toMatchObject({ a: [1, 2], b: [1, 2], c: [1, 2] });
});

test('a receiver proposes one more than all it has seen, and the sender agrees on the greatest', () => {
  const group = new Hand('total', 'abc');
  group.found('abc');
  group.send('a', 'tea');
  group.send('b', 'coffee');
  group.flow(of('data'));
  const proposals = group.packets.filter(of('propose')).map(({ from, to, message }) => [from, to, message]);
  expect(proposals).toMatchObject([
    ['b', 'a', { round: 1, counters: [2] }],
    ['c', 'a', { round: 1, counters: [1] }],
    ['a', 'b', { round: 1, counters: [2] }],
    ['c', 'b', { round: 1, counters: [2] }],
  ]);
  group.flow(of('propose'));
  const agreed = group.packets.filter(of('final', '>c')).map(({ from, message }) => [from, message]);
  expect(agreed).toMatchObject([
    ['a', { round: 1, keys: [{ counter: 2, proposer: 1 }] }],
    ['b', { round: 1, keys: [{ counter: 2, proposer: 2 }] }],
  ]);
  group.flow();
  expect(group.delivered['c']).toEqual(['tea', 'coffee']);
});

test('an agreed message waits for one that may still come before it', () => {
  const group = new Hand('total', 'abc');
  group.found('abc');
  group.send('a', 'first');
  group.flow(of('data', 'a>c'));
  group.send('b', 'second');
  group.flow(of('data propose final', 'b>ac'));
  group.flow(of('propose', 'ac>b'));
  group.flow(of('final', 'b>c'));
  expect(group.delivered['c']).toEqual([]);
  expect(group.machine('c').statistics().holdBack).toMatchObject({ rounds: 2, undeliverableRounds: 1 });
  group.flow();
  expect(group.delivered['b']).toEqual(group.delivered['c']);
});

test('messages of one sender share rounds while earlier ones are under way', () => {
  const group = new Hand('total', 'ab', { roundsInFlightMax: 1 });
  group.found('ab');
  group.send('a', 'one');
  for (const text of ['two', 'three', 'four']) group.send('a', text);
  group.flow();
  expect(group.delivered['b']).toEqual(['one', 'two', 'three', 'four']);
  expect(group.machine('a').statistics().rounds.sent).toBe(2);
});

test('whoever is alone delivers at once', () => {
  const group = new Hand('total', 'a');
  group.found('a');
  group.send('a', 'hello?');
  expect(group.delivered['a']).toEqual(['hello?']);
  expect(group.effects.at(-1)).toEqual({ type: 'settled', sequence: 1 });
});

test('data, proposals and agreed numbers that are lost go out again', () => {
  for (const kind of ['data', 'propose', 'final']) {
    const group = new Hand('total', 'abc', { resendMs: 100 });
    group.found('abc');
    group.send('a', 'one');
    for (let hops = 0; hops < 4; hops++) {
      group.lose(of(kind));
      group.once();
    }
    group.flow((packet) => packet.message.type !== kind);
    group.lose(of(kind));
    for (let waits = 0; waits < 4; waits++) {
      group.wait(100);
      group.flow();
    }
    expect(group.delivered, `lost: ${kind}`).toEqual({ a: ['one'], b: ['one'], c: ['one'] });
  }
});

test('of two, the receiver knows both proposals: it delivers at once, and is told no number', () => {
  const group = new Hand('total', 'ab');
  group.found('ab');
  group.send('a', 'tea');
  group.send('b', 'coffee');
  group.flow(of('data'));
  // Both clocks stand at 1, both propose 2, and b comes after a.
  expect(group.delivered).toMatchObject({ a: [], b: [] });
  expect(group.flow(of('propose', 'b>a'))).toBe(1);
  group.flow();
  expect(group.delivered['a']).toHaveLength(2);
  expect(group.delivered['b']).toEqual(group.delivered['a']);
  group.send('a', 'milk');
  expect(group.flow(of('data', 'a>b'))).toBe(1);
  expect(group.delivered['b']?.at(-1)).toBe('milk');
  expect(group.packets.filter(of('final'))).toEqual([]);
});

test('of two, a proposal that was lost is made again, although its round was delivered long ago', () => {
  const group = new Hand('total', 'ab');
  group.found('ab');
  group.send('a', 'tea');
  group.flow(of('data'));
  expect(group.delivered).toMatchObject({ a: [], b: ['tea'] });
  group.lose();
  group.wait(10_000);
  group.flow();
  expect(group.delivered['a']).toEqual(['tea']);
  expect(group.machine('a').statistics().rounds.resent).toBeGreaterThan(0);
});
