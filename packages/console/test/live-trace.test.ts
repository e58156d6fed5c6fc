import { expect, test } from 'vitest';
import { layOut } from '../src/lab/diagram.ts';
import { LiveTrace } from '../src/live/live-trace.ts';
import { clusterModel } from '../src/live/model.ts';

const origin = Date.parse('2026-01-02T03:00:00.000Z');
const at = (ms: number): string => new Date(origin + ms).toISOString();

function nodes(...names: readonly string[]) {
  const members = names.map((name) => ({ id: `${name}#1`, name, status: 'alive' }));
  const view = { id: 1, leader: 'n1#1', members };
  return clusterModel({
    nodes: names.map((name, index) => ({
      ...{ name, isSelf: index === 0, reach: 'ok', http: 'http://127.0.0.1:1' },
      documents: {
        'swim.members': { members },
        'gms.view': { group: 'g', self: `${name}#1`, status: 'joined', view, delivered: {} },
        'raft.status chat': { group: 'chat', role: name === 'n1' ? 'leader' : 'follower', term: 2, voters: names },
      },
    })),
  });
}

const event = (node: string, ms: number, body: object) => ({
  ...{ noun: 'cluster', type: 'event', node },
  event: { at: at(ms), ...body },
});
const delivery = (node: string, ms: number, sequence: number, sender = 'n2#1') =>
  event(node, ms, { noun: 'gms', type: 'message', sequence, sender, colour: '#010203' });

function traced(...names: readonly string[]): LiveTrace {
  const trace = new LiveTrace(origin);
  trace.look(nodes(...names), origin);
  return trace;
}

function drawn(trace: LiveTrace, track = 'gms', until = 1_000) {
  return layOut(trace.events(track), trace.lanes, until);
}

test('who was there before anybody listened has a lane, its view and its term', () => {
  const trace = traced('n1', 'n2', 'n10');
  expect(trace.tracks).toEqual([
    { id: 'gms', label: 'views of g' },
    { id: 'raft chat', label: 'terms of chat' },
  ]);
  const { lanes, bands, lives, endsAt } = drawn(trace);
  expect([lanes, lives.length, endsAt]).toEqual([['n1', 'n2', 'n10'], 3, 1_000]);
  expect(bands.map(({ word, number, leads }) => [word, number, leads])).toEqual([
    ['view', 1, true],
    ['view', 1, false],
    ['view', 1, false],
  ]);
  expect(drawn(trace, 'raft chat').bands.map(({ word, number, leads }) => [word, number, leads])).toEqual([
    ['term', 2, true],
    ['term', 2, false],
    ['term', 2, false],
  ]);
});

test('a delivery comes from whoever leads, also when it is heard of earlier than the leader’s own', () => {
  const trace = traced('n1', 'n2', 'n3');
  for (const told of [delivery('n2', 12, 7), delivery('n1', 10, 7), delivery('n3', 9, 7)])
    trace.take(told, origin + 20);
  const { messages, points } = drawn(trace);
  // By its clock n3 had it before the leader: who sent it cannot be told.
  expect(messages.map(({ from, to, sentAt, receivedAt, label }) => [from, to, sentAt, receivedAt, label])).toEqual([
    [0, 1, 10, 12, 'n2 #7'],
  ]);
  expect(points.filter(({ kind }) => kind === 'deliver').map(({ lane, colour }) => [lane, colour])).toEqual([
    [2, '#010203'],
    [0, '#010203'],
    [1, '#010203'],
  ]);
});

test('a kill: the stream breaks off, others suspect, a new view is led by the next, and an election', () => {
  const trace = traced('n1', 'n2', 'n3');
  trace.take({ noun: 'cluster', type: 'stream', node: 'n1', state: 'open' }, origin + 50);
  trace.take({ noun: 'cluster', type: 'stream', node: 'n1', state: 'lost' }, origin + 100);
  trace.take(event('n2', 300, { noun: 'swim', type: 'down', member: { name: 'n1' } }), origin + 300);
  const members = [{ name: 'n2' }, { name: 'n3' }];
  for (const node of ['n2', 'n3'])
    trace.take(event(node, 310, { noun: 'gms', type: 'view', view: { id: 2, members } }), origin + 311);
  trace.take(
    event('n3', 400, { noun: 'raft', type: 'role', group: 'chat', role: 'leader', term: 3, leader: 'n3' }),
    origin + 400,
  );
  const { lives, bands, points } = drawn(trace);
  expect(lives.filter(({ isCrash }) => isCrash).map(({ lane, until }) => [lane, until])).toEqual([[0, 100]]);
  expect(bands.filter(({ number }) => number === 2).map(({ lane, leads, from }) => [lane, leads, from])).toEqual([
    [1, true, 310],
    [2, false, 310],
  ]);
  expect(points.map(({ label }) => label)).toEqual(expect.arrayContaining(['gone', 'n1 down', 'leads chat t3']));
  trace.take({ noun: 'cluster', type: 'stream', node: 'n1', state: 'open' }, origin + 900);
  expect(drawn(trace).lives.filter(({ lane }) => lane === 0)).toHaveLength(2);
});

test('who stops in good order is no crash; who cannot be listened to ends when the others say so', () => {
  const trace = traced('n1', 'n2', 'n3');
  trace.take(event('n2', 10, { noun: 'node', type: 'stopping' }), origin + 10);
  trace.take({ noun: 'cluster', type: 'stream', node: 'n2', state: 'lost' }, origin + 20);
  trace.take(event('n1', 30, { noun: 'swim', type: 'down', member: { name: 'n3' } }), origin + 30);
  expect(
    drawn(trace)
      .points.filter(({ kind }) => kind === 'crash')
      .map(({ lane, label }) => [lane, label]),
  ).toEqual([
    [1, 'stopped'],
    [2, 'gone'],
  ]);
});

test('a group that is heard of later than a log has its views first all the same', () => {
  const trace = new LiveTrace(origin);
  trace.take(event('n1', 5, { noun: 'raft', type: 'role', group: 'chat', role: 'leader', term: 3 }), origin + 5);
  trace.take(event('n1', 9, { noun: 'gms', type: 'view', view: { id: 1, members: [{ name: 'n1' }] } }), origin + 9);
  expect(trace.tracks.map(({ id }) => id)).toEqual(['gms', 'raft chat']);
});

test('what is old is forgotten, and what is in force stays', () => {
  const trace = new LiveTrace(origin, { windowMs: 10_000, notedMax: 100 });
  trace.look(nodes('n1', 'n2'), origin);
  for (let ms = 0; ms < 100_000; ms += 100) trace.take(delivery('n1', ms, ms), origin + ms);
  const events = trace.events('gms');
  expect(events.length).toBeLessThan(130);
  const { bands, lives } = drawn(trace, 'gms', 100_000);
  expect(bands.map(({ lane, number }) => [lane, number])).toEqual([
    [0, 1],
    [1, 1],
  ]);
  expect(lives).toHaveLength(2);
});

test('a clock that is far away is not believed, and nonsense is left out', () => {
  const trace = traced('n1');
  const odd = [
    {},
    { noun: 'cluster' },
    { noun: 'cluster', type: 'event', node: 'n1' },
    { noun: 'cluster', type: 'event', node: 'n1', event: { noun: 'gms', type: 'view', view: 7 } },
    { noun: 'cluster', type: 'stream', node: 'n1', state: [] },
  ];
  for (const told of odd) trace.take(told, origin + 5);
  trace.take(delivery('n1', 9e12, 1), origin + 40);
  const point = drawn(trace).points.find(({ kind }) => kind === 'deliver');
  expect(point?.at).toBe(40);
});
