import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { consoleFolder } from '../src/console/folder.ts';
import { runGrp, startGrp } from './support/process.ts';
import { grp } from './support/run.ts';

/** A question as somebody other than a browser of this machine could ask it. */
function ask(url: string, path: string, headers: Record<string, string> = {}, method = 'GET') {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    // Not through a URL, which would resolve what a hostile path holds.
    const { hostname, port } = new URL(url);
    const asked = request({ hostname, port, path, headers, method, agent: false }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (text: string) => (body += text));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

test('lab open serves the page on this machine until it is told to end', async () => {
  const opened = startGrp(['lab', 'open', 'gms4-takeover', '--seed', '8', '--level', 'full', '--json']);
  onTestFinished(() => void opened.child.kill('SIGKILL'));
  const document = JSON.parse(await opened.line(/"url"/)) as Record<string, string>;
  const url = document['url'] as string;
  expect(document).toEqual({
    schema: 'grp.lab.open/1',
    url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/#\/lab\/gms4-takeover\?level=full&seed=8$/),
    scenario: 'gms4-takeover',
    level: 'full',
    seed: 8,
  });
  expect(existsSync(join(consoleFolder(), 'index.html'))).toBe(true);
  const page = await ask(url, '/');
  expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(page.headers['content-security-policy']).toContain("default-src 'none'");
  const [, script = ''] = /src="(\/assets\/[^"]+\.js)"/.exec(page.body) ?? [];
  expect((await ask(url, script)).headers['content-type']).toBe('text/javascript; charset=utf-8');
  for (const path of [
    '/assets/../index.html',
    '/assets/%2e%2e/index.html',
    '/etc/passwd',
    '/v1/cluster/nodes',
    '/index',
  ])
    expect([path, (await ask(url, path)).status]).toEqual([path, 404]);
  expect((await ask(url, '/', { host: 'evil.example' })).status).toBe(403);
  expect((await ask(url, '/', {}, 'POST')).status).toBe(405);
  opened.child.kill('SIGTERM');
  expect(await opened.ended).toBe(0);
});

test('console gives the URL of a node that serves the page, and says when there is none', async () => {
  const node = startGrp(['node', 'start', '--name', 'shown', '--bind', '127.0.0.1:0', '--json']);
  onTestFinished(() => void node.child.kill('SIGKILL'));
  const { http } = JSON.parse(await node.line(/"http"/)) as { http: string };
  const { code, documents } = await runGrp('console', '--node', http);
  expect([code, documents]).toEqual([
    0,
    [{ schema: 'grp.console.open/1', url: `${http}/#/`, node: 'shown', readOnly: true }],
  ]);
  expect((await ask(http, '/')).body).toContain('<div id="app">');
  const nobody = await grp('console', '--node', 'http://127.0.0.1:1', '--json');
  expect([nobody.code, nobody.lines[0]]).toMatchObject([5, { error: { code: 'CLI_NODE_UNREACHABLE' } }]);
});

test.each([
  [['lab', 'open', 'nonsense'], 3, 'LAB_SCENARIO'],
  [['lab', 'open', '--level', 'gms9'], 2, 'LAB_LEVEL'],
])('%j ends with %i', async (argv, code, error) => {
  const outcome = await grp(...argv, '--json');
  expect([outcome.code, outcome.lines[0]]).toMatchObject([code, { error: { code: error } }]);
});
