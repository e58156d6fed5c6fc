import { GrpError, type Address } from '@grp/core';
import { expect, test } from 'vitest';
import { member, noTraffic } from './support/fake-swim.ts';
import { testApi } from './support/test-api.ts';

const key = Buffer.alloc(32, 9);

test('members: self first, times as ISO 8601, null for what is not known', async () => {
  const api = testApi();
  api.swim.others = [
    member('bob', { status: 'down', tags: { dc: 'a' }, rttMs: 1.25 }),
    member('agent', { startedAt: undefined }),
  ];
  expect((await api.get('/v1/swim/members')).json()).toEqual({
    schema: 'grp.swim.members/1',
    self: 'ann#1000',
    members: [
      {
        id: 'ann#1000',
        name: 'ann',
        address: '127.0.0.1:7946',
        status: 'alive',
        incarnation: 7,
        tags: {},
        rttMs: null,
        changedAt: '1970-01-01T00:00:02.000Z',
        startedAt: '1970-01-01T00:00:01.000Z',
      },
      expect.objectContaining({ id: 'bob#1000', status: 'down', tags: { dc: 'a' }, rttMs: 1.25 }),
      expect.objectContaining({ name: 'agent', startedAt: null }),
    ],
  });
});

test('a member that claims to have started beyond the calendar does not break the list', async () => {
  const api = testApi();
  api.swim.others = [member('liar', { startedAt: 1e300 })];
  expect((await api.get('/v1/swim/members')).json().members[1].startedAt).toBeNull();
});

test('bandwidth names the peers that are members; reset zeroes and answers the new report', async () => {
  const api = testApi();
  const total = { bytesIn: 10, bytesOut: 20, packetsIn: 1, packetsOut: 2 };
  api.swim.others = [member('bob', { address: '10.0.0.2:7946' as Address })];
  api.swim.report = {
    since: 3_000,
    total,
    peers: [
      { address: '10.0.0.2:7946', ...total },
      { address: 'other', ...noTraffic },
    ],
    messages: [{ type: 'ping', ...total }],
    streams: noTraffic,
    dropped: { label: 4 },
  };
  expect((await api.get('/v1/swim/bandwidth')).json()).toEqual({
    schema: 'grp.swim.bandwidth/1',
    since: '1970-01-01T00:00:03.000Z',
    total,
    peers: [
      { name: 'bob', address: '10.0.0.2:7946', ...total },
      { address: 'other', ...noTraffic },
    ],
    messages: [{ type: 'ping', ...total }],
    streams: noTraffic,
    dropped: { label: 4 },
  });
  expect((await api.post('/v1/swim/reset', {})).json()).toMatchObject({
    since: '1970-01-01T00:00:04.000Z',
    total: noTraffic,
    peers: [],
  });
});

test('rtt and health', async () => {
  const api = testApi();
  expect((await api.get('/v1/swim/rtt')).json()).toEqual({
    schema: 'grp.swim.rtt/1',
    members: [
      { name: 'bob', measuredMs: 1.5, estimatedMs: 2 },
      { name: 'cid', measuredMs: null, estimatedMs: null },
    ],
  });
  expect((await api.get('/v1/swim/health')).json()).toEqual({
    schema: 'grp.swim.health/1',
    score: 2,
    broadcastsQueued: 3,
    dropped: {},
  });
});

test('join answers whom it reached, and makes a node ready that was not', async () => {
  const api = testApi();
  const answer = await api.post('/v1/swim/join', { seeds: ['10.0.0.9:7946'], timeoutMs: 900 });
  expect([answer.statusCode, answer.json()]).toEqual([
    200,
    { schema: 'grp.swim.join/1', contacted: ['10.0.0.9:7946'], failed: [] },
  ]);
  expect(api.swim.calls).toEqual([['join', ['10.0.0.9:7946'], 900]]);
  expect(api.state.joined).toBe(1);
});

test('a join that reaches nobody is 504 with the code of swim', async () => {
  const api = testApi();
  api.swim.onJoin = () =>
    Promise.reject(new GrpError({ code: 'SWIM_JOIN_FAILED', kind: 'unreachable', message: 'Nobody.', hint: 'Check.' }));
  const answer = await api.post('/v1/swim/join', { seeds: ['10.0.0.9:7946'] });
  expect([answer.statusCode, answer.json()]).toEqual([
    504,
    { error: { code: 'SWIM_JOIN_FAILED', message: 'Nobody.', hint: 'Check.' } },
  ]);
  expect(api.state.joined).toBe(0);
});

test('tags are set and deleted one by one; set wins over delete', async () => {
  const api = testApi();
  api.swim.self = member('ann', { tags: { dc: 'a', rack: '1', old: 'x' } });
  const answer = await api.post('/v1/swim/tags', { set: { dc: 'b', rack: '2' }, delete: ['old', 'rack', 'none'] });
  expect(answer.json()).toEqual({ schema: 'grp.swim.tags/1', tags: { dc: 'b', rack: '2' } });
  expect((await api.get('/v1/swim/tags')).json().tags).toEqual({ dc: 'b', rack: '2' });
});

test('keys: list, and install, use, remove by base64 or hex', async () => {
  const api = testApi();
  api.swim.keyReport = { answered: 2, members: 3, keys: { [key.toString('base64')]: 2 }, errors: { cid: 'no answer' } };
  const listed = (await api.get('/v1/swim/keys')).json();
  expect(listed).toEqual({ schema: 'grp.swim.keys/1', ...api.swim.keyReport });
  await api.post('/v1/swim/keys', { action: 'install', key: key.toString('base64') });
  await api.post('/v1/swim/keys', { action: 'use', key: key.toString('hex') });
  await api.post('/v1/swim/keys', { action: 'remove', key: key.toString('base64') });
  const bytes = new Uint8Array(key);
  expect(api.swim.calls.slice(1)).toEqual([
    ['keys', 'install', bytes],
    ['keys', 'use', bytes],
    ['keys', 'remove', bytes],
  ]);
});

test.each([
  { action: 'install', key: 'short' },
  { action: 'install', key: '!!!' },
  { action: 'steal', key: 'x' },
  { action: 'use' },
])('keys %j is refused before it reaches swim', async (body) => {
  const api = testApi();
  const answer = await api.post('/v1/swim/keys', body);
  expect([answer.statusCode, answer.json().error.code]).toEqual([400, 'NODE_BODY_INVALID']);
  expect(api.swim.calls).toEqual([]);
});

test('an event goes out as text or as base64', async () => {
  const api = testApi();
  const answer = await api.post('/v1/swim/event', { name: 'deploy', payload: 'v2 ☃', coalesce: true });
  expect([answer.statusCode, answer.json()]).toEqual([202, { schema: 'grp.swim.event/1', name: 'deploy' }]);
  await api.post('/v1/swim/event', { name: 'raw', payloadBase64: '/wA=' });
  await api.post('/v1/swim/event', { name: 'none' });
  expect(api.swim.calls).toEqual([
    ['sendEvent', 'deploy', new TextEncoder().encode('v2 ☃'), { coalesce: true }],
    ['sendEvent', 'raw', new Uint8Array([255, 0]), { coalesce: false }],
    ['sendEvent', 'none', new Uint8Array(0), { coalesce: false }],
  ]);
});

test('a query carries its filters and answers text, or base64 where it is no text', async () => {
  const api = testApi();
  api.swim.queryResult = {
    acknowledgements: ['bob'],
    responses: [
      { from: 'bob', payload: new TextEncoder().encode('up') },
      { from: 'cid', payload: new Uint8Array([255, 0]) },
    ],
  };
  const body = { name: 'load', payload: 'x', names: ['bob', 'cid'], tags: { dc: '^a$' }, timeoutMs: 500 };
  expect((await api.post('/v1/swim/query', body)).json()).toEqual({
    schema: 'grp.swim.query/1',
    acknowledgements: ['bob'],
    responses: [
      { from: 'bob', payload: 'up' },
      { from: 'cid', payloadBase64: '/wA=' },
    ],
  });
  const { name, ...rest } = body;
  expect(api.swim.calls).toEqual([
    ['query', name, { ...rest, payload: new TextEncoder().encode('x'), acknowledge: true }],
  ]);
});

test.each([
  ['/v1/swim/join', { seeds: [] }],
  ['/v1/swim/join', { seeds: ['a:1'], timeoutMs: 0 }],
  ['/v1/swim/join', { seeds: 'a:1' }],
  ['/v1/swim/event', { payload: 'x' }],
  ['/v1/swim/event', { name: 'x', payloadBase64: 'no base64' }],
  ['/v1/swim/event', { name: 7 }],
  ['/v1/swim/query', { name: 'x', timeoutMs: 1e9 }],
  ['/v1/swim/tags', { set: { a: 1 } }],
  ['/v1/swim/reset', { everything: true }],
])('%s refuses %j', async (path, body) => {
  const api = testApi();
  const answer = await api.post(path, body);
  expect([answer.statusCode, answer.json().error.code]).toEqual([400, 'NODE_BODY_INVALID']);
  expect(api.swim.calls).toEqual([]);
});
