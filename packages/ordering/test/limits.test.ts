import type { Address } from '@grp/core';
import { expect, test } from 'vitest';
import type { Message } from '../src/index.ts';
import { Hand, of } from './support/hand.ts';

const digits = Array.from('0123456789');
const small = { roundMessagesMax: 1, windowRoundsMax: 4, holdBackRoundsMax: 8, ackRounds: 1, outboxMessagesMax: 10 };

test('a sender stops at its window, and goes on when everybody has delivered', () => {
  const group = new Hand('fifo', 'abc', small);
  group.found('abc');
  group.send('a', ...digits);
  expect(group.packets.filter(of('data', 'a>b'))).toHaveLength(4);
  expect(group.machine('a').statistics().outbox.messages).toBe(6);
  group.flow(({ to, from }) => to !== 'c' && from !== 'c');
  expect(group.delivered['b']).toHaveLength(4);
  group.flow();
  expect(group.delivered['c']).toEqual(digits);
});

test('a full outbox takes nothing more, and says so', () => {
  const group = new Hand('fifo', 'ab', small);
  group.send('a', ...digits);
  group.send('a', 'too much');
  expect(group.machine('a').statistics()).toMatchObject({ outbox: { messages: 10 }, refused: { 'outbox-full': 1 } });
  group.found('ab');
  for (let waits = 0; waits < 5; waits++) group.flow();
  expect(group.delivered['b']).toEqual(digits);
});

test('whatever a peer sends, so many of its rounds are kept and no more', () => {
  const group = new Hand('fifo', 'ab', small);
  group.found('ab');
  const data = (round: number): Message => ({
    type: 'data',
    view: 1,
    stable: 0,
    round,
    firstSequence: round,
    counter: 0,
    vector: [],
    payloads: [new Uint8Array(10)],
  });
  for (let round = 2; round < 1_000; round++) group.receive('a', 'b', data(round));
  const { holdBack, refused } = group.machine('a').statistics();
  expect(holdBack).toMatchObject({ rounds: 7, aheadRounds: 7 });
  expect(refused).toEqual({ 'beyond-window': 991 });
});

test('the same in bytes', () => {
  const limits = { payloadBytesMax: 32_768, windowBytesMax: 65_536, holdBackBytesMax: 131_072 };
  const group = new Hand('fifo', 'ab', limits);
  group.found('ab');
  for (let round = 2; round < 10; round++) {
    const payloads = [new Uint8Array(32_000)];
    const body = { round, firstSequence: round, counter: 0, vector: [], payloads };
    group.receive('a', 'b', { type: 'data', view: 1, stable: 0, ...body });
  }
  const { holdBack, refused } = group.machine('a').statistics();
  expect(holdBack.bytes).toBeLessThanOrEqual(131_072);
  expect(refused).toEqual({ 'hold-back-full': 4 });
  const tooLong = { round: 1, firstSequence: 1, counter: 0, vector: [], payloads: [new Uint8Array(32_769)] };
  group.receive('a', 'b', { type: 'data', view: 1, stable: 0, ...tooLong });
  expect(group.machine('a').statistics().refused).toMatchObject({ 'payload-too-large': 1 });
});

test('messages of a view to come are kept up to a limit, and what is dropped comes again', () => {
  const group = new Hand('fifo', 'ab', { earlyMessagesMax: 16, roundMessagesMax: 1, resendMs: 100 });
  group.found('ab');
  group.view(2, 'ab');
  group.flow((packet) => packet.message.type !== 'install');
  group.send('a', ...'abcdefghijklmnopqrstuvwxyz'.split(''));
  group.flow(of('data'));
  expect(group.machine('b').statistics().refused).toMatchObject({ 'early-full': 10 });
  group.flow();
  expect(group.delivered['b']).toHaveLength(16);
  for (let waits = 0; waits < 3; waits++) {
    group.wait(100);
    group.flow();
  }
  expect(group.delivered['b']?.join('')).toBe('abcdefghijklmnopqrstuvwxyz');
});

test('long payloads go alone, short ones together', () => {
  const group = new Hand('total', 'ab', { roundBytesMax: 1_000, roundsInFlightMax: 1 });
  group.found('ab');
  group.send('a', 'x'.repeat(5_000), ...Array.from({ length: 20 }, () => 'y'.repeat(100)));
  group.flow();
  expect(group.delivered['b']).toHaveLength(21);
  expect(group.machine('a').statistics().rounds.sent).toBe(3);
});

test('what a full link refused goes out when there is room, in its order, and nothing goes twice', () => {
  const group = new Hand('fifo', 'abc', { roundMessagesMax: 1 });
  group.found('abc');
  const address = 'b:1' as Address;
  group.send('a', 'one', 'two', 'three');
  const refused = of('data', 'a>b');
  group.lose((packet) => refused(packet) && packet.message.type === 'data' && packet.message.round >= 2);
  group.step('a', { type: 'full', peer: address, round: 2 }, { type: 'full', peer: address, round: 3 });
  group.send('a', 'four');
  group.flow();
  expect(group.delivered).toMatchObject({ b: ['one'], c: ['one', 'two', 'three'] });
  expect(group.machine('a').statistics().outbox.messages).toBe(1);
  group.step('a', { type: 'writable', peer: address });
  const rounds = group.packets.flatMap(({ to, message }) => (message.type === 'data' ? [`${to}${message.round}`] : []));
  expect(rounds).toEqual(['b2', 'b3', 'b4', 'c4']);
  group.flow();
  expect(group.delivered['b']).toEqual(['one', 'two', 'three', 'four']);
});

test('when a link has lost what was under way, data, proposals and agreed numbers go out again at once', () => {
  const group = new Hand('total', 'abc');
  group.found('abc');
  group.send('a', 'one');
  group.flow(of('data'));
  group.lose(of('propose', 'b>a'));
  group.step('b', { type: 'reset', peer: 'a:1' as Address });
  group.step('a', { type: 'reset', peer: 'b:1' as Address });
  group.flow();
  expect(group.delivered).toEqual({ a: ['one'], b: ['one'], c: ['one'] });
});
