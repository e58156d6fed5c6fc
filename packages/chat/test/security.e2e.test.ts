// Who gets in, who does not, and what guessing costs.
import { credentials } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { PasswordHasher } from '../src/ports.ts';
import { createPasswordHasher } from '../src/server/passwords.ts';
import { codes, TestServer } from './calls.ts';
import { cert, key } from './certificate.ts';

const { UNAUTHENTICATED, UNAVAILABLE, RESOURCE_EXHAUSTED } = codes;

/** Knows right from wrong without work, and counts. */
class FastHasher implements PasswordHasher {
  count = 0;

  async hash(password: string): Promise<string> {
    return `hash of ${password}`;
  }

  async verify(password: string, hash: string | undefined): Promise<boolean> {
    this.count++;
    await new Promise((resolve) => setTimeout(resolve, 5));
    return hash === `hash of ${password}`;
  }
}

describe('log-ins', () => {
  const hasher = new FastHasher();
  let server: TestServer;

  beforeAll(async () => {
    server = await new TestServer({ hasher }).start();
  });
  afterAll(() => server.close());

  test('forty guesses at once are ten guesses', async () => {
    await server.arrive('ann');
    hasher.count = 0;
    const guesses = Array.from({ length: 40 }, (_, guess) =>
      server.failure('login', { name: 'ann', password: `guess number ${guess}` }),
    );
    const ends = (await Promise.all(guesses)).map(([code]) => code);
    expect(ends.filter((code) => code === UNAUTHENTICATED).length).toBeLessThanOrEqual(10);
    expect(ends.every((code) => code === UNAUTHENTICATED || code === RESOURCE_EXHAUSTED)).toBe(true);
    expect(hasher.count).toBeLessThanOrEqual(10);
    // The right one has to wait as well.
    expect(await server.failure('login', { name: 'ANN', password: 'password of ann' })).toEqual([
      RESOURCE_EXHAUSTED,
      'CHAT_BUSY',
    ]);
  });
});

describe('a token', () => {
  const hasher = new FastHasher();
  let server: TestServer;

  beforeAll(async () => {
    server = await new TestServer({ hasher }).start();
  });
  afterAll(() => server.close());

  async function endOf(token: string, act: () => Promise<unknown>): Promise<number> {
    const stream = server.converse(token);
    const ended = new Promise<number>((resolve) =>
      stream.on('error', (error: { readonly code: number }) => resolve(error.code)),
    );
    const live = new Promise((resolve) => stream.once('data', resolve));
    stream.write({ request: { case: 'follow', value: { room: 'news', afterSequence: 0n } } } as never);
    await live;
    await act();
    await server.call(
      'send',
      { room: 'news', text: 'something new' },
      { token: await server.arrive(`w${server.id()[15]}`) },
    );
    return ended;
  }

  test('ends with log-out, for calls and for streams', async () => {
    const token = await server.arrive('bob');
    expect(await endOf(token, () => server.call('logout', {}, { token }))).toBe(UNAUTHENTICATED);
    expect(await server.failure('unread', {}, { token })).toEqual([UNAUTHENTICATED, 'CHAT_NOT_LOGGED_IN']);
    expect(await server.failure('send', { room: 'x', text: 'x' }, { token })).toEqual([
      UNAUTHENTICATED,
      'CHAT_NOT_LOGGED_IN',
    ]);
  });

  test('ends with the account, whose name may then be taken', async () => {
    const [token, other] = [await server.arrive('cid'), await server.login('cid')];
    const remove = () => server.call('deleteAccount', { password: 'password of cid' }, { token: other });
    expect(await endOf(token, remove)).toBe(UNAUTHENTICATED);
    for (const ended of [token, other])
      expect(await server.failure('unread', {}, { token: ended })).toEqual([UNAUTHENTICATED, 'CHAT_NOT_LOGGED_IN']);
    await server.arrive('cid');
    expect(await server.failure('unread', {}, { token })).toEqual([UNAUTHENTICATED, 'CHAT_NOT_LOGGED_IN']);
  });

  test('does not let its thief guess the password for ever', async () => {
    const token = await server.arrive('dan');
    const guesses = Array.from({ length: 30 }, (_, guess) =>
      guess % 2 === 0
        ? server.failure('deleteAccount', { password: `guess number ${guess}` }, { token })
        : server.failure(
            'changePassword',
            { oldPassword: `guess ${guess}`, newPassword: 'stolen for good' },
            { token },
          ),
    );
    const ends = (await Promise.all(guesses)).map(([code]) => code);
    expect(ends.filter((code) => code === UNAUTHENTICATED).length).toBeLessThanOrEqual(10);
    expect(ends).toContain(RESOURCE_EXHAUSTED);
  });
});

test('a log-in takes as long for a name that there is as for one that there is not', async () => {
  const server = await new TestServer({ hasher: createPasswordHasher(), config: { loginFailuresMax: 1_000 } }).start();
  await server.arrive('ann');
  // Processor time, which other programs on the machine do not disturb; in turn, so that warming up counts for both.
  const spent = { ann: 0, nobody: 0 };
  for (let round = 0; round < 12; round++) {
    for (const name of ['ann', 'nobody'] as const) {
      const before = process.cpuUsage();
      expect(await server.failure('login', { name, password: 'not the password' })).toEqual([
        UNAUTHENTICATED,
        'CHAT_LOGIN_REFUSED',
      ]);
      const { user, system } = process.cpuUsage(before);
      spent[name] += user + system;
    }
  }
  await server.close();
  expect(spent.ann).toBeGreaterThan(12 * 5_000); // a hash is hard work
  // Without a hash for who is unknown it would be a hundredth; the rest is what a busy machine's caches do.
  expect(spent.ann / spent.nobody).toBeGreaterThan(0.5);
  expect(spent.ann / spent.nobody).toBeLessThan(2);
}, 30_000);

describe('TLS', () => {
  let server: TestServer | undefined;
  afterEach(() => server?.close());
  const deadline = (): number => Date.now() + 5_000;
  const list = { pattern: '' };

  test('a client that trusts the certificate gets in; without TLS, or with another trust, nobody does', async () => {
    server = await new TestServer({ tls: { cert, key } }).start();
    const safe = server.client(credentials.createSsl(cert));
    await server.call('register', { name: 'ann', password: 'password of ann' }, { client: safe });
    expect(
      (await server.call('login', { name: 'ann', password: 'password of ann' }, { client: safe }))['token'],
    ).toBeTypeOf('string');
    for (const creds of [credentials.createInsecure(), credentials.createSsl()]) {
      const client = server.client(creds);
      expect(await server.failure('listUsers', list, { client, deadline: deadline() })).toEqual([UNAVAILABLE]);
    }
  });

  test('with an authority for clients, whoever has no certificate of it stays outside', async () => {
    server = await new TestServer({ tls: { cert, key, ca: cert } }).start();
    const without = server.client(credentials.createSsl(cert));
    expect(await server.failure('listUsers', list, { client: without, deadline: deadline() })).toEqual([UNAVAILABLE]);
    const client = server.client(credentials.createSsl(cert, key, cert));
    expect(await server.failure('listUsers', list, { client })).toEqual([UNAUTHENTICATED, 'CHAT_NOT_LOGGED_IN']);
  });
});
