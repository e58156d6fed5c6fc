import { expect, test } from 'vitest';
import { Hand, of } from './support/hand.ts';

const notFrom =
  (names: string) =>
  ({ from }: { readonly from: string }): boolean =>
    !names.includes(from);

test('a sender dies before anybody has its message: nobody delivers it', () => {
  const group = new Hand('total', 'abc');
  group.found('abc');
  group.send('c', 'gone');
  group.crash('c');
  group.lose();
  group.view(2, 'ab');
  group.flow();
  expect(group.delivered).toMatchObject({ a: [], b: [] });
  expect(group.installed).toMatchObject({ a: [1, 2], b: [1, 2] });
});

test('a sender dies when one survivor has its message: both deliver it', () => {
  const group = new Hand('total', 'abc');
  group.found('abc');
  group.send('c', 'halfway');
  group.flow(of('data', 'c>b'));
  group.crash('c');
  group.lose();
  group.view(2, 'ab');
  group.flow();
  expect(group.delivered).toMatchObject({ a: ['halfway'], b: ['halfway'] });
});

test('a sender dies when one survivor knows its agreed number: both use it', () => {
  const group = new Hand('total', 'abcd');
  group.found('abcd');
  group.send('d', 'mine');
  group.send('b', 'yours');
  group.flow(of('data propose'));
  group.flow(of('final', 'd>b'));
  group.crash('d');
  group.lose();
  group.view(2, 'abc');
  group.flow();
  expect(group.delivered['a']).toHaveLength(2);
  expect(group.delivered['b']).toEqual(group.delivered['a']);
  expect(group.delivered['c']).toEqual(group.delivered['a']);
});

test('a member that never proposes is no longer waited for', () => {
  const group = new Hand('total', 'abc');
  group.found('abc');
  group.crash('c');
  group.send('a', 'one');
  group.flow();
  expect(group.delivered['a']).toEqual([]);
  expect(group.machine('a').statistics().waitingFor).toContain('c#1');
  group.view(2, 'ab');
  group.flow();
  expect(group.delivered).toMatchObject({ a: ['one'], b: ['one'] });
});

test.each(['state', 'prepare', 'ready', 'install'])(
  'the leader of a flush dies with its %s: the next one ends it',
  (kind) => {
    const group = new Hand('total', 'abcd');
    group.found('abcd');
    group.send('d', 'last');
    group.flow(of('data', 'd>c'));
    group.crash('d');
    group.lose();
    group.view(2, 'abc');
    const isBefore = of('request state prepare fetch refill ready install');
    group.flow((packet) => isBefore(packet) && packet.message.type !== kind);
    if (kind === 'install') group.flow(of('install', 'a>b')); // and only one of the others has heard it
    group.crash('a');
    group.lose();
    group.view(3, 'bc');
    group.flow(notFrom('ad'));
    expect(group.delivered).toMatchObject({ b: ['last'], c: ['last'] });
    expect(group.installed['b']).toEqual(group.installed['c']);
    expect(group.installed['b']?.at(-1)).toBe(3);
    group.send('b', 'on we go');
    group.flow();
    expect(group.delivered['c']).toEqual(['last', 'on we go']);
  },
);

test('a view that a dead member may have installed is installed by all who hold its cut', () => {
  const group = new Hand('total', 'abc');
  group.found('abc');
  group.view(2, 'abc');
  group.flow((packet) => packet.message.type !== 'install'); // only the leader installs it
  expect(group.installed['a']).toEqual([1, 2]);
  group.crash('a');
  group.lose();
  group.view(3, 'bc');
  group.flow();
  expect(group.installed).toMatchObject({ b: [1, 2, 3], c: [1, 2, 3] });
});

test('a view that not all hold the cut of is left out', () => {
  const group = new Hand('total', 'abc');
  group.found('abc');
  group.view(2, 'abc', 'ab'); // c never hears of it
  group.flow();
  group.crash('a');
  group.view(3, 'bc');
  group.flow(notFrom('a'));
  expect(group.installed).toMatchObject({ b: [1, 3], c: [1, 3] });
});

test('every message of a flush may be lost once', () => {
  for (const kind of ['state', 'request', 'prepare', 'fetch', 'refill', 'ready', 'install']) {
    const group = new Hand('total', 'abc', { flushRetryMs: 50 });
    group.found('abc');
    group.send('c', 'last');
    group.flow(of('data', 'c>b'));
    group.crash('c');
    group.lose();
    group.view(2, 'ab');
    for (let hops = 0; hops < 6; hops++) {
      group.lose(of(kind));
      group.once();
    }
    for (let waits = 0; waits < 4; waits++) {
      group.wait(50);
      group.flow();
    }
    expect(group.installed, `lost: ${kind}`).toMatchObject({ a: [1, 2], b: [1, 2] });
    expect(group.delivered, `lost: ${kind}`).toMatchObject({ a: ['last'], b: ['last'] });
  }
});

test('a joiner starts at the end of the row, with an empty queue and a clock that is not behind', () => {
  const group = new Hand('total', 'abc');
  group.found('ab');
  group.send('a', 'one');
  group.flow();
  group.send('b', 'two');
  group.flow();
  group.view(2, 'abc');
  group.flow();
  const { position, numbers } = group.machine('c').statistics();
  expect(position).toBe(2);
  expect(numbers.proposed).toBeGreaterThanOrEqual(2);
  group.send('c', 'hello');
  group.flow();
  expect(group.delivered).toEqual({ a: ['one', 'two', 'hello'], b: ['one', 'two', 'hello'], c: ['hello'] });
  expect(group.positions['c']).toEqual([3]);
});

test('what is sent during a flush waits for the new view', () => {
  const group = new Hand('fifo', 'ab');
  group.found('ab');
  group.view(2, 'ab');
  group.send('a', 'patience');
  expect(group.machine('a').status).toBe('flushing');
  expect(group.delivered['a']).toEqual([]);
  group.flow();
  expect(group.delivered).toEqual({ a: ['patience'], b: ['patience'] });
});

test('messages of a view that is not installed here yet wait for it', () => {
  const group = new Hand('fifo', 'ab');
  group.found('ab');
  group.view(2, 'ab');
  group.flow((packet) => packet.message.type !== 'install');
  group.send('a', 'early');
  group.flow(of('data'));
  expect(group.delivered['b']).toEqual([]);
  group.flow();
  expect(group.delivered['b']).toEqual(['early']);
});

test('a member that was left out says so, forgets, and comes back as one who knows nothing', () => {
  const group = new Hand('total', 'abc');
  group.found('abc');
  group.crash('a'); // so that nothing is agreed on
  group.send('c', 'never mind');
  group.view(2, 'b', 'bc');
  group.flow();
  expect(group.machine('c').status).toBe('excluded');
  group.send('c', 'once more');
  group.view(3, 'bc');
  group.flow();
  const installs = group.effects.flatMap((effect) => (effect.type === 'install' ? [effect.installed] : []));
  expect(installs.at(-1)).toMatchObject({ isFresh: true, unknownCount: 1 });
  expect(group.delivered['b']?.at(-1)).toBe('once more');
});

test('a member that missed its own exclusion starts afresh, too', () => {
  const group = new Hand('fifo', 'abc');
  group.found('abc');
  group.view(2, 'ab');
  group.flow(notFrom('c'));
  group.send('a', 'behind your back');
  group.flow(({ to }) => to !== 'c');
  group.view(3, 'abc');
  group.flow();
  expect(group.installed['c']).toEqual([1, 3]);
  expect(group.delivered['c']).toEqual([]);
  const fresh = group.effects.flatMap((effect) => (effect.type === 'install' ? [effect.installed.isFresh] : []));
  expect(fresh.filter(Boolean)).toHaveLength(4); // three founders, and c in view 3
});

test('long rows are refilled part by part', () => {
  const group = new Hand('fifo', 'abc', { roundBytesMax: 65_536 });
  group.found('abc');
  const long = 'x'.repeat(100_000);
  for (let count = 0; count < 10; count++) group.send('c', long);
  group.flow(of('data', 'c>b'));
  group.crash('c');
  group.lose();
  group.view(2, 'ab');
  group.flow();
  expect(group.delivered['a']).toHaveLength(10);
  expect(group.installed['a']).toEqual([1, 2]);
});
