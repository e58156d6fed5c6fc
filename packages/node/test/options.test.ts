import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Keyring, systemRandom, type Aead } from '@grp/core';
import { expect, test } from 'vitest';
import { resolveOptions, type NodeOptions } from '../src/options.ts';
import { portsTag } from '../src/ports-tag.ts';
import type { RoleName } from '../src/role.ts';
import { checkRoles, httpOffset, roles } from '../src/roles.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const aead: Aead = { seal: (_key, _nonce, plaintext) => plaintext, open: (_key, _nonce, sealed) => sealed };
const parts = { aead, random: systemRandom() };
const resolve = (options: Partial<NodeOptions> = {}) => resolveOptions({ roles: ['swim'], ...options }, parts);

test('the defaults are those of the contract', async () => {
  const options = await resolve();
  expect(options.base).toEqual({ host: '127.0.0.1', port: 7_946 });
  expect(options.http).toEqual({ host: '127.0.0.1', port: 7_953 });
  expect([options.seeds, options.token, options.tls, options.keyring]).toEqual([[], undefined, undefined, undefined]);
});

test.each([
  ['0.0.0.0:9000', undefined, '127.0.0.1:9007'],
  ['10.0.0.1:0', undefined, '127.0.0.1:0'],
  ['[::1]:9000', '[::1]:80', '::1:80'],
  ['127.0.0.1', 'localhost', 'localhost:7953'],
])('bind %s and http %s listen for HTTP at %s', async (bind, http, expected) => {
  const options = await resolve({ bind, http });
  expect(`${options.http.host}:${options.http.port}`).toBe(expected);
});

test('every role has its own offset, and HTTP the last', () => {
  const offsets = Object.values(roles).map(({ offset }) => offset);
  expect(offsets).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(httpOffset).toBe(7);
});

test('roles come once each and in the order of the table', () => {
  expect(checkRoles(['swim', 'swim'])).toEqual(['swim']);
  const table = { ...roles, raft: { ...roles.raft, build: () => ({}) as never } };
  expect(checkRoles(['raft', 'swim'], table)).toEqual(['swim', 'raft']);
});

test.each([
  [[], 'NODE_ROLES_EMPTY', 'Try --role swim.'],
  [['swim', 'messenger'], 'NODE_ROLE_UNAVAILABLE', expect.stringMatching(/^Roles of this version: swim, /)],
  [['toString'], 'NODE_ROLE_UNKNOWN', expect.stringMatching(/^Roles of this version: swim, /)],
])('roles %j are refused: %s', async (names, code, hint) => {
  await expect(resolve({ roles: names as RoleName[] })).rejects.toMatchObject({ code, hint, kind: 'usage' });
});

test('a ports tag is needed only beside swim', () => {
  expect(portsTag({ swim: 7_946 })).toBeUndefined();
  expect(portsTag({ swim: 7_946, gms: 7_947, raft: 7_950 })).toBe('gms:7947,raft:7950');
});

test.each<[Partial<NodeOptions>, string]>([
  [{ bind: 'nonsense:x' }, 'ADDRESS_INVALID'],
  [{ bind: '127.0.0.1:65530' }, 'NODE_OPTION_INVALID'],
  [{ http: '127.0.0.1:99999' }, 'ADDRESS_INVALID'],
  [{ join: ['10.0.0.1:1', 'http://x'] }, 'NODE_OPTION_INVALID'],
  [{ http: '0.0.0.0:80' }, 'NODE_TOKEN_NEEDED'],
  [{ tlsCert: 'x' }, 'NODE_OPTION_INVALID'],
  [{ tlsKey: 'x' }, 'NODE_OPTION_INVALID'],
  [{ tlsCa: 'x' }, 'NODE_OPTION_INVALID'],
  [{ tlsCert: '/none', tlsKey: '/none' }, 'NODE_FILE_UNREADABLE'],
  [{ config: { joinRetryMinMs: 1_000, joinRetryMaxMs: 100 } }, 'CONFIG_INVALID'],
  [{ config: { bodyBytesMax: 1 } }, 'CONFIG_INVALID'],
])('%j is refused with %s before anything is opened', async (options, code) => {
  await expect(resolve(options)).rejects.toMatchObject({ code });
});

test('seeds may be names, without ports, or ask for SRV records', async () => {
  const join = ['10.0.0.1', 'node.example:1', '[::1]:7946', 'srv:_swim._udp.example'];
  expect((await resolve({ join })).seeds).toEqual(join);
});

test('a key file becomes a keyring, and does not go with another one', async () => {
  const keyFile = join(await temporaryFolder(), 'key');
  await writeFile(keyFile, Buffer.alloc(32, 1).toString('base64'));
  await chmod(keyFile, 0o600);
  expect((await resolve({ keyFile })).keyring?.keys()).toEqual([new Uint8Array(32).fill(1)]);
  const keyring = new Keyring({ ...parts, keys: [new Uint8Array(16)] });
  await expect(resolve({ keyFile, keyring })).rejects.toMatchObject({ code: 'NODE_OPTION_INVALID' });
});

test('a token opens other addresses to HTTP', async () => {
  const tokenFile = join(await temporaryFolder(), 'token');
  await writeFile(tokenFile, 'abcdefghijklmnop');
  await chmod(tokenFile, 0o600);
  expect(await resolve({ tokenFile, http: '0.0.0.0:80' })).toMatchObject({ token: 'abcdefghijklmnop' });
});

test('TLS files that are no PEM are refused', async () => {
  const file = join(await temporaryFolder(), 'pem');
  await writeFile(file, 'no pem');
  await expect(resolve({ tlsCert: file, tlsKey: file })).rejects.toMatchObject({ code: 'NODE_TLS_INVALID' });
});
