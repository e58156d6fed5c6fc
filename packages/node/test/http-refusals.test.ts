import { exitCodes, GrpError, httpStatuses, type ErrorKind } from '@grp/core';
import { expect, test } from 'vitest';
import { isLoopback } from '../src/http/security.ts';
import { testApi } from './support/test-api.ts';

const token = 'a-token-of-decent-length';

test('an unknown route is 404 in our form, also below v1', async () => {
  const api = testApi();
  for (const url of ['/', '/nope', '/v1/swim/nope?x=1', '/v1/node/status/more']) {
    const answer = await api.get(url);
    expect([answer.statusCode, answer.json().error.code]).toEqual([404, 'NODE_ROUTE_UNKNOWN']);
  }
});

test('what belongs to a role that this node lacks is 404, and says which', async () => {
  const api = testApi();
  for (const [url, role] of [
    ['/v1/gms/view', 'gms'],
    ['/v1/raft/status?group=chat', 'raft'],
    ['/v1/dfs/ls', 'dfs'],
    ['/v1/chat/history?room=general', 'chat'],
    ['/v1/tracker/groups', 'tracker'],
  ] as const) {
    const answer = await api.get(url);
    expect([answer.statusCode, answer.json().error.code]).toEqual([404, 'NODE_ROLE_ABSENT']);
    expect(answer.json().error.hint).toContain(`--role ${role}`);
  }
});

test('a seed that is no address is refused before anybody is asked', async () => {
  const answer = await testApi().post('/v1/swim/join', { seeds: ['127.0.0.1:7946', 'bad host:port'] });
  expect([answer.statusCode, answer.json().error.code]).toEqual([400, 'NODE_SEED_INVALID']);
});

test('a known path with the wrong method is 405 and says what it takes', async () => {
  const api = testApi();
  const answer = await api.ask({ method: 'DELETE', url: '/v1/swim/tags?x' });
  expect([answer.statusCode, answer.json().error]).toEqual([
    405,
    {
      code: 'NODE_METHOD_WRONG',
      message: '/v1/swim/tags takes GET and POST, not DELETE.',
      hint: expect.stringContaining('POST'),
    },
  ]);
  expect((await api.get('/v1/node/stop')).json().error.message).toBe('/v1/node/stop takes POST, not GET.');
});

test.each(['127.0.0.1:7953', 'localhost', 'LOCALHOST:1', '[::1]:7953', '127.1.2.3:80'])(
  'Host %s is us',
  async (host) => {
    expect((await testApi().get('/livez', { host })).statusCode).toBe(200);
  },
);

test.each(['evil.example', 'evil.example:7953', 'localhost.evil.example', '10.0.0.1:7953', '127.0.0.1.evil.example'])(
  'Host %j on a loopback port is refused: DNS rebinding',
  async (host) => {
    const api = testApi();
    for (const url of ['/livez', '/v1/node/status', '/nope']) {
      const answer = await api.get(url, { host });
      expect([answer.statusCode, answer.json().error.code]).toEqual([403, 'NODE_HOST_REFUSED']);
    }
  },
);

test('elsewhere any Host is fine: the token protects', async () => {
  const api = testApi({ host: '0.0.0.0', token });
  const answer = await api.get('/v1/node/status', { host: 'node1.example', authorization: `Bearer ${token}` });
  expect(answer.statusCode).toBe(200);
});

test.each([
  [{ origin: 'https://evil.example' }, 403],
  [{ origin: 'null' }, 403],
  [{ origin: 'http://127.0.0.1:9999' }, 403],
  [{ 'sec-fetch-site': 'cross-site' }, 403],
  [{ 'sec-fetch-site': 'same-site' }, 403],
  [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }, 403],
  [{ origin: 'http://127.0.0.1:7953', 'sec-fetch-site': 'same-origin' }, 200],
  [{ 'sec-fetch-site': 'none' }, 200],
])('a web page with %j gets %i', async (given, status) => {
  const api = testApi({ token });
  const headers = { ...given, authorization: `Bearer ${token}` };
  const answer = await api.ask({ method: 'POST', url: '/v1/swim/reset', headers, payload: {} });
  expect(answer.statusCode).toBe(status);
  expect(answer.headers['access-control-allow-origin']).toBeUndefined();
});

test.each([undefined, 'Bearer wrong-token-of-length-24', 'Bearer', `Basic ${token}`, `Bearer ${token}x`, token])(
  'authorization %j does not open a node with a token',
  async (authorization) => {
    const api = testApi({ token });
    const headers = authorization === undefined ? {} : { authorization };
    for (const url of ['/v1/node/status', '/metrics', '/v1/events', '/nope']) {
      const answer = await api.get(url, headers);
      expect([answer.statusCode, answer.json().error.code]).toEqual([401, 'NODE_TOKEN_REFUSED']);
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
    }
  },
);

test('the token opens everything; the probes need none', async () => {
  const api = testApi({ token });
  expect((await api.get('/metrics', { authorization: `Bearer ${token}` })).statusCode).toBe(200);
  expect((await api.get('/v1/node/status', { authorization: `bearer ${token}` })).statusCode).toBe(200);
  expect((await api.get('/livez?from=kubelet')).statusCode).toBe(200);
  expect((await api.get('/readyz')).statusCode).toBe(200);
});

test('a body that is too long is 413', async () => {
  const api = testApi({ config: { bodyBytesMax: 1_024 } });
  const answer = await api.post('/v1/swim/event', { name: 'x', payload: 'y'.repeat(2_000) });
  expect([answer.statusCode, answer.json().error]).toEqual([
    413,
    {
      code: 'NODE_BODY_TOO_LARGE',
      message: 'The body is longer than 1024 bytes.',
      hint: expect.stringContaining('bodyBytesMax'),
    },
  ]);
  expect(api.swim.calls).toEqual([]);
});

test.each([
  ['application/json', '{"name":', 400, 'NODE_BODY_INVALID'],
  ['application/json', '', 400, 'NODE_BODY_INVALID'],
  ['application/json', 'null', 400, 'NODE_BODY_INVALID'],
  ['application/json', '[]', 400, 'NODE_BODY_INVALID'],
  ['application/json', '{"name":"x","__proto__":{"a":1}}', 400, 'NODE_BODY_INVALID'],
  ['text/plain', '{"name":"x"}', 415, 'NODE_MEDIA_TYPE'],
  ['application/x-www-form-urlencoded', 'name=x', 415, 'NODE_MEDIA_TYPE'],
  ['multipart/form-data; boundary=x', 'x', 415, 'NODE_MEDIA_TYPE'],
])('a body of %s, %j, is refused with %i', async (type, payload, status, code) => {
  const api = testApi();
  const headers = { 'content-type': type };
  const answer = await api.ask({ method: 'POST', url: '/v1/swim/event', headers, payload });
  expect([answer.statusCode, answer.json().error.code]).toEqual([status, code]);
  expect(api.swim.calls).toEqual([]);
});

test('a post without a body changes nothing, so that no simple form of a web page can', async () => {
  const api = testApi();
  const answer = await api.ask({ method: 'POST', url: '/v1/node/stop' });
  expect([answer.statusCode, answer.json().error.code]).toEqual([400, 'NODE_BODY_INVALID']);
  expect(api.state.stops).toEqual([]);
});

test('a URL that cannot be decoded is 400 in our form', async () => {
  const answer = await testApi().get('/v1/%zz');
  expect([answer.statusCode, answer.json().error.code]).toEqual([400, 'NODE_REQUEST_INVALID']);
});

test('a failure of our own tells nothing to the client and everything to the log', async () => {
  const api = testApi();
  api.swim.health = () => {
    throw new TypeError('secret detail');
  };
  const answer = await api.get('/v1/swim/health');
  expect([answer.statusCode, answer.json().error.code]).toEqual([500, 'NODE_INTERNAL']);
  expect(answer.body).not.toContain('secret');
  const line = api.logger.lines.find(({ event }) => event === 'node.http-failed');
  expect(String(line?.['detail'])).toContain('secret detail');
});

test.each(Object.keys(exitCodes) as ErrorKind[])('an error of kind %s has the status of its kind', async (kind) => {
  const api = testApi();
  api.swim.health = () => {
    throw new GrpError({ code: 'SOME_CODE', kind, message: 'What.' });
  };
  const answer = await api.get('/v1/swim/health');
  expect([answer.statusCode, answer.json()]).toEqual([
    httpStatuses[kind],
    { error: { code: 'SOME_CODE', message: 'What.', hint: expect.stringMatching(/^\S.*\.$/) } },
  ]);
});

test.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
  ['127.evil.example', false],
])('%s is loopback: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
