import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { peerListener } from '../src/console/listen-to-peer.ts';

async function listened(answer: RequestListener, token?: string) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const told: string[] = [];
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cancel = peerListener(undefined)(
    { url, token },
    {
      opened: () => told.push('opened'),
      event: (json) => told.push(json),
      closed: () => told.push('closed'),
    },
  );
  onTestFinished(cancel);
  return { told, cancel };
}

test('events come whole, whatever the pieces, and the end is told once', async () => {
  const { told } = await listened((request, response) => {
    expect([request.url, request.headers.authorization]).toEqual(['/v1/events', 'Bearer secret']);
    response.write(': open\nretry: 1000\n\ndata: {"a"');
    setImmediate(() => response.end(':1}\n\n: ping\n\ndata: {"b":2}\n\ndata: never whole'));
  }, 'secret');
  await expect.poll(() => told).toEqual(['opened', '{"a":1}', '{"b":2}', 'closed']);
});

test('a refusal is no stream, and a line without an end is the end', async () => {
  const refused = await listened((_request, response) => response.writeHead(401).end());
  await expect.poll(() => refused.told).toEqual(['closed']);
  const endless = await listened((_request, response) => {
    for (let piece = 0; piece < 20; piece++) response.write('x'.repeat(20_000));
  });
  await expect.poll(() => endless.told).toEqual(['opened', 'closed']);
});

test('after a cancel nothing is told any more', async () => {
  const { told, cancel } = await listened((_request, response) => response.write('data: 1\n\n'));
  await expect.poll(() => told).toEqual(['opened', '1']);
  cancel();
  const other = await listened((_request, response) => response.end());
  await expect.poll(() => other.told).toEqual(['opened', 'closed']);
  expect(told).toEqual(['opened', '1']);
});
