import { systemClock, type Address } from '@grp/core';
import { credentials, makeClientConstructor, Metadata, type Client, type ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChatMachine } from '../src/chat-machine.ts';
import { Chat, type ConverseResponse } from '../src/gen/grp/chat/v1/chat_pb.ts';
import { grpcService } from '../src/server/grpc-service.ts';
import { createChatServer, type ChatServer } from '../src/server/server.ts';
import { LocalLog } from './local-log.ts';

type Method = (
  request: object,
  metadata: Metadata,
  done: (error: ServiceError | null, response: Record<string, unknown>) => void,
) => void;

const machine = new ChatMachine();
const log = new LocalLog(machine);
let server: ChatServer;
let client: Client;
let request = 0;

beforeAll(async () => {
  server = createChatServer({ bind: '127.0.0.1:0' as Address, machine, log, clock: systemClock() });
  const { port } = await server.start();
  const Constructor = makeClientConstructor(grpcService(Chat), 'Chat');
  client = new Constructor(`127.0.0.1:${port}`, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await server.close();
});

function withToken(token?: string): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}

async function call(method: string, body: object, token?: string): Promise<Record<string, unknown>> {
  const requestId = new Uint8Array(16);
  new DataView(requestId.buffer).setUint32(12, ++request);
  return new Promise((resolve, reject) => {
    const run = (client as unknown as Record<string, Method>)[method]?.bind(client);
    run?.({ requestId, ...body }, withToken(token), (error, response) =>
      error === null ? resolve(response) : reject(error),
    );
  });
}

async function login(name: string): Promise<string> {
  await call('register', { name, password: `password of ${name}` });
  return String((await call('login', { name, password: `password of ${name}` }))['token']);
}

describe('one server', () => {
  test('accounts, messages and history', async () => {
    const [ann, bob] = [await login('ann'), await login('bob')];
    const sent = await call('send', { room: 'general', text: 'hello' }, ann);
    expect(sent['message']).toMatchObject({ room: 'general', from: 'ann', text: 'hello', sequence: 1n });
    await call('send', { room: '@bob', text: 'psst' }, ann);
    expect(await call('history', { room: '@ann' }, bob)).toMatchObject({ messages: [{ text: 'psst', room: '@ann' }] });
    expect(await call('unread', {}, bob)).toMatchObject({ rooms: [{ name: '@ann', unread: 1n }] });
    expect(await call('listUsers', { pattern: 'b*' }, ann)).toMatchObject({ names: ['bob'], more: false });
    await call('logout', {}, bob);
    await expect(call('history', { room: 'general' }, bob)).rejects.toMatchObject({ code: 16 });
  });

  test('refuses in the same way, and after the same work, whoever does not exist and whoever guesses wrong', async () => {
    const [unknown, wrong] = await Promise.allSettled([
      call('login', { name: 'nobody', password: 'x'.repeat(10) }),
      call('login', { name: 'ann', password: 'x'.repeat(10) }),
    ]);
    const facts = (outcome: PromiseSettledResult<unknown>) =>
      outcome.status === 'rejected' ? [outcome.reason.code, outcome.reason.details] : [];
    expect(facts(unknown)).toEqual([16, 'The name or the password is wrong.']);
    expect(facts(wrong)).toEqual(facts(unknown));
  });

  test.each([
    ['register', { name: 'a b', password: 'long enough' }, 3, 'CHAT_NAME_INVALID'],
    ['register', { name: 'cid', password: 'short' }, 3, 'CHAT_PASSWORD_SIZE'],
    ['register', { name: 'cid', password: 'x'.repeat(200_000) }, 3, 'CHAT_PASSWORD_SIZE'],
    ['register', { name: 'ann', password: 'long enough' }, 6, 'CHAT_NAME_TAKEN'],
    ['register', { requestId: new Uint8Array(3), name: 'cid', password: 'long enough' }, 3, 'CHAT_REQUEST_INVALID'],
    ['send', { room: 'general', text: 'x' }, 16, 'CHAT_NOT_LOGGED_IN'],
  ])('%s %j is refused with a clear code', async (method, body, code, ours) => {
    const error = await call(method, body).then(
      () => undefined,
      (cause: ServiceError) => cause,
    );
    expect(error).toMatchObject({ code });
    expect(error?.metadata.get('grp-code')).toEqual([ours]);
  });

  test('a megabyte of password is refused before anything is hashed', async () => {
    await expect(call('register', { name: 'cid', password: 'x'.repeat(1_048_576) })).rejects.toMatchObject({ code: 8 });
  });

  test('a stream follows a room from where the client was, and sends', async () => {
    const token = await login('dan');
    for (let number = 1; number <= 600; number++) await call('send', { room: 'busy', text: `${number}` }, token);
    const stream = (
      client as unknown as { converse(metadata: Metadata): ReturnType<Client['makeBidiStreamRequest']> }
    ).converse(withToken(token));
    const texts: string[] = [];
    const others: ConverseResponse[] = [];
    stream.on('data', ({ response, ...rest }: ConverseResponse) => {
      if (response.case === 'message') texts.push(response.value.text);
      else others.push({ response, ...rest });
    });
    stream.on('error', () => {});
    stream.write({ request: { case: 'follow', value: { room: 'busy', afterSequence: 100n } } });
    await expect.poll(() => texts.length).toBe(500);
    const requestId = new Uint8Array(16).fill(7);
    for (let again = 0; again < 2; again++) {
      stream.write({ request: { case: 'send', value: { requestId, room: 'busy', text: 'live' } } });
    }
    await expect.poll(() => others.length).toBe(3);
    expect(texts).toEqual([...Array.from({ length: 500 }, (_, index) => `${index + 101}`), 'live']);
    expect(others.map(({ response }) => response.case)).toEqual(['following', 'sent', 'sent']);
    stream.write({
      request: { case: 'send', value: { requestId: new Uint8Array(16).fill(8), room: 'busy', text: '' } },
    });
    await expect.poll(() => others.length).toBe(4);
    expect(others[3]?.response).toMatchObject({ case: 'failure', value: { code: 'CHAT_TEXT_EMPTY', retry: false } });
    stream.cancel();
  });

  test('a server that does not lead says who does', async () => {
    log.refuse('RAFT_NOT_LEADER', '10.0.0.2:7951');
    const token = 'x';
    const error = await call('send', { room: 'general', text: 'x' }, token).catch((cause: ServiceError) => cause);
    expect(error).toMatchObject({ code: 14 });
    expect((error as ServiceError).metadata.get('grp-leader')).toEqual(['10.0.0.2:7951']);
    log.accept();
  });

  test('whoever guesses too often has to wait', async () => {
    const codes: unknown[] = [];
    for (let guess = 0; guess < 12; guess++) {
      await call('login', { name: 'eve', password: `guess number ${guess}` }).catch((cause: ServiceError) =>
        codes.push(cause.code),
      );
    }
    expect(codes.slice(-2)).toEqual([8, 8]);
  });
});
