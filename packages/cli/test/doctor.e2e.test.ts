import { createSocket, type Socket } from 'node:dgram';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { checkPeer } from '../src/doctor/peer.ts';
import { checkSkew } from '../src/doctor/skew.ts';

const open: (Server | Socket)[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** A host whose clock is wrong by so much, as its HTTP API shows; returns the port of a swim that would be below it. */
async function hostWithClock(aheadMs: number): Promise<number> {
  const server = createServer((_, answer) => {
    answer.sendDate = false;
    answer.setHeader('date', new Date(Date.now() + aheadMs).toUTCString());
    answer.end();
  });
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port - 7;
}

test.each([
  [0, 'ok', /agrees/],
  [60_000, 'warning', /ahead of ours by (59|60) s/],
  [-60_000, 'warning', /behind ours by (59|60) s/],
])('a clock that is %i ms ahead: %s', async (aheadMs, status, message) => {
  const finding = await checkSkew('127.0.0.1', await hostWithClock(aheadMs), 5_000);
  expect(finding.status).toBe(status);
  expect(finding.message).toMatch(message);
});

test('without HTTP clocks are not compared', async () => {
  expect(await checkSkew('127.0.0.1', 1, 2_000)).toMatchObject({
    status: 'ok',
    message: expect.stringContaining('not'),
  });
});

test('a path that carries short datagrams alone is found', async () => {
  const socket = createSocket('udp4');
  open.push(socket);
  socket.on('message', (bytes, { port }) => {
    if (bytes.length < 1_000) socket.send('pong', port, '127.0.0.1');
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const findings = await checkPeer(`127.0.0.1:${socket.address().port}`, 500);
  expect(findings.find(({ check }) => check === 'peer-udp')).toMatchObject({
    status: 'warning',
    message: expect.stringContaining('1400 bytes was not'),
    fix: expect.stringContaining('MTU'),
  });
});
