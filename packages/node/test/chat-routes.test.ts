import { chatError, type Caller, type ChatReads } from '@grp/chat';
import { expect, onTestFinished, test } from 'vitest';
import { nodeConfig } from '../src/config.ts';
import { chatRoutes } from '../src/chat/chat-routes.ts';
import { createServer } from '../src/http/server.ts';
import { ManualClock } from './support/manual-clock.ts';
import { recordingLogger } from './support/recording-logger.ts';

const pageMax = 1_000;
const token = { 'grp-chat-token': 'right' };

/** The room `general` with so many messages, read in pages as the chat gives them. */
function open(count: number) {
  const calls: { readonly fromSequence: number; readonly limit: number; readonly local: boolean }[] = [];
  const stored = Array.from({ length: count }, (_, index) => ({
    ...{ id: `${index}`, from: 'ann', text: `t${index}`, atMs: 0, index: index + 5, sequence: index + 1 },
    deleted: index === 1,
  }));
  const known = ({ token: given }: Caller): void => {
    if (given !== 'right') throw chatError('CHAT_NOT_LOGGED_IN');
  };
  const room = (label: string, unread: number) => ({ label, lastSequence: 9, members: 2, joined: true, unread });
  const reads: ChatReads = {
    async history(options, caller) {
      known(caller);
      if (options.room !== 'general') throw chatError('CHAT_ROOM_INVALID');
      calls.push(options);
      const limit = Math.min(options.limit, pageMax);
      const from = options.fromSequence === 0 ? Math.max(0, count - limit) : options.fromSequence - 1;
      const page = stored.slice(from, from + limit);
      return { messages: page.map((message) => ({ room: 'general', message })), more: from + page.length < count };
    },
    async rooms(caller) {
      known(caller);
      return [room('general', 0), room('@bob', 3)];
    },
    async users({ pattern, after }, caller) {
      known(caller);
      return { names: [pattern, after], more: false };
    },
  };
  const state = { serving: true };
  const common = { host: '127.0.0.1', token: undefined, tls: undefined, config: nodeConfig.resolve({}) };
  const server = createServer({ ...common, clock: new ManualClock(), logger: recordingLogger() });
  chatRoutes(server.app, { reads, serving: () => state.serving });
  onTestFinished(() => server.close(0));
  const get = async (path: string, headers: Record<string, string> = token) => {
    const { statusCode, body } = await server.app.inject({ method: 'GET', url: `/v1/chat/${path}`, headers });
    return { status: statusCode, body: JSON.parse(body) as Record<string, unknown> };
  };
  return { get, calls, state };
}

const sequences = ({ body }: { readonly body: Record<string, unknown> }): readonly number[] =>
  (body['messages'] as { readonly sequence: number }[]).map(({ sequence }) => sequence);

test('history is the document of chat history', async () => {
  const { get } = open(2);
  expect(await get('history?room=general')).toEqual({
    status: 200,
    body: {
      schema: 'grp.chat.history/1',
      room: 'general',
      messages: [
        {
          ...{ id: '0', room: 'general', from: 'ann', text: 't0' },
          at: '1970-01-01T00:00:00.000Z',
          index: 5,
          sequence: 1,
        },
        expect.objectContaining({ sequence: 2, deleted: true }),
      ],
      more: false,
    },
  });
  expect(sequences(await open(0).get('history?room=general'))).toEqual([]);
});

test.each([
  ['', 1, 2_500, false],
  ['&limit=2', 2_499, 2_500, false],
  ['&from=2', 2, 2_500, false],
  ['&from=2&limit=1700', 2, 1_701, true],
  ['&from=9999', undefined, undefined, false],
] as const)('of 2,500 messages, %s gives %s to %s', async (query, first, last, more) => {
  const { get, calls } = open(2_500);
  const answer = await get(`history?room=general${query}`);
  const given = sequences(answer);
  expect([given[0], given.at(-1), answer.body['more']]).toEqual([first, last, more]);
  expect(given).toEqual(given.toSorted((a, b) => a - b));
  // The first page is what the leader had been asked for; this server's copy has the rest by then.
  expect(calls.map(({ local }) => local)).toEqual([false, ...calls.slice(1).map(() => true)]);
});

test('the newest ten thousand, of a longer room', async () => {
  const given = sequences(await open(12_345).get('history?room=general&local'));
  expect([given.length, given[0]]).toEqual([10_000, 2_346]);
});

test('rooms, unread, users', async () => {
  const { get } = open(0);
  const general = { name: 'general', lastSequence: 9, members: 2, joined: true, unread: 0 };
  const bob = { ...general, name: '@bob', unread: 3 };
  expect((await get('rooms')).body).toEqual({ schema: 'grp.chat.rooms/1', rooms: [general, bob] });
  expect((await get('unread')).body).toEqual({ schema: 'grp.chat.unread/1', rooms: [bob] });
  expect((await get('users?pattern=a*&after=al')).body).toEqual({
    schema: 'grp.chat.users/1',
    users: ['a*', 'al'],
    more: false,
  });
});

test.each([
  ['history', token, 400, 'NODE_REQUEST_INVALID'],
  ['history?room=general&room=other', token, 400, 'NODE_REQUEST_INVALID'],
  ['history?room=general&limit=10001', token, 400, 'NODE_REQUEST_INVALID'],
  ['history?room=general&lokal=true', token, 400, 'NODE_REQUEST_INVALID'],
  ['history?room=a%20b', token, 400, 'CHAT_ROOM_INVALID'],
  ['history?room=general', {}, 403, 'CHAT_NOT_LOGGED_IN'],
  ['rooms', { 'grp-chat-token': 'wrong' }, 403, 'CHAT_NOT_LOGGED_IN'],
  ['nothing', token, 404, 'NODE_ROUTE_UNKNOWN'],
] as const)('%s with %o is %i', async (path, headers, status, code) => {
  expect(await open(1).get(path, headers)).toMatchObject({
    status,
    body: { error: { code, hint: expect.any(String) } },
  });
});

test('a server that recovers shows nobody its copy', async () => {
  const { get, state } = open(1);
  state.serving = false;
  expect(await get('history?room=general&local=true')).toMatchObject({
    status: 503,
    body: { error: { code: 'CHAT_RECOVERING' } },
  });
});
