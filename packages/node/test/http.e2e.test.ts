import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Address } from '@grp/core';
import { openNetwork } from '@grp/transport-udp';
import { expect, onTestFinished, test } from 'vitest';
import type { Node } from '../src/node.ts';
import { testCertificate, testKey } from './support/certificate.ts';
import { openBareNode } from './support/bare-nodes.ts';
import { get, openEvents } from './support/http-client.ts';
import { recordingLogger } from './support/recording-logger.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const soon = { timeout: 15_000, interval: 20 };

test('the event stream ends in order when the node stops', async () => {
  const node = await openBareNode({ name: 'ann' });
  await node.start();
  const stream = await openEvents(node);
  expect([stream.statusCode, stream.headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
  const text = readAll(stream);
  node.fake.emit({ type: 'fault', code: 'X', message: 'first' });
  await node.stop();
  const events = (await text).match(/^data: .*$/gm)?.map((line) => JSON.parse(line.slice(6)));
  expect(events?.map(({ noun, type }) => `${noun} ${type}`)).toEqual(['swim fault', 'node stopping']);
});

test('a client that does not read loses events, is told so, and costs bounded memory', async () => {
  const node = await openBareNode({ config: { eventBufferMax: 50 } });
  await node.start();
  const stream = await openEvents(node, '?kinds=user-event');
  stream.pause();
  const payload = new Uint8Array(480).fill(120);
  // Socket buffers of the system take the first few megabytes.
  await expect
    .poll(async () => {
      for (let n = 0; n < 2_000; n++)
        node.fake.emit({ type: 'user-event', name: 'load', payload, time: n, coalesce: false });
      return Number(
        /grp_node_events_dropped_total (\d+)/.exec(await (await fetch(`${node.http}/metrics`)).text())?.[1],
      );
    }, soon)
    .toBeGreaterThan(0);
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  stream.resume();
  await expect.poll(() => /"type":"dropped","count":\d+/.test(text), soon).toBe(true);
  expect((await get(node, '/livez')).status).toBe(200);
});

test('a client that hangs up gives its place free', async () => {
  const node = await openBareNode({ config: { eventClientsMax: 1 } });
  const stream = await openEvents(node);
  expect((await get(node, '/v1/events')).status).toBe(429);
  stream.destroy();
  await expect
    .poll(async () => (await fetch(`${node.http}/metrics`)).text(), soon)
    .toContain('grp_node_event_streams 0');
});

test.each([
  ['what is no HTTP', 'hello\r\n\r\n', /^HTTP\/1\.1 400 .*\{"error":\{"code":"NODE_REQUEST_INVALID"/s],
  ['HTTP/1.0 without a Host', 'GET /livez HTTP/1.0\r\n\r\n', /^HTTP\/1\.\d 403 .*NODE_HOST_REFUSED/s],
  [
    'another Host',
    'GET /livez HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
    /^HTTP\/1\.1 403 .*NODE_HOST_REFUSED/s,
  ],
  [
    'a header without end',
    `GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(70_000)}`,
    /^HTTP\/1\.1 431 .*NODE_REQUEST_INVALID/s,
  ],
])('%s gets one answer in our form and the end of the connection', async (_, bytes, expected) => {
  const node = await openBareNode();
  const socket = connect(Number(new URL(node.http).port), '127.0.0.1');
  socket.write(bytes);
  expect(await readAll(socket)).toMatch(expected);
});

test('a client that never finishes its request does not keep the node from stopping', async () => {
  const node = await openBareNode();
  const socket = connect(Number(new URL(node.http).port), '127.0.0.1');
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(
    'POST /v1/node/stop HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
  );
  await get(node, '/livez');
  const begun = performance.now();
  await node.stop();
  expect(performance.now() - begun).toBeLessThan(5_000);
});

test('a client that is too slow with its request is cut off', async () => {
  const node = await openBareNode({ config: { requestTimeoutMs: 200 } });
  const socket = connect(Number(new URL(node.http).port), '127.0.0.1');
  socket.write('GET /livez HTTP/1.1\r\nHost: local');
  expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 408 .*NODE_REQUEST_INVALID/s);
});

test('one connection too many is closed, and the others go on', async () => {
  const node = await openBareNode({ config: { connectionsMax: 4 } });
  const streams = await Promise.all(Array.from({ length: 4 }, () => openEvents(node)));
  const socket = connect(Number(new URL(node.http).port), '127.0.0.1');
  socket.on('error', () => {});
  socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n');
  expect(await readAll(socket).catch(() => '')).toBe('');
  streams[0]?.destroy();
  await expect.poll(async () => (await get(node, '/livez').catch(() => undefined))?.status, soon).toBe(200);
});

test('HTTP beyond this host without TLS is warned of', async () => {
  const tokenFile = join(await temporaryFolder(), 'token');
  await writeFile(tokenFile, 'a-token-of-decent-length\n', { mode: 0o600 });
  const [open, local] = [recordingLogger(), recordingLogger()];
  await openBareNode({ http: '0.0.0.0:0', tokenFile, logger: open });
  await openBareNode({ logger: local });
  expect(open.events()).toEqual(['node.listening', 'node.http-plain']);
  expect(local.events()).toEqual(['node.listening']);
});

test.each([
  [
    { type: 'conflict', name: 'ann', address: '10.0.0.1:1' as Address },
    { code: 'SWIM_NAME_TAKEN', kind: 'conflict' },
  ],
  [
    { type: 'fault', code: 'SWIM_BUG', message: 'invariant broken\n  at x' },
    { code: 'NODE_FAILED', kind: 'failure' },
  ],
] as const)('swim that ends by itself, %j, ends the node', async (event, cause) => {
  const node = await openBareNode();
  await node.start();
  const stopped = new Promise((resolve) => node.onStopped(resolve));
  node.fake.emit(event);
  expect(await stopped).toMatchObject(cause);
  expect(node.status().state).toBe('stopped');
});

test('TLS and a token where HTTP is reachable from elsewhere', async () => {
  const folder = await temporaryFolder();
  const [tlsCert, tlsKey, tokenFile] = ['cert', 'key', 'token'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(tlsCert, testCertificate);
  await writeFile(tlsKey, testKey);
  await writeFile(tokenFile, 'a-token-of-decent-length\n');
  for (const file of [tlsKey, tokenFile]) await chmod(file, 0o600);
  const node = await openBareNode({ http: '0.0.0.0:0', tlsCert, tlsKey, tokenFile });
  expect(node.http).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  expect((await askTls(node, '/v1/node/status', {})).status).toBe(401);
  expect((await askTls(node, '/livez', {})).status).toBe(200);
  const opened = await askTls(node, '/v1/node/status', { authorization: 'Bearer a-token-of-decent-length' });
  expect([opened.status, JSON.parse(opened.text)]).toEqual([200, expect.objectContaining({ http: node.http })]);
});

test('an authority for clients refuses those without a certificate', async () => {
  const folder = await temporaryFolder();
  const [tlsCert, tlsKey] = ['cert', 'key'].map((name) => join(folder, name)) as [string, string];
  await writeFile(tlsCert, testCertificate);
  await writeFile(tlsKey, testKey);
  const node = await openBareNode({ tlsCert, tlsKey, tlsCa: tlsCert });
  await expect(askTls(node, '/livez', {})).rejects.toThrow(/certificate|ECONNRESET|socket/);
  expect((await askTls(node, '/livez', {}, { cert: testCertificate, key: testKey })).status).toBe(200);
});

test('a taken port is a conflict, names itself, and leaves nothing open', async () => {
  const first = await openBareNode();
  const { ports } = first.status();
  const dataDir = await temporaryFolder();
  const http = `127.0.0.1:${ports.http}`;
  const network = await openNetwork({ bind: '127.0.0.1:0' });
  const bind = network.bound;
  await network.close();
  const refusal = { code: 'NODE_PORT_IN_USE', kind: 'conflict', message: expect.stringContaining(http) };
  await expect(openBareNode({ bind, http, dataDir })).rejects.toMatchObject(refusal);
  await expect(openBareNode({ bind: `127.0.0.1:${ports.swim}`, http: '127.0.0.1:0', dataDir })).rejects.toMatchObject({
    code: 'NETWORK_PORT_IN_USE',
  });
  const second = await openBareNode({ bind, dataDir, http: '127.0.0.1:0' });
  expect(second.status().ports.swim).toBe(Number(bind.split(':')[1]));
});

test('an address of another host is told as such', async () => {
  const tokenFile = join(await temporaryFolder(), 'token');
  await writeFile(tokenFile, 'a-token-of-decent-length\n', { mode: 0o600 });
  await expect(openBareNode({ bind: '127.0.0.1:0', http: '192.0.2.1:0', tokenFile })).rejects.toMatchObject({
    code: 'NODE_ADDRESS_UNUSABLE',
    kind: 'usage',
  });
});

test('HTTP over IPv6', async () => {
  const node = await openBareNode({ http: '[::1]:0' });
  expect(node.http).toMatch(/^http:\/\/\[::1\]:\d+$/);
  expect((await get(node, '/livez')).status).toBe(200);
});

async function readAll(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

function askTls(
  node: Node,
  path: string,
  headers: Record<string, string>,
  client: { cert?: string; key?: string } = {},
) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const asked = request(node.http + path, { headers, ca: testCertificate, agent: false, ...client }, (answer) => {
      readAll(answer).then((text) => resolve({ status: answer.statusCode ?? 0, text }), reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}
