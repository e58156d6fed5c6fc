import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openDataDir } from '../src/data-dir.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const locked = { code: 'NODE_DATA_DIR_LOCKED', kind: 'conflict' };

test('the folder is made for its owner alone, claimed, and given free', async () => {
  const folder = join(await temporaryFolder(), 'a', 'b');
  const dir = await openDataDir(folder);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect(dir.file('x')).toBe(join(folder, 'x'));
  await expect(openDataDir(folder)).rejects.toMatchObject({ ...locked, context: { pid: process.pid } });
  await dir.release();
  await dir.release();
  const again = await openDataDir(folder);
  await again.release();
  expect(await readdir(folder)).toEqual([]);
});

test('of many that claim at once, one gets it', async () => {
  const folder = await temporaryFolder();
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => openDataDir(folder)));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await readdir(folder)).toEqual(['lock', 'lock.twin']);
});

test('of many that find a stale lock at once, one gets it', async () => {
  const folder = await temporaryFolder();
  await forgeLock(folder, { pid: await pidOfTheDead() });
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => openDataDir(folder)));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await readdir(folder)).toEqual(['lock', 'lock.twin']);
});

test('the lock of another living process is respected', async () => {
  const folder = await temporaryFolder();
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000); console.log("up")']);
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  await forgeLock(folder, { pid: child.pid, started: await startOf(child.pid as number) });
  await expect(openDataDir(folder)).rejects.toMatchObject({ ...locked, context: { pid: child.pid } });
});

test.each([
  ['a process that is gone', async () => ({ pid: await pidOfTheDead() })],
  ['a process whose number was given to another', () => ({ pid: process.ppid, started: '1' })],
  ['an earlier boot', () => ({ pid: process.ppid, boot: 'earlier' })],
  ['an earlier life of this container', () => ({ pid: 1, pidNamespace: 'pid:[1]' })],
])('the lock of %s is taken over', async (_, made) => {
  const folder = await temporaryFolder();
  await forgeLock(folder, await made());
  const dir = await openDataDir(folder);
  expect(await readFile(dir.file('lock'), 'utf8')).toContain(`"pid":${process.pid}`);
  await dir.release();
});

test.each([
  ['another host', JSON.stringify({ pid: 1, host: 'elsewhere' })],
  ['nobody knows whom', ''],
  ['nonsense', 'null'],
])('the lock of %s is respected: in doubt it is held', async (_, text) => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'lock'), text);
  await expect(openDataDir(folder)).rejects.toMatchObject({
    ...locked,
    hint: expect.stringContaining(join(folder, 'lock')),
  });
});

test.each([
  ['cut', () => ''],
  ['with a flipped bit', (text: string) => text.replace('"host":"', '"host":"x')],
])('a lock that is %s counts as its twin says', async (_, damaged) => {
  const folder = await temporaryFolder();
  const dir = await openDataDir(folder);
  await writeFile(dir.file('lock'), damaged(await readFile(dir.file('lock'), 'utf8')));
  await expect(openDataDir(folder)).rejects.toMatchObject({ ...locked, context: { pid: process.pid } });
  const twin = JSON.parse(await readFile(dir.file('lock.twin'), 'utf8'));
  await writeFile(dir.file('lock.twin'), JSON.stringify({ ...twin, sum: undefined, pid: await pidOfTheDead() }));
  const again = await openDataDir(folder);
  expect(await readFile(again.file('lock'), 'utf8')).toContain(`"pid":${process.pid}`);
  await again.release();
  expect(await readdir(folder)).toEqual([]);
});

test('a lock that somebody else has taken meanwhile is not removed', async () => {
  const folder = await temporaryFolder();
  const dir = await openDataDir(folder);
  await writeFile(join(folder, 'lock'), 'theirs');
  await dir.release();
  expect(await readFile(join(folder, 'lock'), 'utf8')).toBe('theirs');
});

test('what is no folder cannot be used', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'file'), '');
  await expect(openDataDir(join(folder, 'file'))).rejects.toMatchObject({ code: 'NODE_DATA_DIR_UNUSABLE' });
  await expect(openDataDir(join(folder, 'file', 'below'))).rejects.toMatchObject({ code: 'NODE_DATA_DIR_UNUSABLE' });
});

/** A lock as this process would write it, with some fields changed. */
async function forgeLock(folder: string, change: object): Promise<void> {
  const sample = join(folder, 'sample');
  await mkdir(sample);
  const dir = await openDataDir(sample);
  const mine = JSON.parse(await readFile(join(sample, 'lock'), 'utf8'));
  await dir.release();
  await rmdir(sample);
  await writeFile(join(folder, 'lock'), JSON.stringify({ ...mine, id: 'forged', sum: undefined, ...change }));
}

async function pidOfTheDead(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'exit');
  return child.pid as number;
}

async function startOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
