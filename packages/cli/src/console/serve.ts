import { readFile, readdir } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { tryParseAddress } from '@grp/core';
import { cliError } from '../errors.ts';

/** A page that is served on this machine alone. */
export interface ServedPage {
  readonly url: string;
  close(): Promise<void>;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const headers = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Serves the files of a folder on loopback, read once: no request becomes a path. @throws GrpError CLI_IO */
export async function servePage(folder: string, port = 0): Promise<ServedPage> {
  const files = await readPage(folder);
  const server = createServer((request, response) => answer(files, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(cliError('CLI_IO', { context: { what: cause.message }, cause })));
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Files = ReadonlyMap<string, { readonly type: string; readonly bytes: Buffer }>;

async function readPage(folder: string): Promise<Files> {
  const files = new Map<string, { type: string; bytes: Buffer }>();
  for (const name of ['index.html', ...(await readdir(join(folder, 'assets'))).map((file) => `assets/${file}`)]) {
    const type = types[extname(name)];
    if (type !== undefined) files.set(`/${name}`, { type, bytes: await readFile(join(folder, name)) });
  }
  return files;
}

function answer(files: Files, { method, url = '/', headers: given }: IncomingMessage, response: ServerResponse): void {
  const host = given.host === undefined ? undefined : tryParseAddress(given.host, 80)?.host.toLowerCase();
  // Another name that leads here is a web page's trick: DNS rebinding.
  if (host !== '127.0.0.1' && host !== 'localhost') return refuse(response, 403);
  if (method !== 'GET' && method !== 'HEAD') return refuse(response, 405);
  const path = url.split('?', 1)[0];
  const file = files.get(path === '/' ? '/index.html' : (path ?? ''));
  if (file === undefined) return refuse(response, 404);
  response.writeHead(200, { ...headers, 'content-type': file.type, 'content-length': file.bytes.length });
  response.end(method === 'HEAD' ? undefined : file.bytes);
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { ...headers, 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify({ error: { code: 'LAB_PAGE', message: `There is nothing here (${status}).` } }));
}
