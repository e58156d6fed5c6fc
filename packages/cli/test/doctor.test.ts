import { chmodSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkDisk } from '../src/doctor/disk.ts';
import { checkFileLimit, checkRuntime } from '../src/doctor/host.ts';
import { checkKeyFile } from '../src/doctor/key-file.ts';
import { checkMtu } from '../src/doctor/path.ts';

const folder = mkdtempSync(join(tmpdir(), 'grp-cli-'));

test.each([
  ['22.11.0', 'problem'],
  ['20.20.2', 'problem'],
  ['22.12.0', 'ok'],
  ['24.21.0', 'ok'],
])('Node.js %s: %s', (version, status) => {
  const finding = checkRuntime(version);
  expect(finding.status).toBe(status);
  expect(finding.fix === undefined).toBe(status === 'ok');
});

test.each([
  ['Max open files            1024                 4096                 files', 'warning'],
  ['Max open files            20000                20000                files', 'ok'],
  ['Max open files            unlimited            unlimited            files', 'ok'],
  ['', 'ok'],
])('open files %#: %s', async (limits, status) => {
  expect((await checkFileLimit(async () => limits)).status).toBe(status);
});

describe('a key file', () => {
  function keyFile(bytes: Uint8Array, mode = 0o600): string {
    const file = join(folder, `${Math.random()}.key`);
    writeFileSync(file, Buffer.from(bytes).toString('base64'));
    chmodSync(file, mode);
    return file;
  }
  const random = (size: number): Uint8Array => crypto.getRandomValues(new Uint8Array(size));

  test('of 32 random bytes is well', async () => {
    expect(await checkKeyFile(keyFile(random(32)))).toMatchObject({ status: 'ok' });
  });
  test('that is short, could be longer', async () => {
    expect(await checkKeyFile(keyFile(random(16)))).toMatchObject({
      status: 'warning',
      fix: expect.stringContaining('urandom'),
    });
  });
  test.each([
    ['zeros', new Uint8Array(32)],
    ['counting', Uint8Array.from({ length: 32 }, (_, index) => index)],
    ['text', new TextEncoder().encode('correct horse battery staple 123')],
  ])('made by hand is guessed: %s', async (_, bytes) => {
    expect(await checkKeyFile(keyFile(bytes))).toMatchObject({
      status: 'problem',
      message: expect.stringContaining('random'),
    });
  });
  test('that others may read is a problem', async () => {
    expect(await checkKeyFile(keyFile(random(32), 0o644))).toMatchObject({
      status: 'problem',
      fix: expect.stringContaining('chmod 600'),
    });
  });
  test('of a wrong size, or missing, is a problem', async () => {
    expect(await checkKeyFile(keyFile(random(31)))).toMatchObject({ status: 'problem' });
    expect(await checkKeyFile(join(folder, 'none'))).toMatchObject({ status: 'problem' });
  });
});

test.each([
  ['1500', 'ok'],
  ['65536', 'ok'],
  ['1280', 'warning'],
  ['', 'ok'],
])('a link of %s bytes: %s', async (mtu, status) => {
  const finding = await checkMtu('127.0.0.1', async () => mtu);
  expect(finding.status).toBe(status);
  expect(finding.fix?.includes('mtu 1500')).toBe(status === 'warning' ? true : undefined);
});

test('an address of another machine has no link here', async () => {
  expect(await checkMtu('192.0.2.1', async () => '100')).toMatchObject({ status: 'ok' });
});

describe('a disk', () => {
  test('is timed, and nothing stays behind', async () => {
    const own = mkdtempSync(join(folder, 'disk-'));
    const [speed, space] = await checkDisk(own);
    expect(speed).toMatchObject({ check: 'disk', message: expect.stringMatching(/durable after [\d.]+ ms/) });
    expect(space).toMatchObject({ check: 'disk-space' });
    expect(readdirSync(own)).toEqual([]);
  });
  test('that cannot be written is a problem with a fix', async () => {
    expect(await checkDisk(join(folder, 'none'))).toMatchObject([
      { status: 'problem', fix: expect.stringContaining('--data-dir') },
    ]);
  });
});
