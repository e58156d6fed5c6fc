import { systemClock, type Address } from '@grp/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChatMachine } from '../src/chat-machine.ts';
import { ChatClient } from '../src/client/client.ts';
import { createChatServer, type ChatServer } from '../src/server/server.ts';
import { LocalLog } from './local-log.ts';

// Three front doors to one state: what fails over here is the client, not the log.
const machine = new ChatMachine();
const logs = Array.from({ length: 3 }, () => new LocalLog(machine));
const ports: number[] = [];
let servers: ChatServer[] = [];
let client: ChatClient;

async function open(position: number, port = 0): Promise<void> {
  const log = logs[position] as LocalLog;
  const server = createChatServer({ bind: `127.0.0.1:${port}` as Address, machine, log, clock: systemClock() });
  ports[position] = (await server.start()).port;
  servers[position] = server;
}

function newClient(): ChatClient {
  return new ChatClient({ servers: ports.map((port) => `127.0.0.1:${port}`), config: { timeoutMs: 10_000 } });
}

beforeAll(async () => {
  for (let position = 0; position < 3; position++) await open(position);
  client = newClient();
  await client.register('ann', 'password of ann');
  await client.login('ann', 'password of ann');
});
afterAll(async () => {
  client.close();
  await Promise.all(servers.map((server) => server.close(0)));
});

describe('a client of three servers', () => {
  test('follows the hint to the leader', async () => {
    for (const position of [0, 1]) logs[position]?.refuse('RAFT_NOT_LEADER', `127.0.0.1:${ports[2]}`);
    for (let number = 1; number <= 10; number++) {
      expect((await client.send('general', `number ${number}`)).sequence).toBe(number);
    }
    for (const position of [0, 1]) logs[position]?.accept();
  });

  test('goes on when servers vanish, and sees every message once', async () => {
    const ended = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { text } of client.watch('storm', { signal: ended.signal })) seen.push(text);
    })();
    const wanted: string[] = [];
    for (let number = 1; number <= 60; number++) {
      if (number % 10 === 0) {
        const position = (number / 10) % 3;
        await servers[position]?.close(0);
        await open(position, ports[position]);
      }
      wanted.push(`message ${number}`);
      await client.send('storm', `message ${number}`);
    }
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(60);
    expect(seen).toEqual(wanted);
    ended.abort();
    await watching;
    expect((await client.history('storm')).map(({ text }) => text)).toEqual(wanted);
  });

  test('says what the last server said when none of them can', async () => {
    servers = await Promise.all(servers.map(async (server) => (await server.close(0), server)));
    await expect(client.send('general', 'x', { timeoutMs: 500 })).rejects.toMatchObject({
      code: 'CHAT_UNREACHABLE',
      kind: 'unreachable',
    });
    for (let position = 0; position < 3; position++) await open(position, ports[position]);
    expect(await client.users()).toEqual(['ann']);
  });

  test('what is refused is thrown with its code, at once', async () => {
    await expect(client.send('general', '')).rejects.toMatchObject({ code: 'CHAT_TEXT_EMPTY', kind: 'usage' });
    const stranger = newClient();
    await expect(stranger.rooms()).rejects.toMatchObject({ code: 'CHAT_NOT_LOGGED_IN', kind: 'denied' });
    await expect(stranger.watch('general').next()).rejects.toMatchObject({ code: 'CHAT_NOT_LOGGED_IN' });
    stranger.close();
  });

  test('a history longer than a page comes whole', async () => {
    for (let number = 1; number <= 1_100; number++) await client.send('long', `${number}`);
    const all = await client.history('long');
    expect(all.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 1_100 }, (_, index) => index + 1));
    expect((await client.history('long', { limit: 3 })).map(({ text }) => text)).toEqual(['1098', '1099', '1100']);
    expect((await client.history('long', { from: 5, limit: 2 })).map(({ text }) => text)).toEqual(['5', '6']);
  });
});
