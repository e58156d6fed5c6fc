import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { runGrp, startGrp } from './support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'grp-cli-'));
const free = ['--bind', '127.0.0.1:0'];

test.each(['SIGINT', 'SIGTERM'] as const)(
  'node start says when it serves, and leaves at the first %s with exit code 0',
  async (signal) => {
    const readyFile = join(folder, `${signal}.json`);
    const node = startGrp(['node', 'start', '--name', 'a', ...free, '--ready-file', readyFile]);
    const line = await node.line(/^a is ready: swim on port \d+; HTTP at http:/);
    const ready = JSON.parse(readFileSync(readyFile, 'utf8')) as {
      pid: number;
      name: string;
      http: string;
      ports: { swim: number; http: number };
    };
    expect(ready).toEqual({
      pid: node.child.pid,
      name: 'a',
      http: expect.stringMatching(/^http:/),
      ports: { swim: expect.any(Number), http: expect.any(Number) },
    });
    expect(line).toContain(ready.http);
    const status = await runGrp('node', 'status', '--node', ready.http);
    expect(status.documents[0]).toMatchObject({
      schema: 'grp.node.status/1',
      name: 'a',
      pid: node.child.pid,
      ready: true,
    });
    node.child.kill(signal);
    expect(await node.ended).toBe(0);
    expect(node.stdout().trimEnd().split('\n')).toHaveLength(1);
    expect(node.stderr()).toContain('node.stopped');
  },
);

test('node start --json prints one document; node stop ends it', async () => {
  const node = startGrp(['node', 'start', '--name', 'b', ...free, '--json', '--log-format', 'json']);
  const ready = JSON.parse(await node.line(/^\{/)) as { schema: string; http: string };
  expect(ready.schema).toBe('grp.node.ready/1');
  const stopped = await runGrp('node', 'stop', '--node', ready.http);
  expect(stopped.code).toBe(0);
  expect(stopped.documents[0]).toMatchObject({ schema: 'grp.node.stop/1', name: 'b' });
  expect(await node.ended).toBe(0);
  for (const line of node.stderr().trimEnd().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
});

test.each([
  ['a seed that is not there', ['--join', '127.0.0.1:1', '--timeout', '1s'], 5, 'CLI_JOIN_TIMEOUT'],
  ['a role that runs elsewhere', ['--role', 'messenger'], 2, 'NODE_ROLE_UNAVAILABLE'],
  ['a role that never was', ['--role', 'wizard'], 2, 'NODE_ROLE_UNKNOWN'],
  ['HTTP for all without a token', ['--http', '0.0.0.0:0'], 2, 'NODE_TOKEN_NEEDED'],
  ['a key file that is not there', ['--key-file', '/nonexistent/key'], 3, 'NODE_FILE_UNREADABLE'],
])('node start with %s fails in words', async (_, flags, code, errorCode) => {
  const outcome = await runGrp('node', 'start', ...free, ...flags);
  expect(outcome.code).toBe(code);
  expect(outcome.documents).toEqual([
    { error: { code: errorCode, message: expect.stringMatching(/\S/), hint: expect.stringMatching(/\S/) } },
  ]);
});

test('a name and a port that are taken are conflicts', async () => {
  const node = startGrp(['node', 'start', '--name', 'c', ...free, '--json']);
  const { ports } = JSON.parse(await node.line(/^\{/)) as { ports: { swim: number } };
  const seed = `127.0.0.1:${ports.swim}`;
  const sameName = await runGrp('node', 'start', '--name', 'c', ...free, '--join', seed);
  expect(sameName).toMatchObject({ code: 6, documents: [{ error: { code: 'SWIM_NAME_TAKEN' } }] });
  const samePort = await runGrp('node', 'start', '--name', 'd', '--bind', seed, '--http', '127.0.0.1:0');
  expect(samePort.code).toBe(6);
  node.child.kill('SIGTERM');
  expect(await node.ended).toBe(0);
});

test.skipIf(!existsSync('/bin/sh'))('a reader that goes away is no error', async () => {
  const entry = fileURLToPath(new URL('../bin/dev.ts', import.meta.url));
  const line = `${process.execPath} --conditions=@grp/source ${entry} --help; echo "code $?" >&2`;
  const { stdout, stderr } = await promisify(execFile)('/bin/sh', ['-c', `(${line}) | head -1`]);
  expect(stdout.split('\n')).toHaveLength(2);
  expect(stderr).toContain('code 0');
  expect(stderr).not.toContain('EPIPE');
});
