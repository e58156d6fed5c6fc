import { expect, test } from 'vitest';
import { Hand, of } from './support/hand.ts';

test('messages of one sender are delivered in its order, whatever order they come in', () => {
  const group = new Hand('fifo', 'ab');
  group.found('ab');
  for (const text of ['one', 'two', 'three']) group.send('a', text);
  group.packets.reverse();
  group.flow();
  expect(group.delivered['b']).toEqual(['one', 'two', 'three']);
  expect(group.delivered['a']).toEqual(['one', 'two', 'three']);
});

test('what comes twice is delivered once', () => {
  const group = new Hand('fifo', 'ab');
  group.found('ab');
  group.send('a', 'one');
  group.packets.push(...group.packets);
  group.flow();
  expect(group.delivered['b']).toEqual(['one']);
});

test('a gap is asked for once reordering can no longer explain it, and filled', () => {
  const group = new Hand('fifo', 'ab', { gapMs: 50 });
  group.found('ab');
  group.send('a', 'one');
  group.lose();
  group.send('a', 'two');
  group.flow();
  expect(group.delivered['b']).toEqual([]);
  expect(group.machine('b').statistics()).toMatchObject({ gaps: { open: 1 }, holdBack: { rounds: 1, aheadRounds: 1 } });
  group.wait(49);
  expect(group.packets.filter(of('ack'))).toMatchObject([{ message: { ask: 0 } }].slice(1));
  group.wait(1);
  expect(group.packets.filter(of('ack'))).toMatchObject([{ from: 'b', to: 'a', message: { have: 0, ask: 1 } }]);
  group.flow();
  expect(group.delivered['b']).toEqual(['one', 'two']);
  expect(group.machine('b').statistics().gaps).toEqual({ open: 0, filled: 1, unfilled: 0 });
});

test('a gap that stays open is told, and told again when it is filled', () => {
  const group = new Hand('fifo', 'ab', { gapMs: 50, gapReportMs: 500, resendMs: 60_000 });
  group.found('ab');
  group.send('a', 'one');
  group.lose();
  group.send('a', 'two');
  group.flow();
  for (let waited = 0; waited < 600; waited += 50) {
    group.wait(50);
    group.lose();
  }
  const gaps = (): unknown[] => group.effects.flatMap((effect) => (effect.type === 'gap' ? [effect.gap] : []));
  expect(gaps()).toEqual([{ view: 1, sender: 'a#1', state: 'open', from: 1, to: 1 }]);
  group.wait(2_000);
  group.flow();
  expect(group.delivered['b']).toEqual(['one', 'two']);
  expect(gaps()).toHaveLength(2);
  expect(gaps()[1]).toMatchObject({ state: 'filled' });
});

test('a gap that nobody can fill any longer is told, and what came after it is dropped by all', () => {
  const group = new Hand('fifo', 'abc');
  group.found('abc');
  group.send('c', 'lost');
  group.lose();
  group.send('c', 'after');
  group.flow();
  group.crash('c');
  group.view(2, 'ab');
  group.flow();
  expect(group.delivered).toMatchObject({ a: [], b: [] });
  expect(group.effects.filter(({ type }) => type === 'gap')).toMatchObject([
    { gap: { sender: 'c#1', state: 'unfilled', from: 1, to: 1 } },
    { gap: { sender: 'c#1', state: 'unfilled' } },
  ]);
  expect(group.machine('a').statistics()).toMatchObject({ droppedRounds: 1, gaps: { unfilled: 1 } });
});

test('a message of a dead sender that one survivor has is delivered by all survivors, in the old view', () => {
  const group = new Hand('fifo', 'abc');
  group.found('abc');
  group.send('c', 'last words');
  group.flow(of('data', 'c>b'));
  group.crash('c');
  group.view(2, 'ab');
  group.flow((packet) => packet.from !== 'c');
  expect(group.delivered).toMatchObject({ a: ['last words'], b: ['last words'] });
  expect(group.installed).toMatchObject({ a: [1, 2], b: [1, 2] });
  const views = group.effects.flatMap((effect) => (effect.type === 'deliver' ? effect.deliveries : []));
  expect(views.map(({ view }) => view)).toEqual([1, 1, 1]);
});

test('all that was delivered everywhere is forgotten, by sender and receivers', () => {
  const group = new Hand('fifo', 'abc', { ackDelayMs: 20 });
  group.found('abc');
  group.send('a', 'one', 'two');
  group.flow();
  expect(group.machine('b').statistics().unstable.rounds).toBe(1);
  for (let waits = 0; waits < 4; waits++) {
    group.wait(20);
    group.flow();
  }
  for (const name of 'abc') expect(group.machine(name).statistics().unstable).toEqual({ rounds: 0, bytes: 0 });
  expect(group.effects.filter(({ type }) => type === 'settled')).toEqual([{ type: 'settled', sequence: 2 }]);
});
