import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChatClient, ChatMessage } from '@grp/chat';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NodeClient } from '../src/client/http-client.ts';
import { killNode, restartNode } from '../src/cluster/control.ts';
import { killClusterNow } from '../src/cluster/down.ts';
import { untilLed } from '../src/cluster/lists.ts';
import { readState } from '../src/cluster/state.ts';
import type { RaftStatusDocument } from '../src/raft/documents.ts';
import { chatClient, judge, write } from '../src/demo/chat-record.ts';
import { grpWith } from './support/grp-with.ts';
import { runGrp, startGrp } from './support/process.ts';

const dir = mkdtempSync(join(tmpdir(), 'grp-chat-'));
const here = ['--dir', dir];
const ids = ['n1', 'n2', 'n3', 'n4', 'n5'];
const password = 'password of ann';
const patience = { timeout: 60_000, interval: 200 };

async function statusOf(node: string): Promise<RaftStatusDocument> {
  const http = (await readState(dir))?.nodes.find(({ id }) => id === node)?.http ?? '';
  return NodeClient.local(http, 5_000).get<RaftStatusDocument>('/v1/raft/status');
}

/** All nodes of the state that run, and who leads them. */
async function led(nodes: readonly string[] = ids): Promise<string> {
  const state = await readState(dir);
  const targets = (state?.nodes ?? []).filter(({ id }) => nodes.includes(id));
  return untilLed(
    targets.map(({ id, http, roles }) => ({ name: id, http, roles })),
    { timeoutMs: 60_000 },
  );
}

/** What one server has in its own copy. */
async function localHistory(node: string, room: string): Promise<readonly ChatMessage[]> {
  const one = await chatClient(dir, client.token, [node]);
  try {
    return await one.history(room, { local: true });
  } finally {
    one.close();
  }
}

/** Every server's own copy of a room is the same. */
async function untilEqual(room: string): Promise<void> {
  const copies = async () =>
    new Set((await Promise.all(ids.map((id) => localHistory(id, room)))).map((copy) => JSON.stringify(copy)));
  await expect.poll(async () => (await copies()).size, patience).toBe(1);
}

let client: ChatClient;

beforeAll(async () => {
  const up = await runGrp('cluster', 'up', '-n', '5', '--role', 'chat', '--base-port', '0', '--detach', ...here);
  if (up.code !== 0) throw new Error(`cluster up: ${JSON.stringify(up)}`);
  client = await chatClient(dir);
}, 120_000);
afterAll(() => {
  client?.close();
  killClusterNow(dir);
});

describe('a chat of five processes', () => {
  test('people register, log in, talk and read, by the command line', async () => {
    expect(await grpWith(`${password}\n`, 'chat', 'register', 'ann', '--password-stdin', ...here)).toMatchObject({
      code: 0,
      document: { schema: 'grp.chat.register/1', name: 'ann' },
    });
    expect((await grpWith(`${password}\n`, 'chat', 'register', 'Ann', '--password-stdin', ...here)).code).toBe(6);
    expect((await grpWith('a wrong password\n', 'chat', 'login', 'ann', '--password-stdin', ...here)).code).toBe(4);
    expect((await grpWith(`${password}\n`, 'chat', 'login', 'ann', '--password-stdin', ...here)).code).toBe(0);
    const sent = await grpWith('one\ntwo\n', 'chat', 'send', 'general', '-', ...here);
    expect(sent).toMatchObject({ code: 0, document: { text: 'two', sequence: 2, count: 2 } });
    expect((await runGrp('chat', 'history', 'general', ...here)).documents[0]).toMatchObject({
      schema: 'grp.chat.history/1',
      messages: [
        {
          id: expect.any(String),
          room: 'general',
          from: 'ann',
          text: 'one',
          at: expect.any(String),
          index: expect.any(Number),
        },
        { text: 'two' },
      ],
    });
    expect((await runGrp('chat', 'rooms', ...here)).documents[0]).toMatchObject({ rooms: [{ name: 'general' }] });
    expect((await runGrp('chat', 'users', 'a*', ...here)).documents[0]).toMatchObject({ users: ['ann'] });
    await client.login('ann', password);
  });

  test('every server gives the same documents over HTTP, to whoever is logged in', async () => {
    const [history] = (await runGrp('chat', 'history', 'general', ...here)).documents;
    for (const { http } of (await readState(dir))?.nodes ?? []) {
      const get = async (what: string, headers = { 'grp-chat-token': client.token ?? '' }): Promise<unknown> =>
        (await fetch(`${http}/v1/chat/${what}`, { headers })).json();
      expect(await get('history?room=general')).toEqual({ ...history, more: false });
      expect(await get('users?pattern=a*')).toMatchObject({ users: ['ann'] });
      expect(await get('rooms', { 'grp-chat-token': 'x' })).toMatchObject({ error: { code: 'CHAT_NOT_LOGGED_IN' } });
    }
  });

  test('a watcher has what was said before and what is said next', async () => {
    const watcher = startGrp(['chat', 'watch', 'general', '--after', '0', '--count', '3', '--json', ...here]);
    await watcher.line(/"text":"two"/);
    expect((await runGrp('chat', 'send', 'general', 'three', ...here)).code).toBe(0);
    expect(await watcher.ended).toBe(0);
    const rows = watcher
      .stdout()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly text: string });
    expect(rows.map(({ text }) => text)).toEqual(['one', 'two', 'three']);
  });

  test('status tells who leads and who votes, and leadership can be handed over', async () => {
    const leader = await led();
    const status = (await runGrp('raft', 'status', '--node', leader, ...here))
      .documents[0] as unknown as RaftStatusDocument;
    expect(status).toMatchObject({
      schema: 'grp.raft.status/1',
      id: leader,
      role: 'leader',
      leader,
      voters: ids,
      learners: [],
    });
    expect(status.appliedIndex).toBeLessThanOrEqual(status.commitIndex);
    const [heir] = ids.filter((id) => id !== leader) as [string];
    expect((await runGrp('raft', 'transfer', heir, ...here)).code).toBe(0);
    // Neither the heir nor the greatest, to whom leadership goes back.
    const follower = ids.find((id) => ![leader, heir, 'n5'].includes(id)) as string;
    expect((await runGrp('raft', 'transfer', heir, '--node', follower, ...here)).code).toBe(6);
  });

  test('two servers, the leader among them, die while ten people write: nothing acknowledged is lost or doubled', async () => {
    const ended = new AbortController();
    const seen: { readonly text: string; readonly sequence: number }[] = [];
    const watching = (async () => {
      for await (const message of client.watch('storm', { signal: ended.signal })) seen.push(message);
    })();
    const stop = new AbortController();
    const clients = await Promise.all(Array.from({ length: 10 }, () => chatClient(dir, client.token)));
    const writing = clients.map((one, index) => write(one, 'storm', `w${index}`, stop.signal));
    await sleep(2_000);
    const leader = await led();
    const dead = [leader, ids.find((id) => id !== leader) as string];
    await Promise.all(dead.map((id) => killNode(dir, id)));
    await sleep(4_000);
    for (const id of dead) await restartNode(dir, id, { empty: false, timeoutMs: 60_000 });
    await sleep(4_000);
    stop.abort();
    const writers = await Promise.all(writing);
    for (const one of clients) one.close();
    expect(writers.flatMap(({ failed }) => failed)).toEqual([]);
    const count = writers.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
    expect(count).toBeGreaterThan(50);
    const history = await client.history('storm');
    expect(judge(history, writers)).toEqual([]);
    await expect.poll(() => seen.length, patience).toBe(history.length);
    expect(judge(seen, writers)).toEqual([]);
    ended.abort();
    await watching;
    await untilEqual('storm');
    const [log, ...entries] = (await runGrp('raft', 'log', '--node', leader, '--limit', '5', ...here)).documents;
    expect(log).toMatchObject({ schema: 'grp.raft.log/1', group: 'chat', damage: null });
    expect(entries).toHaveLength(5);
    expect(entries.at(-1)).toMatchObject({ schema: 'grp.raft.entry/1', index: log?.['lastIndex'] });
  });

  test('a minority refuses to write and to read, and says why; the majority goes on; afterwards all are equal', async () => {
    expect((await runGrp('cluster', 'partition', 'n1,n2/n3,n4,n5', ...here)).code).toBe(0);
    await led(['n3', 'n4', 'n5']);
    await expect
      .poll(async () => [(await statusOf('n1')).leader, (await statusOf('n2')).leader], patience)
      .toEqual([null, null]);
    const refused = await runGrp('chat', 'send', 'general', 'nobody hears', '--node', 'n1', '--timeout', '2s', ...here);
    expect(refused).toMatchObject({
      code: 7,
      documents: [{ error: { code: 'CHAT_NO_QUORUM', hint: expect.stringMatching(/majority/) } }],
    });
    expect((await runGrp('chat', 'history', 'general', '--node', 'n2', '--timeout', '2s', ...here)).code).toBe(7);
    expect((await runGrp('chat', 'history', 'general', '--local', '--node', 'n2', ...here)).code).toBe(0);
    expect((await runGrp('chat', 'send', 'general', 'we go on', '--node', 'n4', ...here)).code).toBe(0);
    expect((await runGrp('cluster', 'heal', ...here)).code).toBe(0);
    await led();
    await untilEqual('general');
    expect(JSON.stringify(await localHistory('n1', 'general'))).toContain('we go on');
    expect(JSON.stringify(await localHistory('n1', 'general'))).not.toContain('nobody hears');
  });

  test('a server whose disk was emptied is a new one: removed, added, promoted, and whole again', async () => {
    expect((await runGrp('cluster', 'restart', 'n2', '--empty', ...here)).code).toBe(0);
    const { id, leader } = await statusOf('n2');
    expect(id).toMatch(/^n2\.[0-9a-f]{8}$/);
    expect(leader).toBeNull();
    expect((await runGrp('raft', 'remove', 'n2', ...here)).code).toBe(0);
    expect((await runGrp('raft', 'add', 'n2', ...here)).documents[0]).toMatchObject({ learners: [id] });
    await expect.poll(async () => (await runGrp('raft', 'promote', id, ...here)).code, patience).toBe(0);
    expect((await statusOf(await led())).voters).toContain(id);
    await untilEqual('storm');
  });
});
