import { expect, test } from 'vitest';
import { judgeRoom, type RoomOperation } from './support/room-history.ts';

// The judge of the soaks, judged.
const final = ['a', 'b', 'c'].map((text, index) => ({ text, sequence: index + 1 }));

function send(text: string, call: number, end: number, sequence?: number): RoomOperation {
  const outcome = sequence === undefined ? 'CHAT_UNREACHABLE' : 'ok';
  return { by: 'x', f: 'send', text, call, return: end, outcome, ...(sequence !== undefined && { sequence }) };
}

function read(sequence: number, call: number, end: number): RoomOperation {
  const tail = final.slice(0, sequence).map((message) => [message.sequence, message.text] as const);
  return { by: 'y', f: 'read', call, return: end, outcome: 'ok', sequence, tail };
}

const good = [
  send('a', 0, 5, 1),
  send('b', 4, 9, 2),
  read(1, 3, 8),
  send('c', 10, 20),
  read(2, 11, 15),
  read(3, 16, 18),
];

test('what is linearizable passes, also when an outcome is open', () => {
  expect(judgeRoom(final, good)).toEqual([]);
});

test.each<[string, readonly RoomOperation[], RegExp]>([
  ['a message that is lost', [...good, send('d', 30, 31, 4)], /acknowledged as 4/],
  ['a stale read', [...good, read(1, 30, 31)], /read 1 messages, and 3 were known/],
  [
    'a read that forgets what another saw',
    [send('a', 0, 5, 1), read(2, 6, 7), read(1, 8, 9), send('b', 5, 20, 2)],
    /2 were known/,
  ],
  ['a read of what was not sent yet', [send('a', 0, 5, 1), read(2, 6, 7), send('b', 8, 9, 2)], /sent later/],
  ['a place before what was known', [send('b', 0, 5, 2), send('a', 6, 9, 1)], /2 was known before/],
  ['a place that changed', [{ ...read(1, 0, 5), tail: [[1, 'b']] }], /read b as 1/],
])('%s is found', (_, operations, problem) => {
  expect(judgeRoom(final, operations).join('; ')).toMatch(problem);
});

test('a message that is there twice is found', () => {
  expect(judgeRoom([...final, { text: 'a', sequence: 4 }], good).join()).toContain('a is there twice');
});
