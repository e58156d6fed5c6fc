import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { patienceOf } from '../src/http/patience.ts';
import { fileApi } from './support/file-api.ts';
import { ManualClock, settle } from './support/manual-clock.ts';

const file = '/v1/dfs/files/a';

test.each([
  ['put', { method: 'PUT', url: file, payload: 'bytes' }],
  ['rm', { method: 'DELETE', url: file }],
  ['get', { method: 'GET', url: file }],
  ['stat', { method: 'GET', url: '/v1/dfs/stat?name=a' }],
  ['versions', { method: 'GET', url: '/v1/dfs/versions?name=a' }],
  ['ls', { method: 'GET', url: '/v1/dfs/ls' }],
  ['repair --status', { method: 'GET', url: '/v1/dfs/repair' }],
] as const)('%s: whoever says how long it waits hears in time why nothing comes', async (_what, request) => {
  const { app, clock, state } = fileApi();
  const headers = { 'grp-timeout-ms': '2000', 'content-type': 'application/octet-stream' };
  for (const [leader, status, code] of [
    [undefined, 503, 'DFS_META_NO_QUORUM'],
    ['n1', 504, 'DFS_META_UNREACHABLE'],
  ] as const) {
    state.leader = leader;
    const answering = app.inject({ ...request, headers });
    const isAnswered = answering.then(() => true);
    await settle();
    await clock.advance(1_790);
    expect(await Promise.race([isAnswered, settle().then(() => false)])).toBe(false);
    await clock.advance(10);
    const answer = await answering;
    expect({ status: answer.statusCode, body: answer.json<object>() }).toMatchObject({
      status,
      body: { error: { code } },
    });
  }
});

test('no patience is no number', async () => {
  const { app } = fileApi();
  for (const text of ['0', '-1', '1.5', 'soon', '9999999999', '']) {
    const answer = await app.inject({ method: 'GET', url: '/v1/dfs/ls', headers: { 'grp-timeout-ms': text } });
    expect([text, answer.statusCode]).toEqual([text, 400]);
  }
});

/** The patience with a request whose socket is in our hands. */
function begin(headers: Record<string, string>) {
  const clock = new ManualClock();
  const socket = { bytesRead: 100, bytesWritten: 0 };
  const raw = Object.assign(new EventEmitter(), { writableFinished: false });
  const patience = patienceOf({ headers, raw: { socket } } as never, { raw } as never, clock);
  return { clock, socket, raw, patience };
}

test('as long as bytes pass, in either direction, nobody loses patience', async () => {
  const { clock, socket, patience } = begin({ 'grp-timeout-ms': '1000' });
  for (const direction of ['bytesRead', 'bytesWritten', 'bytesRead'] as const) {
    await clock.advance(800);
    socket[direction]++;
    await clock.advance(100); // seen
  }
  await clock.advance(790);
  expect([patience.ranOut(), patience.signal.aborted]).toEqual([false, false]);
  await clock.advance(110);
  expect([patience.ranOut(), patience.signal.aborted]).toEqual([true, true]);
});

test('a client that hangs up has not run out of patience, and leaves no timer; neither does an answer that began', async () => {
  const { clock, raw, patience } = begin({ 'grp-timeout-ms': '1000' });
  raw.emit('close');
  expect([patience.ranOut(), patience.signal.aborted, clock.pendingCount]).toEqual([false, true, 0]);
  const begun = begin({ 'grp-timeout-ms': '1000' });
  begun.patience.end();
  expect([begun.patience.signal.aborted, begun.clock.pendingCount]).toEqual([false, 0]);
  expect(begin({}).clock.pendingCount).toBe(0);
});
