import { expect, test } from 'vitest';
import { Hand, of } from './support/hand.ts';

test('an answer waits for its question', () => {
  const group = new Hand('causal', 'abc');
  group.found('abc');
  group.send('a', 'question');
  group.flow(of('data', 'a>b'));
  group.send('b', 'answer');
  group.flow(of('data', 'b>c'));
  expect(group.delivered['c']).toEqual([]);
  group.flow();
  expect(group.delivered).toMatchObject({ b: ['question', 'answer'], c: ['question', 'answer'] });
});

test('FIFO order alone would not wait', () => {
  const group = new Hand('fifo', 'abc');
  group.found('abc');
  group.send('a', 'question');
  group.flow(of('data', 'a>b'));
  group.send('b', 'answer');
  group.flow(of('data', 'b>c'));
  group.flow();
  expect(group.delivered['c']).toEqual(['answer', 'question']);
});

test('messages that know nothing of each other are delivered as they come', () => {
  const group = new Hand('causal', 'abc');
  group.found('abc');
  group.send('a', 'tea');
  group.send('b', 'coffee');
  group.flow(of('data', 'b>c'));
  expect(group.delivered['c']).toEqual(['coffee']);
});

test('an answer to what died with its sender is dropped by all', () => {
  const group = new Hand('causal', 'abcd');
  group.found('abcd');
  group.send('d', 'secret');
  group.flow(of('data', 'd>c'));
  group.send('c', 'I know');
  group.flow(of('data', 'c>a'));
  group.crash('c');
  group.crash('d');
  group.lose();
  group.view(2, 'ab');
  group.flow();
  expect(group.delivered).toMatchObject({ a: [], b: [], c: ['secret', 'I know'] });
  expect(group.installed).toMatchObject({ a: [1, 2], b: [1, 2] });
  expect(group.machine('b').statistics().droppedRounds).toBe(1);
});
