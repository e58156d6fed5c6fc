import { expect, test } from 'vitest';
import { Feed, feedLine, filterFeed } from '../src/live/feed.ts';
import { EventParser } from '../src/sse.ts';

const at = '2026-01-02T03:04:05.000Z';

test.each([
  [{ noun: 'swim', type: 'down', member: { name: 'n3', incarnation: 7 } }, 'bad', 'n3', 'incarnation 7'],
  [{ noun: 'gms', type: 'message', sequence: 5, sender: 'n1#12', payload: 'hello' }, 'plain', 'n1', '#5 hello'],
  [
    { noun: 'gms', type: 'view', view: { id: 3, leader: 'n2#1' }, joined: [], gone: ['n1#1'] },
    'plain',
    'view 3',
    'led by n2, n1 gone',
  ],
  [
    { noun: 'raft', type: 'role', group: 'chat', id: 'n2', role: 'leader', term: 4, leader: 'n2' },
    'plain',
    'n2',
    'chat: leader in term 4, n2 leads',
  ],
  [{ noun: 'node', type: 'dropped', count: 12 }, 'bad', '', '12 events missed'],
])('%j becomes a line', (event, tone, subject, words) => {
  expect(feedLine({ at, ...event }, 1)).toMatchObject({ tone, subject, words, at: Date.parse(at) });
});

test('what is no event is no line', () => {
  const feed = new Feed();
  for (const event of [undefined, null, 3, [], {}, { noun: 'swim' }, { type: 5, noun: 'x' }]) feed.add(event);
  expect(feed.lines).toEqual([]);
});

test('the feed keeps its newest lines, up to its limit', () => {
  const feed = new Feed(100);
  for (let count = 1; count <= 1_000; count++) feed.add({ noun: 'swim', type: 'alive', at });
  expect(feed.lines.length).toBeLessThanOrEqual(110);
  expect(feed.lines.at(-1)?.serial).toBe(1_000);
});

test('lines are chosen by noun and by text', () => {
  const feed = new Feed();
  feed.add({ noun: 'swim', type: 'down', at, member: { name: 'n3' } });
  feed.add({ noun: 'gms', type: 'message', at, sender: 'n1', payload: 'N3 is gone' });
  const subjects = (nouns: readonly string[], words: string): readonly string[] =>
    filterFeed(feed.lines, { nouns: new Set(nouns), words }).map(({ noun }) => noun);
  expect(subjects([], 'n3')).toEqual(['swim', 'gms']);
  expect(subjects(['gms'], '')).toEqual(['gms']);
  expect(subjects(['raft'], '')).toEqual([]);
});

test('events are read whatever the pieces are in which they come', () => {
  const stream = ': open\nretry: 1000\n\ndata: {"a":1}\n\n: ping\n\ndata:{"b":\r\ndata: 2}\r\n\r\ndata: unfinished';
  for (const size of [1, 2, 3, 7, 1_000]) {
    const parser = new EventParser();
    const events: string[] = [];
    for (let start = 0; start < stream.length; start += size)
      events.push(...parser.feed(stream.slice(start, start + size)));
    // A carriage return at the end of a piece may be half of a line break: the empty line in between changes nothing here.
    expect(events.join('\n').replaceAll('\n', '')).toBe('{"a":1}{"b":2}');
  }
});

test('a line without an end is forgotten instead of kept', () => {
  const parser = new EventParser();
  for (let count = 0; count < 40; count++) parser.feed('x'.repeat(100_000));
  parser.feed('\n');
  expect(parser.feed('data: 1\n\n')).toEqual(['1']);
});
