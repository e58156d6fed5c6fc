import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
// @boundaries-ignore the same certificate as in the server's own tests
import { cert, key } from '../../chat/test/certificate.ts';
import { grpWith } from './support/grp-with.ts';
import { runGrp, startGrp } from './support/process.ts';

const dir = mkdtempSync(join(tmpdir(), 'grp-chat-tls-'));
const file = (name: string): string => join(dir, name);
const node = (() => {
  writeFileSync(file('cert.pem'), cert);
  writeFileSync(file('key.pem'), key, { mode: 0o600 });
  const tls = ['--tls-cert', file('cert.pem'), '--tls-key', file('key.pem')];
  const where = ['--bind', '127.0.0.1:0', '--http', '127.0.0.1:0', '--data-dir', file('data'), '--name', 'n1'];
  return startGrp(['node', 'start', '--role', 'chat', ...where, ...tls, '--json']);
})();
afterAll(() => void node.child.kill('SIGKILL'));

test('by the command line: whoever trusts the certificate of a chat server talks to it, and nobody else', async () => {
  const { ports } = JSON.parse(await node.line(/"ports"/)) as { readonly ports: { readonly chat: number } };
  const server = ['--servers', `localhost:${ports.chat}`, '--dir', file('home')];
  const trusting = [...server, '--tls-ca', file('cert.pem')];
  const password = 'password of ann\n';
  expect((await grpWith(password, 'chat', 'register', 'ann', '--password-stdin', ...trusting)).code).toBe(0);
  expect((await grpWith(password, 'chat', 'login', 'ann', '--password-stdin', ...trusting)).code).toBe(0);
  expect((await runGrp('chat', 'send', 'general', 'hello', ...trusting)).code).toBe(0);
  const plain = await runGrp('chat', 'history', 'general', '--timeout', '2s', ...server);
  expect(plain).toMatchObject({ code: 5, documents: [{ error: { code: 'CHAT_UNREACHABLE' } }] });
}, 60_000);
