// Five chat servers on hosts of their own (network namespaces), split 2|3 by the firewall, and cut one way: the two refuse to
// write and say why (exit code 7), reads are linearizable or refused, the three go on, and after healing all are equal.
// `npm run soak -- chat-partition [--rounds N] [--seconds N]`. Needs root, `ip` and `nft`.
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { ChildProcess } from 'node:child_process';
import type { ChatMessage } from '@grp/chat';
import { Hosts } from '../test/support/namespaces.ts';
import { judgeRoom, type RoomOperation } from '../test/support/room-history.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '4' }, seconds: { type: 'string', default: '10' } },
});
const entry = new URL('../bin/dev.ts', import.meta.url).pathname;
const user = new URL('../test/support/room-user.ts', import.meta.url).pathname;
const hosts = new Hosts('grp-chat', 5);
const dir = mkdtempSync(join(tmpdir(), 'grp-chat-partition-'));
const config = join(dir, 'cluster_config.json');
const room = 'storm';
const password = 'password of ann';
const servers: ChildProcess[] = [];
const users: { readonly child: ChildProcess; readonly told: Promise<string> }[] = [];
const problems: string[] = [];
const figures: Record<string, number> = { refusals: 0, sends: 0, reads: 0 };

const names = hosts.numbers.map((host) => `s${host}`);
writeFileSync(
  config,
  JSON.stringify({
    servers: Object.fromEntries(hosts.numbers.map((host) => [`s${host}`, `${hosts.addressOf(host)}:8001`])),
  }),
);
try {
  hosts.layOut();
  for (const host of hosts.numbers) startServer(host);
  await untilDone('an account', 60_000, async () => (await grp(3, ['register', 'ann'], password)).code === 0);
  for (const host of hosts.numbers)
    if ((await grp(host, ['login', 'ann'], password)).code !== 0) problems.push(`h${host} could not log in`);
  for (const host of hosts.numbers) startUser(host);
  await sleep(3_000);
  for (let round = 1; round <= Number(values.rounds); round++) await disturb(round);
  const operations = await endUsers();
  for (const { f } of operations) figures[`${f}s`] = (figures[`${f}s`] ?? 0) + 1;
  const copies = await untilEqual();
  problems.push(...judgeRoom(copies, operations));
  figures['messages'] = copies.length;
} catch (cause) {
  problems.push(String(cause instanceof Error ? cause.stack : cause));
} finally {
  for (const { child } of users) child.kill('SIGKILL');
  for (const server of servers) server.kill('SIGTERM');
  await sleep(1_500);
  for (const server of servers) server.kill('SIGKILL');
  hosts.tearDown();
}
const document = { schema: 'grp.soak.chat-partition/1', rounds: Number(values.rounds), ...figures };
console.log(JSON.stringify({ ...document, problems: problems.slice(0, 20), problemCount: problems.length }));
if (problems.length === 0) rmSync(dir, { recursive: true, force: true });
else console.error(`Logs and data: ${dir}`);
process.exitCode = problems.length === 0 ? 0 : 8;

/** Two servers on one side, three on the other; every other round the cut is one-way, out of the leader. */
async function disturb(round: number): Promise<void> {
  const first = 1 + (round % 5);
  const minority = [first, (first % 5) + 1];
  const majority = hosts.numbers.filter((host) => !minority.includes(host));
  const before = await lengthSeenBy(majority[0] as number);
  if (round % 4 === 0) for (const to of hosts.numbers.filter((host) => host !== 5)) hosts.cut(5, to);
  else {
    hosts.split(minority, majority);
    await sleep(3_000);
    await expectRefusals(round, minority[0] as number);
    await expectOneWrite(round, majority[0] as number);
  }
  await sleep(Number(values.seconds) * 1_000);
  const after = await lengthSeenBy(majority[0] as number);
  if (after <= before) problems.push(`round ${round}: the majority did not go on`);
  hosts.heal();
  const began = performance.now();
  await expectOneWrite(round, minority[0] as number);
  figures['healMsMax'] = Math.max(figures['healMsMax'] ?? 0, Math.round(performance.now() - began));
  console.error(
    `round ${round}: ${after - before} messages while ${minority.map((host) => `h${host}`).join(' and ')} were cut off`,
  );
  await sleep(2_000);
}

async function expectRefusals(round: number, host: number): Promise<void> {
  const sent = await grp(host, ['send', room, `nobody hears ${round}`, '--timeout', '2s']);
  const error = sent.document['error'] as { readonly code?: string; readonly hint?: string } | undefined;
  if (sent.code !== 7 || error?.code !== 'CHAT_NO_QUORUM' || !/majority/.test(error.hint ?? ''))
    problems.push(`round ${round}: a write on h${host} gave ${sent.code} ${JSON.stringify(sent.document)}`);
  const read = await grp(host, ['history', room, '--timeout', '2s']);
  if (read.code !== 7) problems.push(`round ${round}: a read on h${host} gave ${read.code}`);
  const local = await grp(host, ['history', room, '--local', '--timeout', '2s']);
  if (local.code !== 0) problems.push(`round ${round}: a local read on h${host} gave ${local.code}`);
  figures['refusals'] = (figures['refusals'] ?? 0) + 2;
}

async function expectOneWrite(round: number, host: number): Promise<void> {
  const { code, document: answer } = await grp(host, ['send', 'other', `we go on ${round}`, '--timeout', '20s']);
  if (code !== 0) problems.push(`round ${round}: a write on h${host} gave ${code} ${JSON.stringify(answer)}`);
}

async function lengthSeenBy(host: number): Promise<number> {
  const { document: answer } = await grp(host, ['history', room, '--local', '--limit', '1']);
  return (answer['messages'] as readonly { readonly index: number }[] | undefined)?.at(-1)?.index ?? 0;
}

/** Every server's own copy, once all are the same. */
async function untilEqual(): Promise<readonly ChatMessage[]> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const copies = await Promise.all(hosts.numbers.map((host) => runUser(host, ['copy', names[host - 1] as string])));
    const [first = '[]'] = copies;
    if (copies.every((copy) => copy === first && copy !== '')) return JSON.parse(first) as ChatMessage[];
    if (performance.now() > deadline) {
      problems.push(`the servers have ${copies.map((copy) => copy.length).join(', ')} bytes of the room: not the same`);
      return JSON.parse(first) as ChatMessage[];
    }
    await sleep(500);
  }
}

function startServer(host: number): void {
  const data = join(dir, `s${host}`);
  mkdirSync(data);
  const log = openSync(join(dir, `s${host}.log`), 'a');
  const identity = ['--name', `s${host}`, '--cluster-config', config, '--data-dir', join(data, 'data')];
  const args = ['node', 'start', '--role', 'chat', ...identity, '--log-format', 'json'];
  servers.push(hosts.start(host, [entry, ...args], ['ignore', log, log]));
}

/** Someone on this host, who can reach what the host can reach, writes and reads until told to end. */
function startUser(host: number): void {
  const child = hosts.start(
    host,
    [user, 'use', config, tokenFolder(host), room, `u${host}`],
    ['pipe', 'pipe', 'inherit'],
  );
  users.push({ child, told: text(child.stdout as NodeJS.ReadableStream) });
}

async function endUsers(): Promise<readonly RoomOperation[]> {
  for (const { child } of users) child.stdin?.end();
  const told = await Promise.all(users.map((one) => one.told));
  return told.flatMap((one) => JSON.parse(one) as RoomOperation[]);
}

async function runUser(host: number, [verb = '', server = '']: readonly string[]): Promise<string> {
  const child = hosts.start(host, [user, verb, config, tokenFolder(host), room, server], ['ignore', 'pipe', 'ignore']);
  return text(child.stdout as NodeJS.ReadableStream);
}

async function grp(host: number, args: readonly string[], input?: string) {
  const from = ['--cluster-config', config, '--dir', tokenFolder(host), '--json'];
  const argv = [entry, 'chat', ...args, ...from, ...(input === undefined ? [] : ['--password-stdin'])];
  const child = hosts.start(host, argv, ['pipe', 'pipe', 'ignore']);
  child.stdin?.end(input === undefined ? '' : `${input}\n`);
  const [said, [code]] = await Promise.all([text(child.stdout as NodeJS.ReadableStream), once(child, 'exit')]);
  return { code: code as number, document: JSON.parse(said.split('\n')[0] || '{}') as Record<string, unknown> };
}

function tokenFolder(host: number): string {
  return join(dir, `user${host}`);
}

async function untilDone(what: string, withinMs: number, done: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await done())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`);
    await sleep(200);
  }
}
