import { mkdtempSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { fakeNode, type FakeNode } from './support/fake-node.ts';
import { grp } from './support/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'grp-cli-'));
const members = {
  schema: 'grp.swim.members/1',
  self: 'n1#1',
  members: [
    {
      id: 'n1#1',
      name: 'n1',
      address: '127.0.0.1:1',
      status: 'alive',
      incarnation: 1,
      tags: { rack: 'a' },
      rttMs: null,
    },
    { id: 'n2#2', name: 'n2', address: '127.0.0.1:2', status: 'down', incarnation: 2, tags: {}, rttMs: 1.5 },
  ],
};
let node: FakeNode;

beforeAll(async () => {
  node = await fakeNode();
  node.answer('GET /v1/swim/members', { status: 200, body: members });
});
afterAll(() => node.close());
afterEach(() => vi.unstubAllEnvs());

describe('a document of the node', () => {
  test('is passed on as it is under --json, and is a table otherwise', async () => {
    const { code, lines } = await grp('swim', 'members', '--node', node.url, '--json');
    expect(code).toBe(0);
    expect(lines).toEqual([members]);
    const text = await grp('swim', 'members', '--node', node.url);
    expect(text.stdout).toMatch(/n1 \* .*alive[\s\S]*n2 .*down[\s\S]*1 alive, 1 down/);
    // eslint-disable-next-line no-control-regex
    expect(text.stdout).not.toMatch(/\u001B/);
  });

  test('is filtered', async () => {
    const filtered = async (...flags: string[]): Promise<unknown> => {
      const [list = {}] = (await grp('swim', 'members', '--node', node.url, '--json', ...flags)).lines;
      return (list['members'] as { name: string }[]).map(({ name }) => name);
    };
    expect(await filtered('--status', 'down')).toEqual(['n2']);
    expect(await filtered('--where', 'rack=a')).toEqual(['n1']);
    expect(await filtered('--where', 'rack=b')).toEqual([]);
  });

  test('comes from the node that GRP_NODE names, host:port too', async () => {
    vi.stubEnv('GRP_NODE', node.url.slice('http://'.length));
    expect((await grp('swim', 'members', '--json')).lines).toEqual([members]);
  });

  test('is asked for with the token of the file', async () => {
    const file = join(folder, 'token');
    writeFileSync(file, 'a-secret-of-sixteen\n', { mode: 0o600 });
    await grp('swim', 'members', '--node', node.url, '--token-file', file);
    expect(node.seen.at(-1)?.authorization).toBe('Bearer a-secret-of-sixteen');
  });
});

describe('requests that change something', () => {
  test.each([
    ['swim event deploy v1 --coalesce', 'POST /v1/swim/event', { name: 'deploy', payload: 'v1', coalesce: true }],
    ['swim tags --set a=1,b=2 --delete c', 'POST /v1/swim/tags', { set: { a: '1', b: '2' }, delete: ['c'] }],
    [
      'swim join 10.0.0.1:7946 10.0.0.2:7946 --timeout 3s',
      'POST /v1/swim/join',
      { seeds: ['10.0.0.1:7946', '10.0.0.2:7946'], timeoutMs: 3_000 },
    ],
    [
      'swim query load --member n1,n2 --where rack=a --timeout 2s',
      'POST /v1/swim/query',
      { name: 'load', payload: '', timeoutMs: 2_000, names: ['n1', 'n2'], tags: { rack: 'a' } },
    ],
    ['swim reset', 'POST /v1/swim/reset', {}],
  ])('grp %s', async (line, route, body) => {
    const answer = {
      schema: 'grp.x.y/1',
      tags: {},
      contacted: [],
      failed: [],
      acknowledgements: [],
      responses: [],
      since: '',
    };
    node.answer(route, { status: 200, body: answer });
    const { code, lines } = await grp(...line.split(' '), '--node', node.url, '--json');
    expect(code).toBe(0);
    expect(lines[0]?.['schema']).toMatch(/^grp\.\w+\.\w+\/1$/);
    const seen = node.seen.at(-1);
    expect([`${seen?.method} ${seen?.url}`, seen?.body]).toEqual([route, body]);
  });

  test('keys come from a file, and a member that did not do it is a failure', async () => {
    const file = join(folder, 'new.key');
    const key = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');
    writeFileSync(file, `${key}\n`, { mode: 0o600 });
    node.answer('POST /v1/swim/keys', {
      status: 200,
      body: { answered: 1, members: 2, keys: {}, errors: { n2: 'no answer' } },
    });
    const { code, lines, stdout } = await grp(
      'swim',
      'keys',
      'install',
      '--key-file',
      file,
      '--node',
      node.url,
      '--json',
    );
    expect(code).toBe(1);
    expect(lines[0]).toMatchObject({ schema: 'grp.swim.keys/1', errors: { n2: 'no answer' } });
    expect(node.seen.at(-1)?.body).toEqual({ action: 'install', key });
    expect(stdout).not.toContain(key);
  });
});

describe('what a node refuses', () => {
  test.each([
    [400, 2],
    [401, 4],
    [403, 4],
    [404, 3],
    [409, 6],
    [500, 1],
    [503, 7],
    [504, 5],
  ])('status %i is exit code %i, with its code and hint', async (status, code) => {
    node.answer('GET /v1/swim/rtt', {
      status,
      body: { error: { code: 'SOME_CODE', message: 'No.\u001B[2J', hint: 'Try.' } },
    });
    const outcome = await grp('swim', 'rtt', '--node', node.url, '--json');
    expect(outcome.code).toBe(code);
    expect(outcome.lines).toEqual([{ error: { code: 'SOME_CODE', message: 'No.', hint: 'Try.' } }]);
  });

  test.each([
    ['no JSON', { status: 200, body: '<html>' }],
    ['no object', { status: 200, body: '[]' }],
    ['an error without a form', { status: 500, body: 'oops' }],
  ])('%s is no grp node', async (_, answer) => {
    node.answer('GET /v1/swim/rtt', answer);
    const { code, lines } = await grp('swim', 'rtt', '--node', node.url, '--json');
    expect(code).toBe(1);
    expect(lines[0]).toMatchObject({ error: { code: 'CLI_NODE_ANSWER' } });
  });

  test('silence ends with --timeout', async () => {
    node.answer('GET /v1/swim/rtt', () => {});
    const { code, lines } = await grp('swim', 'rtt', '--node', node.url, '--timeout', '100ms', '--json');
    expect(code).toBe(5);
    expect(lines[0]).toMatchObject({ error: { code: 'CLI_NODE_TIMEOUT', message: expect.stringContaining('100 ms') } });
  });

  test('nobody there is unreachable, with what to do', async () => {
    const { code, lines } = await grp('swim', 'rtt', '--node', 'http://127.0.0.1:1', '--json');
    expect(code).toBe(5);
    expect(lines[0]).toMatchObject({
      error: { code: 'CLI_NODE_UNREACHABLE', hint: expect.stringContaining('grp node start') },
    });
  });
});

describe('events', () => {
  const event = (type: string, change: object = {}) => ({
    schema: 'grp.node.event/1',
    at: '2026-01-01T00:00:00.000Z',
    noun: 'swim',
    type,
    ...change,
  });
  const stream =
    (...chunks: readonly string[]) =>
    (response: ServerResponse): void => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(': open\n\n');
      for (const chunk of chunks) response.write(chunk);
    };

  test('come one document per line, torn as they may arrive, nonsense left out', async () => {
    const first = JSON.stringify(event('join'));
    node.answer(
      'GET /v1/events',
      stream(
        `data: ${first.slice(0, 20)}`,
        `${first.slice(20)}\n\ndata: nonsense\n\n: ping\n\n`,
        `data: ${JSON.stringify(event('down'))}\n\n`,
      ),
    );
    const { code, lines } = await grp('swim', 'events', '--node', node.url, '--count', '2', '--json');
    expect(code).toBe(0);
    expect(lines).toEqual([event('join'), event('down')]);
    expect(node.seen.at(-1)?.url).toBe('/v1/events?kinds=swim');
  });

  test('end in time with --duration, as text without control characters', async () => {
    node.answer('GET /v1/events', stream(`data: ${JSON.stringify(event('user-event', { name: 'x\u001B[2Jy' }))}\n\n`));
    const { code, stdout } = await grp(
      'node',
      'events',
      '--node',
      node.url,
      '--duration',
      '200ms',
      '--kinds',
      'user-event,join',
    );
    expect(code).toBe(0);
    expect(stdout).toBe('00:00:00.000 swim.user-event name=xy\n');
    expect(node.seen.at(-1)?.url).toBe('/v1/events?kinds=user-event,join');
  });

  test('that the node ends are an error', async () => {
    node.answer('GET /v1/events', (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end());
    const { code } = await grp('node', 'events', '--node', node.url, '--json');
    expect(code).toBe(5);
  });

  test('of an unknown kind are refused by the node', async () => {
    node.answer('GET /v1/events', {
      status: 400,
      body: { error: { code: 'NODE_REQUEST_INVALID', message: 'No kind.' } },
    });
    expect((await grp('node', 'events', '--node', node.url, '--kinds', 'x', '--json')).code).toBe(2);
  });
});

test('node stop waits until the life that it stopped is gone', async () => {
  let asked = 0;
  const status = (id: string) => ({ schema: 'grp.node.status/1', name: 'n1', id });
  node.answer('GET /v1/node/status', (response) => {
    asked++;
    response.end(JSON.stringify(status(asked < 3 ? 'n1#1' : 'n1#2')));
  });
  node.answer('POST /v1/node/stop', { status: 202, body: {} });
  const { code, lines } = await grp('node', 'stop', '--no-leave', '--node', node.url, '--json');
  expect(code).toBe(0);
  expect(lines[0]).toMatchObject({ schema: 'grp.node.stop/1', name: 'n1', leave: false });
  expect(node.seen.find(({ url }) => url === '/v1/node/stop')?.body).toEqual({ leave: false });
  expect(asked).toBe(3);
});
