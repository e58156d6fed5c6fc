import { expect, onTestFinished, test } from 'vitest';
import { nodeConfig } from '../src/config.ts';
import { EventHub } from '../src/http/event-hub.ts';
import { messageBody, tailLines } from '../src/http/gms-documents.ts';
import { gmsRoutes } from '../src/http/gms-routes.ts';
import { createServer } from '../src/http/server.ts';
import { ManualClock, settle } from './support/manual-clock.ts';
import { recordingLogger } from './support/recording-logger.ts';

function message(sequence: number, payload: string | Uint8Array) {
  const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
  return messageBody({ sequence, view: 2, sender: 'ann#1', payload: bytes } as never, '#000000');
}

function open(given: Parameters<typeof nodeConfig.resolve>[0] = {}) {
  const config = nodeConfig.resolve(given);
  const clock = new ManualClock();
  const tail = new EventHub(clock, config, tailLines);
  const common = { host: '127.0.0.1', token: undefined, tls: undefined };
  const server = createServer({ ...common, config, clock, logger: recordingLogger() });
  gmsRoutes(server.app, {
    facts: {} as never,
    tail,
    tailClientsMax: config.eventClientsMax,
    multicastTimeoutMs: 1,
    crash: () => {},
  });
  onTestFinished(() => server.close(0));
  return { app: server.app, clock, tail };
}

test('deliveries come as lines, the documents of gms tail, until the node ends them', async () => {
  const { app, clock, tail } = open();
  const answering = app.inject({ method: 'GET', url: '/v1/gms/tail' });
  await settle();
  tail.publish(message(7, 'to all'));
  await clock.advance(60_000); // what other streams say meanwhile is no JSON
  tail.publish(message(8, new Uint8Array([254])));
  tail.close();
  const { statusCode, headers, payload } = await answering;
  expect([statusCode, headers['content-type']]).toEqual([200, 'application/x-ndjson; charset=utf-8']);
  expect(payload.split('\n').map((line) => (line === '' ? '' : (JSON.parse(line) as unknown)))).toEqual([
    { schema: 'grp.gms.tail/1', sequence: 7, view: 2, sender: 'ann#1', payload: 'to all' },
    { schema: 'grp.gms.tail/1', sequence: 8, view: 2, sender: 'ann#1', payloadBase64: '/g==' },
    '',
  ]);
});

test('who is too slow is told how much was missed, and who asks for what there is not, too', async () => {
  const { app, tail } = open({ eventBufferMax: 1, eventClientsMax: 1 });
  const lines: string[] = [];
  let room = 1;
  const write = (text: string): boolean => lines.push(text) > 0 && --room > 0;
  const reader = tail.subscribe({ write, end() {}, destroy() {} }, undefined);
  for (const sequence of [1, 2, 3, 4]) tail.publish(message(sequence, 'x'));
  room = 9;
  reader?.drained();
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { sequence: 1 },
    { schema: 'grp.gms.tail/1', type: 'dropped', count: 2 },
    { sequence: 4 },
  ]);
  expect((await app.inject({ method: 'GET', url: '/v1/gms/tail' })).statusCode).toBe(429);
  expect((await app.inject({ method: 'GET', url: '/v1/gms/tail?from=1' })).statusCode).toBe(400);
  expect((await app.inject({ method: 'POST', url: '/v1/gms/tail', payload: {} })).statusCode).toBe(405);
});
