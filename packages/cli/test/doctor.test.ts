import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkFileLimit, checkRuntime } from '../src/doctor/host.ts';
import { checkKeyFile } from '../src/doctor/key-file.ts';

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
