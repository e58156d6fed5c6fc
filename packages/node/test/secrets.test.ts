import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeAtomically } from '../src/files.ts';
import { parseKey, readKeyFile, readTokenFile } from '../src/secrets.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const key = (size: number, fill = 0xfb): Buffer => Buffer.alloc(size, fill);

async function file(text: string, mode = 0o600): Promise<string> {
  const path = join(await temporaryFolder(), 'secret');
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

test.each([16, 24, 32])('keys of %i bytes: base64 in both alphabets, with and without padding, and hex', (size) => {
  const bytes = key(size);
  const forms = [bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('base64').replace(/=+$/, '')];
  forms.push(bytes.toString('hex'), bytes.toString('hex').toUpperCase());
  for (const form of forms) expect(parseKey(form)).toEqual(new Uint8Array(bytes));
});

test('thirty-two hex digits are sixteen bytes, though they are base64 of twenty-four as well', () => {
  expect(parseKey('00112233445566778899aabbccddeeff')).toHaveLength(16);
});

test.each([
  '',
  'x',
  'not base64!',
  'A'.repeat(20),
  key(15).toString('base64'),
  key(33).toString('hex'),
  `${key(16).toString('hex')}0`,
])('%j is no key', (text) => expect(parseKey(text)).toBeUndefined());

test('a key file holds keys line by line, the primary first', async () => {
  const path = await file(`# cluster\r\n\n${key(32, 1).toString('base64')}\n  ${key(16, 2).toString('hex')}  \n`);
  expect(await readKeyFile(path)).toEqual([new Uint8Array(key(32, 1)), new Uint8Array(key(16, 2))]);
});

test.each([0o640, 0o604, 0o660, 0o644, 0o620, 0o602])(
  'a secret of mode %o is refused with the command that helps',
  async (mode) => {
    const path = await file(key(32).toString('base64'), mode);
    const refusal = { code: 'NODE_FILE_PERMISSIONS', kind: 'denied', hint: `Run: chmod 600 ${path}` };
    await expect(readKeyFile(path)).rejects.toMatchObject(refusal);
    await expect(readTokenFile(path)).rejects.toMatchObject(refusal);
  },
);

test.each(['', '# only talk\n', 'AAAA', `${key(32).toString('base64')}\nnonsense`])(
  'key file %j is refused',
  async (text) => {
    await expect(readKeyFile(await file(text))).rejects.toMatchObject({ code: 'NODE_KEY_INVALID', kind: 'usage' });
  },
);

test('errors never show what a secret file holds', async () => {
  const refusal = await readKeyFile(await file('hunter2-hunter2')).catch((cause: unknown) => cause);
  expect(JSON.stringify(refusal) + String(refusal)).not.toContain('hunter2');
});

test('a file that is not there, a folder, and one that is too long', async () => {
  const folder = await temporaryFolder();
  await expect(readKeyFile(join(folder, 'none'))).rejects.toMatchObject({
    code: 'NODE_FILE_UNREADABLE',
    kind: 'not-found',
  });
  await expect(readKeyFile(folder)).rejects.toMatchObject({ kind: expect.stringMatching(/denied|not-found/) });
  await expect(readTokenFile(await file('x'.repeat(70_000)))).rejects.toMatchObject({ code: 'NODE_FILE_UNREADABLE' });
});

test('a token is one visible word', async () => {
  expect(await readTokenFile(await file('abcdefghijklmnop\n'))).toBe('abcdefghijklmnop');
  for (const text of [
    '',
    'short',
    'two words here and more',
    'one\ntwo-lines-of-token',
    'x'.repeat(513),
    'naïve-token-naïve-token',
  ]) {
    await expect(readTokenFile(await file(text))).rejects.toMatchObject({ code: 'NODE_TOKEN_INVALID' });
  }
});

test('an atomic write replaces the content, keeps others out, and leaves nothing behind when it fails', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'file');
  await writeAtomically(path, 'one');
  await writeAtomically(path, 'two');
  expect(await readFile(path, 'utf8')).toBe('two');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await expect(writeAtomically(join(folder, 'file', 'below'), 'x')).rejects.toThrow(/ENOTDIR/);
  expect(await readdir(folder)).toEqual(['file']);
});
