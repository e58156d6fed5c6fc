// Requests that no well-meaning client makes: each ends with a clear gRPC code, and nothing that was acknowledged is lost.
import { connect, type Socket } from 'node:net';
import { toBinary, create } from '@bufbuild/protobuf';
import type { ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SendRequestSchema, type ConverseResponse } from '../src/gen/grp/chat/v1/chat_pb.ts';
import { codes, metadataOf, TestServer, type Stream } from './calls.ts';

const { OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAUTHENTICATED, DEADLINE_EXCEEDED, INTERNAL, UNIMPLEMENTED } = codes;
const megabyte = 'x'.repeat(1_048_576);
let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await new TestServer({ config: { streamsMax: 8 } }).start();
  token = await server.arrive('ann');
});
afterAll(() => server.close());

/** What comes on a stream, and how it ends. */
function heard(stream: Stream): {
  readonly responses: ConverseResponse['response'][];
  readonly ended: Promise<number>;
} {
  const responses: ConverseResponse['response'][] = [];
  stream.on('data', ({ response }: ConverseResponse) => responses.push(response));
  const ended = new Promise<number>((resolve) => {
    stream.on('error', (error: ServiceError) => resolve(error.code));
    stream.on('end', () => resolve(0));
  });
  return { responses, ended };
}

function sending(room: string, text: string, requestId = server.id()) {
  return { request: { case: 'send', value: { requestId, room, text } } };
}

describe('sizes', () => {
  test.each([
    ['register', { name: 'big', password: megabyte }],
    ['login', { name: 'ann', password: megabyte }],
    ['changePassword', { oldPassword: 'password of ann', newPassword: megabyte }],
    ['deleteAccount', { password: megabyte }],
  ])('a password of 1 MiB: %s is refused before anything is hashed', async (method, body) => {
    const began = performance.now();
    expect(await server.failure(method, body, { token })).toEqual([RESOURCE_EXHAUSTED]);
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(await server.login('ann')).not.toBe('');
  });

  test('a password that fits the message but not the limit is refused with our code', async () => {
    const password = 'x'.repeat(1_025);
    expect(await server.failure('register', { name: 'big', password })).toEqual([
      INVALID_ARGUMENT,
      'CHAT_PASSWORD_SIZE',
    ]);
  });

  test('a text has 4,096 bytes at most, and they are counted as UTF-8', async () => {
    const [longest, tooLong] = ['é'.repeat(2_048), `${'é'.repeat(2_048)}x`];
    await server.call('send', { room: 'long', text: longest }, { token });
    expect(await server.failure('send', { room: 'long', text: tooLong }, { token })).toEqual([
      INVALID_ARGUMENT,
      'CHAT_TEXT_TOO_LONG',
    ]);
    expect(await server.failure('send', { room: 'long', text: megabyte }, { token })).toEqual([RESOURCE_EXHAUSTED]);
    expect(await server.texts('long', token)).toEqual([longest]);
  });

  test('on a stream a text that is too long fails by itself, and a message that is too long ends the stream', async () => {
    const stream = server.converse(token);
    const { responses, ended } = heard(stream);
    stream.write(sending('stream', 'x'.repeat(4_097)) as never);
    stream.write(sending('stream', 'short') as never);
    await expect.poll(() => responses.length).toBe(2);
    expect(new Set(responses.map((response) => response.case))).toEqual(new Set(['failure', 'sent']));
    stream.write(sending('stream', megabyte) as never);
    expect(await ended).toBe(RESOURCE_EXHAUSTED);
    expect(await server.texts('stream', token)).toEqual(['short']);
  });
});

describe('messages from other versions', () => {
  const path = (method: string): string => `/grp.chat.v1.Chat/${method}`;
  const raw = (bytes: Uint8Array): Buffer => Buffer.from(bytes);

  async function call(method: string, bytes: Uint8Array): Promise<number> {
    return new Promise((resolve) => {
      server.client().makeUnaryRequest(
        path(method),
        raw,
        (answer) => answer,
        bytes,
        metadataOf(token),
        (error) => resolve(error?.code ?? 0),
      );
    });
  }

  test('unknown fields are passed over', async () => {
    const request = create(SendRequestSchema, { requestId: server.id(), room: 'future', text: 'hello' });
    const known = toBinary(SendRequestSchema, request);
    // Field 100 as a number, 101 as bytes, 102 as eight bytes: what a later schema may add.
    const unknown = [0xa0, 0x06, 0x2a, 0xaa, 0x06, 0x03, 1, 2, 3, 0xb1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8];
    expect(await call('Send', Uint8Array.from([...known, ...unknown]))).toBe(OK);
    expect(await server.texts('future', token)).toEqual(['hello']);
  });

  test('what is no message, or no method, is said to be so', async () => {
    expect(await call('Send', Uint8Array.of(0xff, 0xff, 0xff))).toBe(INTERNAL); // as gRPC has it
    expect(await call('Dance', new Uint8Array(0))).toBe(UNIMPLEMENTED);
    expect(await server.failure('send', { requestId: new Uint8Array(15), room: 'x', text: 'x' }, { token })).toEqual([
      INVALID_ARGUMENT,
      'CHAT_REQUEST_INVALID',
    ]);
  });

  test('an unknown kind of request on a stream ends it with INVALID_ARGUMENT', async () => {
    const bytes = Uint8Array.of(0xa2, 0x06, 0x00); // field 100, an empty message
    const stream = server.client().makeBidiStreamRequest(path('Converse'), raw, (answer) => answer, metadataOf(token));
    const ended = new Promise<number>((resolve) => stream.on('error', (error: ServiceError) => resolve(error.code)));
    stream.resume();
    stream.write(bytes);
    expect(await ended).toBe(INVALID_ARGUMENT);
  });
});

describe('half-open streams', () => {
  test('a client that says everything and then nothing more gets all its answers', async () => {
    const stream = server.converse(token);
    const { responses, ended } = heard(stream);
    for (let number = 0; number < 20; number++) stream.write(sending('half', `${number}`) as never);
    stream.end();
    expect(await ended).toBe(0);
    expect(responses.map((response) => response.case)).toEqual(Array.from({ length: 20 }, () => 'sent'));
    expect(await server.texts('half', token)).toHaveLength(20);
  });

  test('a client that follows and says nothing more is told what is new', async () => {
    const stream = server.converse(token);
    const { responses } = heard(stream);
    stream.write({ request: { case: 'follow', value: { room: 'quiet', afterSequence: 0n } } } as never);
    stream.end();
    await expect.poll(() => responses.length).toBe(1);
    await server.call('send', { room: 'quiet', text: 'are you there?' }, { token });
    await expect.poll(() => responses.map((response) => response.case)).toEqual(['following', 'message']);
    stream.cancel();
  });

  test('sockets that say nothing, and streams whose client vanishes, take no place for ever', async () => {
    const silent: Socket[] = Array.from({ length: 100 }, () => connect(server.port, '127.0.0.1'));
    for (const socket of silent) socket.on('error', () => {});
    for (let round = 0; round < 3; round++) {
      const client = server.client();
      const streams = Array.from({ length: 8 }, () => server.converse(token, client));
      const all = streams.map((stream) => heard(stream));
      for (const stream of streams)
        stream.write({ request: { case: 'follow', value: { room: 'nobody', afterSequence: 0n } } } as never);
      await expect.poll(() => all.every(({ responses }) => responses.length === 1)).toBe(true);
      const { ended } = heard(server.converse(token));
      expect(await ended).toBe(RESOURCE_EXHAUSTED); // a ninth
      client.close();
      for (const stream of streams) stream.cancel();
    }
    for (const socket of silent) socket.destroy();
    expect(await server.texts('half', token)).toHaveLength(20);
  });
});

describe('deadlines', () => {
  test('a deadline of 1 ms: it is done once or not at all, and a retry tells which', async () => {
    const seen = new Set<number>();
    for (let number = 0; number < 100; number++) {
      const body = { requestId: server.id(), room: 'hurry', text: `${number}` };
      seen.add((await server.failure('send', body, { token, deadline: Date.now() + 1 }))[0]);
      const { message } = await server.call('send', body, { token });
      expect(message).toMatchObject({ sequence: BigInt(number + 1), text: `${number}` });
    }
    expect([...seen].filter((code) => code !== OK)).toEqual([DEADLINE_EXCEEDED]);
    expect(await server.texts('hurry', token)).toEqual(Array.from({ length: 100 }, (_, number) => `${number}`));
  });

  test('a deadline that has passed', async () => {
    const body = { room: 'late', text: 'x' };
    expect(await server.failure('send', body, { token, deadline: Date.now() - 1 })).toEqual([DEADLINE_EXCEEDED]);
  });
});

test.each([
  ['', 'empty'],
  ['x', 'short'],
  ['x'.repeat(5_000), 'very long'],
  ["' or 1=1", 'of other signs'],
])('a token that is $1 lets nobody in', async (wrong) => {
  expect(await server.failure('unread', {}, { token: wrong })).toEqual([UNAUTHENTICATED, 'CHAT_NOT_LOGGED_IN']);
});
