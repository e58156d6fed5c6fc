import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { startGrp } from './support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'grp-cut-'));
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

/** The URL of a node that begins and never ends. */
async function stalling(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handle);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A file of so many zeros, which nothing reads to its end. */
function source(name: string, bytes: number): string {
  const file = join(mkdtempSync(join(folder, 'src-')), name);
  writeFileSync(file, Buffer.alloc(bytes));
  return file;
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('a put that %s cuts short exits %i, and the node hears no end of its bytes', async (signal, code) => {
  const begun = Promise.withResolvers<IncomingMessage>();
  const over = Promise.withResolvers<{ readonly whole: boolean }>();
  const node = await stalling((request) => {
    request.once('data', () => {
      request.pause(); // more than the buffers between hold can then not be sent
      begun.resolve(request);
    });
    request.once('close', () => over.resolve({ whole: request.complete }));
    request.on('error', () => {});
  });
  const put = startGrp(['dfs', 'put', source('big', 33_554_432), 'big', '--json', '--node', node]);
  const request = await begun.promise;
  put.child.kill(signal);
  expect({ code: await put.ended, document: JSON.parse(put.stdout()) as object }).toEqual({
    code,
    document: {
      error: {
        code: 'CLI_INTERRUPTED',
        message: `Interrupted by ${signal}: nothing was put.`,
        hint: expect.any(String),
      },
    },
  });
  request.resume(); // a connection that nobody reads from is not seen to end
  expect(await over.promise).toEqual({ whole: false });
});

test('a put whose bytes are all sent does not claim that nothing was put', async () => {
  const begun = Promise.withResolvers<void>();
  const node = await stalling((request) => request.resume().once('end', () => begun.resolve()));
  const put = startGrp(['dfs', 'put', source('small', 10), 'a/small', '--node', node]);
  await begun.promise;
  put.child.kill('SIGINT');
  expect({ code: await put.ended, stdout: put.stdout() }).toEqual({ code: 130, stdout: '' });
  expect(put.stderr()).toMatch(/had not answered[^]*dfs stat a\/small/);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('a get that %s cuts short exits %i, and leaves what was there', async (signal, code) => {
  const node = await stalling((_request, response) => {
    response.writeHead(200, { 'content-length': '1000000', 'grp-version': '1', etag: `"${'0'.repeat(64)}"` });
    response.write(Buffer.alloc(1_000));
  });
  const at = mkdtempSync(join(folder, 'get-'));
  writeFileSync(join(at, 'b'), 'old');
  const get = startGrp(['dfs', 'get', 'a/b', at, '--node', node]);
  await expect.poll(() => readdirSync(at).length, { timeout: 20_000 }).toBe(2);
  get.child.kill(signal);
  expect({ code: await get.ended, stdout: get.stdout() }).toEqual({ code, stdout: '' });
  expect(get.stderr()).toContain('nothing was saved');
  expect([readdirSync(at), readFileSync(join(at, 'b'), 'utf8')]).toEqual([['b'], 'old']);
});

test('cat ends by the signal itself, also while its reader does not read', async () => {
  const node = await stalling((_request, response) => {
    response.writeHead(200, { 'content-length': '1000000', 'grp-version': '1', etag: `"${'0'.repeat(64)}"` });
    response.write('first\n');
  });
  const cat = startGrp(['dfs', 'cat', 'a', '--node', node]);
  await cat.line(/^first$/);
  cat.child.kill('SIGINT');
  expect(await cat.ended).toBe('SIGINT');
});
