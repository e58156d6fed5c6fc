import type { Readable } from 'node:stream';
import type { Address } from '@grp/core';
import type { SwimEvent } from '@grp/swim';
import { expect, test } from 'vitest';
import { nodeConfig } from '../src/config.ts';
import { EventHub } from '../src/http/event-hub.ts';
import { swimEventBody } from '../src/http/swim-documents.ts';
import { member } from './support/fake-swim.ts';
import { ManualClock, settle } from './support/manual-clock.ts';
import { testApi } from './support/test-api.ts';

/** A reader that takes `room` writes and then says that it is full. */
function slowSink(room: number) {
  const sink = {
    room,
    texts: [] as string[],
    ended: false,
    destroyed: false,
    write(text: string): boolean {
      sink.texts.push(text);
      return --sink.room > 0;
    },
    end: () => void (sink.ended = true),
    destroy: () => void (sink.destroyed = true),
    events: () => sink.texts.filter((text) => text.startsWith('data: ')).map((text) => JSON.parse(text.slice(6))),
  };
  return sink;
}

function openHub(config = {}) {
  const clock = new ManualClock();
  return { clock, hub: new EventHub(clock, nodeConfig.resolve(config)) };
}

test('an event is one JSON document with schema and time', () => {
  const { hub } = openHub();
  const sink = slowSink(9);
  hub.subscribe(sink, undefined);
  hub.publish(swimEventBody({ type: 'join', member: member('bob') }));
  expect(sink.texts[0]).toMatch(/^data: \{.*\}\n\n$/);
  expect(sink.events()).toEqual([
    {
      schema: 'grp.node.event/1',
      at: '2026-01-02T03:04:05.000Z',
      noun: 'swim',
      type: 'join',
      member: { id: 'bob#1000', name: 'bob', address: '127.0.0.1:7946', status: 'alive', incarnation: 7, tags: {} },
    },
  ]);
});

const cases: [SwimEvent, object][] = [
  [
    { type: 'user-event', name: 'e', payload: new TextEncoder().encode('hi'), time: 4, coalesce: true },
    { name: 'e', payload: 'hi', time: 4, coalesce: true },
  ],
  [
    { type: 'user-event', name: 'e', payload: new Uint8Array([254]), time: 4, coalesce: false },
    { payloadBase64: '/g==' },
  ],
  [
    { type: 'query', name: 'q', payload: new Uint8Array(), from: 'bob', respond() {} },
    { payload: '', from: 'bob' },
  ],
  [
    { type: 'conflict', name: 'ann', address: '10.0.0.1:1' as Address },
    { name: 'ann', address: '10.0.0.1:1' },
  ],
  [
    { type: 'fault', code: 'X', message: 'm' },
    { code: 'X', message: 'm' },
  ],
  [{ type: 'down', member: member('bob', { status: 'down' }) }, { member: { name: 'bob', status: 'down' } }],
];

test.each(cases)('event %# has its own fields', (event, expected) => {
  const body = swimEventBody(event);
  expect(body).toMatchObject({ noun: 'swim', type: event.type, ...expected });
  expect(() => JSON.stringify(body)).not.toThrow();
});

test('a reader gets the kinds it asked for, by noun or type', () => {
  const { hub } = openHub();
  const [joins, node] = [slowSink(9), slowSink(9)];
  hub.subscribe(joins, new Set(['join']));
  hub.subscribe(node, new Set(['node']));
  hub.publish({ noun: 'swim', type: 'join' });
  hub.publish({ noun: 'swim', type: 'down' });
  hub.publish({ noun: 'node', type: 'stopping' });
  expect(joins.events().map(({ type }) => type)).toEqual(['join']);
  expect(node.events().map(({ type }) => type)).toEqual(['stopping']);
});

test('a slow reader loses the oldest events, is told how many, and goes on in order', () => {
  const { hub } = openHub({ eventBufferMax: 3 });
  const sink = slowSink(1);
  const reader = hub.subscribe(sink, undefined);
  for (let n = 0; n < 10; n++) hub.publish({ noun: 'swim', type: 'update', n });
  expect(sink.events().map(({ n }) => n)).toEqual([0]);
  expect(hub.droppedCount).toBe(6);
  sink.room = 99;
  reader?.drained();
  expect(sink.events().map(({ type, n, count }) => (type === 'dropped' ? `dropped ${count}` : n))).toEqual([
    ...[0, 'dropped 6', 7, 8, 9],
  ]);
  hub.publish({ noun: 'swim', type: 'update', n: 10 });
  expect(sink.events().at(-1).n).toBe(10);
});

test('a reader that takes one write at a time gets everything by and by', () => {
  const { hub } = openHub();
  const sink = slowSink(1);
  const reader = hub.subscribe(sink, undefined);
  for (let n = 0; n < 4; n++) hub.publish({ noun: 'swim', type: 'update', n });
  for (let turn = 0; turn < 4; turn++) {
    sink.room = 1;
    reader?.drained();
  }
  expect(sink.events().map(({ n }) => n)).toEqual([0, 1, 2, 3]);
});

test('the buffer is bounded in bytes too', () => {
  const { hub } = openHub({ eventBufferBytesMax: 4_096 });
  const sink = slowSink(1);
  hub.subscribe(sink, undefined);
  for (let n = 0; n < 100; n++) hub.publish({ noun: 'swim', type: 'update', text: 'x'.repeat(1_000) });
  expect(hub.droppedCount).toBe(96);
});

test('an idle stream is pinged every 15 s; a reader that takes nothing for a minute is cut off', async () => {
  const { clock, hub } = openHub();
  const [good, stuck] = [slowSink(99), slowSink(1)];
  hub.subscribe(good, undefined);
  const reader = hub.subscribe(stuck, undefined);
  hub.publish({ noun: 'swim', type: 'update' });
  await clock.advance(45_000);
  expect(good.texts.filter((text) => text === ': ping\n\n')).toHaveLength(3);
  expect(stuck.destroyed).toBe(false);
  await clock.advance(15_000);
  expect(stuck.destroyed).toBe(true);
  reader?.cancel();
  expect(hub.clientCount).toBe(1);
});

test('without readers nothing is armed', async () => {
  const { clock, hub } = openHub();
  const reader = hub.subscribe(slowSink(9), undefined);
  expect(clock.pendingCount).toBe(1);
  reader?.cancel();
  expect(clock.pendingCount).toBe(0);
});

test('closing ends the streams, cuts those that are stuck, and takes no more', () => {
  const { hub } = openHub();
  const [good, stuck] = [slowSink(9), slowSink(1)];
  hub.subscribe(good, undefined);
  hub.subscribe(stuck, undefined);
  hub.publish({ noun: 'swim', type: 'update' });
  hub.close();
  expect([good.ended, stuck.destroyed, hub.clientCount]).toEqual([true, true, 0]);
  expect(hub.subscribe(slowSink(9), undefined)).toBeUndefined();
});

test('the route streams events to the client until the node closes', async () => {
  const api = testApi();
  const answer = await api.ask({ method: 'GET', url: '/v1/events?kinds=join,node', payloadAsStream: true });
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
  api.hub.publish(swimEventBody({ type: 'update', member: member('bob') }));
  api.hub.publish(swimEventBody({ type: 'join', member: member('bob') }));
  api.hub.close();
  const text = await readAll(answer.stream());
  expect(text).toMatch(/^: open\nretry: 1000\n\n/);
  expect(text.match(/^data: .*$/gm)?.map((line) => JSON.parse(line.slice(6)).type)).toEqual(['join']);
});

test('a client that goes away gives its place free; one too many is 429', async () => {
  const api = testApi({ config: { eventClientsMax: 1 } });
  const first = await api.ask({ method: 'GET', url: '/v1/events', payloadAsStream: true });
  expect(api.hub.clientCount).toBe(1);
  const second = await api.get('/v1/events');
  expect([second.statusCode, second.json().error.code]).toEqual([429, 'NODE_EVENTS_FULL']);
  first.stream().destroy();
  first.raw.res.emit('close');
  await settle();
  expect(api.hub.clientCount).toBe(0);
});

test.each(['/v1/events?kinds=jion', '/v1/events?kind=join', '/v1/events?kinds=join&kinds=down'])(
  '%s is 400',
  async (url) => {
    const answer = await testApi().get(url);
    expect([answer.statusCode, answer.json().error.code]).toEqual([400, 'NODE_REQUEST_INVALID']);
  },
);

async function readAll(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}
