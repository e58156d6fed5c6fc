import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, type Address } from '@grp/core';
import { expect, test } from 'vitest';
import type { AskOptions, PeerAnswer } from '../src/console/ask-peer.ts';
import { askedMax, ClusterView, type ClusterParts } from '../src/console/cluster.ts';
import { nodeConfig } from '../src/config.ts';
import { ClusterEvents } from '../src/console/cluster-events.ts';
import { clusterEventRoutes, clusterRoutes, localDocuments } from '../src/console/cluster-routes.ts';
import { PageFiles } from '../src/console/page-files.ts';
import { pageRoutes } from '../src/console/page-routes.ts';
import { httpTag, placeOfMember, placeOfServer, urlOf } from '../src/console/peers.ts';
import { member } from './support/fake-swim.ts';
import { ManualClock, settle } from './support/manual-clock.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { testApi, type TestApiOptions } from './support/test-api.ts';

const token = 'a-token-of-decent-length';

async function builtPage(): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<!doctype html><script type="module" src="/assets/app-1.js"></script>');
  await writeFile(join(folder, 'assets', 'app-1.js'), 'console.log(1)');
  await writeFile(join(folder, 'assets', 'secret.key'), 'not served: no type that a page has');
  return folder;
}

/** The API with a page and a cluster of what `parts` says. */
async function consoleApi(options: TestApiOptions = {}, parts: Partial<ClusterParts> = {}) {
  const folder = await builtPage();
  const api = testApi(options);
  const view = new ClusterView({
    clock: api.clock,
    ask: async () => ({ reach: 'ok', document: { documents: { some: 'thing' } } }),
    peers: () => [],
    self: () => ({ name: 'ann', http: 'http://127.0.0.1:7953' }),
    local: (given) => localDocuments(api.server.app, { clock: systemClock(), token: given }),
    isSealed: false,
    ...parts,
  });
  clusterRoutes(api.server.app, view, systemClock());
  const events = new ClusterEvents({
    ...{ clock: api.clock, config: nodeConfig.resolve({}), hub: api.hub, peers: () => [], isSealed: false },
    self: () => ({ name: 'ann' }),
    listen: () => () => {},
  });
  clusterEventRoutes(api.server.app, events, 64);
  pageRoutes(api.server.app, new PageFiles(folder));
  return { ...api, folder };
}

test('the page is served with a policy that lets it run its own scripts and ask its own node alone', async () => {
  const api = await consoleApi();
  const page = await api.get('/');
  expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  const policy = String(page.headers['content-security-policy']).split('; ');
  expect(policy).toEqual(
    expect.arrayContaining(["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]),
  );
  expect(String(policy)).not.toMatch(/unsafe|https?:|\*/);
  expect(page.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
  const script = await api.get('/assets/app-1.js');
  expect([script.body, script.headers['cache-control']]).toEqual([
    'console.log(1)',
    'private, max-age=31536000, immutable',
  ]);
});

test.each([
  '/assets/../index.html',
  '/assets/..%2f..%2fetc%2fpasswd',
  '/assets/%2e%2e/outside.js',
  '/assets/secret.key',
  '/assets/',
  '/index.html',
  '/assets/__proto__',
])('what is no file of the page, %s, is 404', async (url) => {
  const api = await consoleApi();
  const answer = await api.get(url);
  expect([answer.statusCode, answer.json().error.code]).toEqual([404, 'NODE_ROUTE_UNKNOWN']);
});

test('before it is built the page is 404 and says so; built anew it is read again', async () => {
  const api = await consoleApi();
  const index = join(api.folder, 'index.html');
  await rm(index);
  const none = await api.get('/');
  expect([none.statusCode, none.json().error.code]).toEqual([404, 'NODE_CONSOLE_NONE']);
  for (const [version, time] of [
    ['one', 1_000],
    ['two', 2_000],
  ] as const) {
    await writeFile(index, version);
    await utimes(index, time, time);
    expect((await api.get('/')).body).toBe(version);
  }
});

test('cross-origin requests for the page and its data are refused', async () => {
  const api = await consoleApi();
  for (const url of [
    '/',
    '/assets/app-1.js',
    '/v1/cluster/nodes',
    '/v1/cluster/self',
    '/v1/cluster/events',
    '/v1/events',
  ])
    for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      const answer = await api.get(url, headers);
      expect([url, answer.statusCode, answer.json().error.code]).toEqual([url, 403, 'NODE_ORIGIN_REFUSED']);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
});

test('a link to the page may be followed, and be neither framed nor fetched', async () => {
  const api = await consoleApi();
  const site = { 'sec-fetch-site': 'cross-site' };
  const link = { ...site, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  expect((await api.get('/', link)).statusCode).toBe(200);
  expect((await api.get('/v1/cluster/nodes', link)).statusCode).toBe(403);
  expect((await api.get('/', { ...link, 'sec-fetch-dest': 'iframe' })).statusCode).toBe(403);
  expect((await api.get('/', { ...site, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'empty' })).statusCode).toBe(
    403,
  );
});

test('DNS rebinding: the page and its data answer to names of this machine alone', async () => {
  const api = await consoleApi();
  for (const url of ['/', '/assets/app-1.js', '/v1/cluster/nodes', '/v1/cluster/self', '/v1/cluster/events']) {
    const answer = await api.get(url, { host: 'evil.example:7953' });
    expect([url, answer.statusCode, answer.json().error.code]).toEqual([url, 403, 'NODE_HOST_REFUSED']);
  }
});

test('missing token: the page opens, since it holds no data, and all data is refused', async () => {
  const api = await consoleApi({ token });
  expect((await api.get('/')).statusCode).toBe(200);
  expect((await api.get('/assets/app-1.js')).statusCode).toBe(200);
  for (const url of ['/v1/cluster/nodes', '/v1/cluster/self', '/v1/cluster/events', '/v1/events', '/v1/swim/members'])
    expect([url, (await api.get(url)).statusCode]).toEqual([url, 401]);
  const answer = await api.get('/v1/cluster/self?members=true', { authorization: `Bearer ${token}` });
  expect(answer.json()).toMatchObject({ documents: { 'swim.members': { self: 'ann#1000' } } });
});

test('the events of all nodes come as one stream, with the name of their node', async () => {
  const api = await consoleApi();
  const answer = await api.ask({ method: 'GET', url: '/v1/cluster/events', payloadAsStream: true });
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
  let text = '';
  answer.stream().on('data', (piece: Buffer) => (text += piece.toString('utf8')));
  api.hub.publish({ noun: 'gms', type: 'view' });
  await expect.poll(() => text).toContain('"noun":"cluster","type":"event","node":"ann","isSelf":true');
  answer.stream().destroy();
});

test('without a token a page is read-only: what a browser sends changes nothing', async () => {
  const api = await consoleApi();
  for (const headers of [{ origin: 'http://127.0.0.1:7953' }, { 'sec-fetch-site': 'same-origin' }]) {
    const answer = await api.ask({ method: 'POST', url: '/v1/node/stop', headers, payload: {} });
    expect([answer.statusCode, answer.json().error.code]).toEqual([403, 'NODE_PAGE_READ_ONLY']);
  }
  expect(api.state.stops).toEqual([]);
  expect((await api.post('/v1/node/stop', {})).statusCode).toBe(202); // a program may, as before
});

test('names and messages with markup leave as JSON that no browser takes for a page', async () => {
  const api = await consoleApi();
  api.swim.others = [member('<script>alert(1)</script>')];
  const answer = await api.get('/v1/cluster/self?members=true');
  expect(answer.headers['content-type']).toMatch(/^application\/json/);
  expect(answer.headers['x-content-type-options']).toBe('nosniff');
  expect(answer.json().documents['swim.members'].members[1].name).toBe('<script>alert(1)</script>');
});

test('a document that takes too long is left out, and all others are there', async () => {
  const api = await consoleApi();
  api.server.app.get('/v1/dfs/files', () => new Promise(() => {}));
  const documents = localDocuments(api.server.app, { clock: api.clock, token: undefined });
  await api.clock.advance(0);
  for (let turn = 0; turn < 50; turn++) await settle();
  await api.clock.advance(500);
  expect(Object.keys(await documents)).toEqual(expect.arrayContaining(['node.status', 'swim.members']));
  expect(Object.keys(await documents)).not.toContain('dfs.files');
});

test('each node is asked once for all that it tells; what cannot be reached is told with the reason', async () => {
  const asked: [string, AskOptions][] = [];
  const answers: Readonly<Record<string, PeerAnswer>> = {
    'http://127.0.0.1:10': { reach: 'ok', document: { documents: { 'gms.view': 1 } } },
    'http://127.0.0.1:20': { reach: 'refused', reason: 'nobody listens there' },
  };
  const place = { host: '127.0.0.1' };
  const api = await consoleApi(
    {},
    {
      peers: () => [
        { ...place, name: 'bob', port: 10 },
        { ...place, name: 'cid', port: 20 },
        { ...place, name: 'dan', port: 70_000 },
      ],
      async ask(path, options) {
        asked.push([path, options]);
        return answers[options.url] as PeerAnswer;
      },
    },
  );
  const [first, second] = await Promise.all([api.get('/v1/cluster/nodes'), api.get('/v1/cluster/nodes')]);
  expect(first.json()).toEqual(second.json());
  expect(first.json().nodes.map(({ name, reach }: Record<string, unknown>) => [name, reach])).toEqual([
    ['ann', 'ok'],
    ['bob', 'ok'],
    ['cid', 'refused'],
    ['dan', 'skipped'],
  ]);
  expect(asked.map(([path, { url }]) => [path, url])).toEqual([
    ['/v1/cluster/self?members=true', 'http://127.0.0.1:10'],
    ['/v1/cluster/self?members=true', 'http://127.0.0.1:20'],
  ]);
});

test('the token is shown to peers of this machine, and elsewhere only where certificates are checked', async () => {
  const shown = async (host: string, isSealed: boolean): Promise<unknown> => {
    let seen: unknown = 'nothing';
    const view = new ClusterView({
      clock: new ManualClock(),
      peers: () => [{ name: 'bob', host, port: 1 }],
      self: () => ({ name: 'ann', http: '' }),
      local: async () => ({}),
      isSealed,
      async ask(_path, options) {
        seen = options.token;
        return { reach: 'denied', reason: '' };
      },
    });
    await view.nodes(token);
    return seen;
  };
  expect(await shown('127.0.0.1', false)).toBe(token);
  expect(await shown('10.0.0.2', false)).toBeUndefined();
  expect(await shown('10.0.0.2', true)).toBe(token);
});

test('so many nodes are asked and no more; the rest are named', async () => {
  const api = await consoleApi(
    {},
    {
      peers: () =>
        Array.from({ length: 200 }, (_, index) => ({ name: `p${index}`, host: '127.0.0.1', port: index + 1 })),
    },
  );
  const { nodes } = (await api.get('/v1/cluster/nodes')).json<{ nodes: { reach: string }[] }>();
  expect(nodes.length).toBe(201);
  expect(nodes.filter(({ reach }) => reach === 'skipped').length).toBe(200 - askedMax);
});

test('HTTP is seven above the base port, unless a member announces another one', () => {
  const places = [{}, { ports: 'gms:1,http:9000' }, { ports: 'http:0' }, { ports: 'http:x' }].map(
    (tags) => placeOfMember(member('bob', { tags })).port,
  );
  expect(places).toEqual([7_953, 9_000, 7_953, 7_953]);
  expect(placeOfServer('bob', '127.0.0.1:7950')).toEqual({ name: 'bob', host: '127.0.0.1', port: 7_953 });
  expect(placeOfServer('bob', 'nonsense')).toBeUndefined();
  expect(urlOf({ name: 'bob', host: '::1', port: 80 }, 'https')).toBe('https://[::1]:80');
  expect([httpTag('127.0.0.1:7946' as Address, 7_953), httpTag('127.0.0.1:7946' as Address, 8_080)]).toEqual([
    undefined,
    'http:8080',
  ]);
});
