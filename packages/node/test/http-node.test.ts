import { expect, test } from 'vitest';
import { testApi } from './support/test-api.ts';

test('livez answers as long as the process does; readyz only while the node serves', async () => {
  const api = testApi();
  const live = await api.get('/livez');
  expect([live.statusCode, live.json()]).toEqual([200, { schema: 'grp.node.livez/1', status: 'live' }]);
  const ready = await api.get('/readyz');
  expect([ready.statusCode, ready.json()]).toEqual([200, { schema: 'grp.node.readyz/1', status: 'ready' }]);
  api.state.ready = false;
  const waiting = await api.get('/readyz');
  expect([waiting.statusCode, waiting.json().status]).toEqual([503, 'starting']);
  expect((await api.get('/livez')).statusCode).toBe(200);
});

test('status is the document of the contract', async () => {
  const api = testApi();
  const answer = await api.get('/v1/node/status');
  expect(answer.headers['content-type']).toMatch(/^application\/json/);
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(answer.json()).toEqual({
    schema: 'grp.node.status/1',
    name: 'ann',
    id: 'ann#1000',
    state: 'running',
    roles: ['swim'],
    pid: 42,
    version: '1.2.3',
    startedAt: '2026-01-02T03:04:05.000Z',
    uptimeMs: 10,
    http: 'http://127.0.0.1:7953',
    ports: { swim: 7_946, http: 7_953 },
    ready: true,
    faults: { loss: 0, lossIncoming: 0, delayMs: 0, delayJitterMs: 0, duplicate: 0, block: [] },
  });
});

test.each([
  [{}, { leave: true }],
  [{ leave: false }, { leave: false }],
  [
    { leave: true, timeoutMs: 700 },
    { leave: true, timeoutMs: 700 },
  ],
])('stop with %j answers 202 and stops the node with %j', async (body, expected) => {
  const api = testApi();
  const answer = await api.post('/v1/node/stop', body);
  expect([answer.statusCode, answer.json()]).toEqual([
    202,
    { schema: 'grp.node.stopping/1', state: 'stopping', leave: expected.leave },
  ]);
  expect(api.state.stops).toEqual([expected]);
});

test('swim leave leaves and stops the node', async () => {
  const api = testApi();
  const answer = await api.post('/v1/swim/leave', { timeoutMs: 300 });
  expect([answer.statusCode, answer.json()]).toEqual([202, { schema: 'grp.swim.leave/1', state: 'stopping' }]);
  expect(api.state.stops).toEqual([{ leave: true, timeoutMs: 300 }]);
});

test('faults change what is named and keep the rest', async () => {
  const api = testApi();
  const first = await api.post('/v1/node/faults', { loss: 0.1, delayMs: 20 });
  expect(first.json()).toEqual({
    schema: 'grp.node.faults/1',
    loss: 0.1,
    lossIncoming: 0,
    delayMs: 20,
    delayJitterMs: 0,
    duplicate: 0,
    block: [],
  });
  await api.post('/v1/node/faults', { duplicate: 1 });
  expect((await api.get('/v1/node/faults')).json()).toMatchObject({ loss: 0.1, delayMs: 20, duplicate: 1 });
});

test('block is the whole list: a longer one heals nothing in between, an empty one heals all', async () => {
  const api = testApi();
  await api.post('/v1/node/faults', { block: ['10.0.0.1:1'] });
  await api.post('/v1/node/faults', { block: ['10.0.0.1:1', '10.0.0.2:2'] });
  expect(api.faults.healCount).toBe(0);
  expect((await api.get('/v1/node/faults')).json().block).toEqual(['10.0.0.1:1', '10.0.0.2:2']);
  await api.post('/v1/node/faults', { loss: 0.5 });
  expect((await api.get('/v1/node/faults')).json().block).toHaveLength(2);
  await api.post('/v1/node/faults', { block: ['10.0.0.2:2'] });
  expect(api.faults.blocked).toEqual(['10.0.0.2:2']);
  await api.post('/v1/node/faults', { block: [] });
  expect(api.faults.blocked).toEqual([]);
});

test.each([{ loss: 1.5 }, { loss: '0.1' }, { delayMs: -1 }, { block: ['nonsense'] }, { block: [''] }, { jitter: 3 }])(
  'faults %j are refused and change nothing',
  async (body) => {
    const api = testApi();
    const before = api.faults.settings;
    const answer = await api.post('/v1/node/faults', body);
    expect(answer.statusCode).toBe(400);
    expect(api.faults.settings).toEqual(before);
  },
);

test('v1 lists every route', async () => {
  const { routes } = (await testApi().get('/v1')).json();
  const paths = routes.map(({ method, path }: { method: string; path: string }) => `${method} ${path}`);
  expect(paths).toEqual(
    expect.arrayContaining(['GET /livez', 'GET /v1/swim/members', 'POST /v1/swim/keys', 'GET /v1/events']),
  );
  expect(paths.filter((path: string) => path.startsWith('HEAD'))).toEqual([]);
});
