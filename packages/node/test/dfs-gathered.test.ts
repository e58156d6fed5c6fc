import { expect, test } from 'vitest';
import { fileApi } from './support/file-api.ts';

const headers = { 'content-type': 'application/octet-stream' };

test.each([
  ['nothing', 0, true],
  ['1 MiB', 1_048_576, true],
  ['a byte more', 1_048_577, false],
] as const)('%s, said to be so long: taken in whole is %s, %s', async (_what, length, isWhole) => {
  const { app, state } = fileApi();
  state.answer = { kind: 'done' };
  const payload = Buffer.alloc(length, 'x');
  const answer = await app.inject({ method: 'PUT', url: '/v1/dfs/files/a', headers, payload });
  expect(answer.statusCode).toBe(201);
  expect(state.puts).toMatchObject([{ name: 'a' }]);
  expect(state.puts[0]?.bytes.equals(payload)).toBe(true);
  expect(state.puts[0]?.content instanceof Uint8Array).toBe(isWhole);
});

test('of what turns out to have another digest nothing is put, also when it is taken in whole', async () => {
  const { app, state } = fileApi();
  state.answer = { kind: 'done' };
  const wrong = { ...headers, 'grp-sha256': '0'.repeat(64) };
  const answer = await app.inject({ method: 'PUT', url: '/v1/dfs/files/a', headers: wrong, payload: 'bytes' });
  expect([answer.statusCode, answer.json<{ error: { code: string } }>().error.code]).toEqual([
    400,
    'DFS_REQUEST_INVALID',
  ]);
  expect(state.puts).toEqual([]);
});
