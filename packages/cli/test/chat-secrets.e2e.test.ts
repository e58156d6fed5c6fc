import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChatClient } from '@grp/chat';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NodeClient } from '../src/client/http-client.ts';
import { bringDown, killClusterNow } from '../src/cluster/down.ts';
import { readState } from '../src/cluster/state.ts';
import { bringUp } from '../src/index.ts';
import { chatClient } from '../src/demo/chat-record.ts';

const dir = mkdtempSync(join(tmpdir(), 'grp-secrets-'));
const words = { first: 'Zwetschgenkuchen-1', second: 'Zwetschgenkuchen-2', wrong: 'Zwetschgenkuchen-3' };
let client: ChatClient;

beforeAll(async () => {
  const template = { roles: ['chat'] } as const;
  await bringUp({ dir, count: 1, basePort: 0, template, logFormat: 'json', timeoutMs: 60_000 });
  client = await chatClient(dir);
}, 60_000);
afterAll(() => {
  client?.close();
  killClusterNow(dir);
});

/** Every file below the data folders and the logs. */
async function allFiles(): Promise<readonly { readonly path: string; readonly bytes: Buffer }[]> {
  const found: { readonly path: string; readonly bytes: Buffer }[] = [];
  for (const folder of ['nodes', 'logs']) {
    for (const entry of await readdir(join(dir, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) found.push({ path, bytes: await readFile(path) });
    }
  }
  return found;
}

test('neither passwords nor tokens are in logs, in the log of raft or in snapshots', async () => {
  await client.register('ann', words.first);
  await client.login('ann', words.first);
  const tokens = [client.token ?? ''];
  await client.changePassword(words.first, words.second);
  await expect(client.login('ann', words.wrong)).rejects.toMatchObject({ code: 'CHAT_LOGIN_REFUSED' });
  await client.login('ann', words.second);
  tokens.push(client.token ?? '');
  await client.send('general', 'what everybody may read');
  const [node] = (await readState(dir))?.nodes ?? [];
  await NodeClient.local(node?.http ?? '', 20_000).post('/v1/raft/snapshot', {});
  await client.register('bob', words.first);
  await client.login('bob', words.first);
  await expect(client.deleteAccount(words.wrong)).rejects.toMatchObject({ code: 'CHAT_LOGIN_REFUSED' });
  await client.deleteAccount(words.first);
  await bringDown({ dir, timeoutMs: 10_000 });

  const files = await allFiles();
  const filesWith = (needle: Buffer): readonly string[] =>
    files.filter(({ bytes }) => bytes.includes(needle)).map(({ path }) => path);
  // What is there is found, in the log and in the snapshot.
  const text = filesWith(Buffer.from('what everybody may read'));
  expect(text.some((file) => file.endsWith('.seg'))).toBe(true);
  expect(text.some((file) => file.endsWith('.snapshot'))).toBe(true);
  const [, token = ''] = tokens;
  expect(filesWith(createHash('sha256').update(token).digest())).not.toEqual([]);

  for (const word of Object.values(words)) {
    for (const encoding of ['utf8', 'utf16le'] as const) expect(filesWith(Buffer.from(word, encoding))).toEqual([]);
    expect(filesWith(Buffer.from(Buffer.from(word).toString('base64').slice(0, 22)))).toEqual([]);
    expect(filesWith(createHash('sha256').update(word).digest())).toEqual([]);
  }
  for (const secret of tokens) {
    expect(filesWith(Buffer.from(secret))).toEqual([]);
    expect(filesWith(Buffer.from(secret, 'base64url'))).toEqual([]);
  }
}, 60_000);
