import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { fetchFile } from '../src/dfs/fetch.ts';
import { checkName, filePath } from '../src/dfs/paths.ts';
import { TransferProgress } from '../src/dfs/progress.ts';
import { parseRange } from '../src/dfs/range.ts';
import { openSource } from '../src/dfs/source.ts';
import { openTarget } from '../src/dfs/target.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'grp-dfs-unit-'));

test('ranges', () => {
  expect(['0-99', '100-', '-100'].map((text) => parseRange(text))).toEqual(['bytes=0-99', 'bytes=100-', 'bytes=-100']);
  for (const text of ['', '-', '9-1', 'a-b', '1,2', '0-1-2'])
    expect(() => parseRange(text)).toThrow(expect.objectContaining({ code: 'DFS_RANGE' }));
});

test('names that are none never reach a node', async () => {
  expect(filePath(await checkName('a/b c?.txt'), { version: 3 })).toBe('/v1/dfs/files/a%2Fb%20c%3F.txt?version=3');
  for (const name of ['', '../x', 'a/../b', '/x', 'a\0b', 'x'.repeat(1_025), 'was\uFFFDlatin1'])
    await expect(checkName(name)).rejects.toMatchObject({ code: 'DFS_NAME_INVALID' });
});

test('a target appears whole, in the place of what was there, and nothing is left of one that was given up', async () => {
  const at = folder();
  writeFileSync(join(at, 'old'), 'old');
  const given = await openTarget(join(at, 'old'), 'a/name');
  await given.write(Buffer.from('new'));
  expect(readFileSync(join(at, 'old'), 'utf8')).toBe('old');
  await given.discard();
  expect([readdirSync(at), readFileSync(join(at, 'old'), 'utf8')]).toEqual([['old'], 'old']);
  const kept = await openTarget(join(at, 'old'), 'a/name');
  await kept.write(Buffer.from('new'));
  await kept.finish();
  await kept.discard();
  expect([readdirSync(at), readFileSync(join(at, 'old'), 'utf8')]).toEqual([['old'], 'new']);
});

test('a process that ends now takes its half of a file along, and never a whole one', async () => {
  const at = folder();
  const given = await openTarget(join(at, 'a'), 'a');
  await given.write(Buffer.from('half'));
  given.discardNow();
  const kept = await openTarget(join(at, 'b'), 'b');
  await kept.finish();
  kept.discardNow();
  expect(readdirSync(at)).toEqual(['b']);
  await given.discard();
});

test('a folder gets the last part of the name, and nothing is written beside it', async () => {
  const at = folder();
  mkdirSync(join(at, 'in'));
  expect((await openTarget(join(at, 'in'), 'a/b/c.txt')).path).toBe(join(at, 'in', 'c.txt'));
  expect((await openTarget(join(at, 'in'), 'a\\c.txt')).path).toBe(join(at, 'in', 'c.txt'));
  await expect(openTarget(join(at, 'in'), 'ends/')).rejects.toMatchObject({ code: 'DFS_TARGET_NAME' });
  await expect(openTarget(join(at, 'none', 'x'), 'x')).rejects.toMatchObject({ code: 'DFS_TARGET_UNWRITABLE' });
  writeFileSync(join(at, 'elsewhere'), 'theirs');
  symlinkSync(join(at, 'elsewhere'), join(at, 'in', 'link'));
  const target = await openTarget(join(at, 'in'), 'link');
  await target.write(Buffer.from('ours'));
  await target.finish();
  expect(readFileSync(join(at, 'elsewhere'), 'utf8')).toBe('theirs');
});

test('a device is written to as it is', async () => {
  const target = await openTarget('/dev/null', 'x');
  await target.write(Buffer.from('bytes'));
  await target.finish();
  expect(existsSync('/dev/null')).toBe(true);
});

test('a source that shrinks gives an error instead of its last bytes', async () => {
  const file = join(folder(), 'shrinking');
  writeFileSync(file, Buffer.alloc(3_000_000));
  const source = await openSource(file);
  const { stream } = source.read((bytes) => {
    if (bytes > 0) writeFileSync(file, 'short');
  });
  const reading = (async () => {
    let bytes = 0;
    for await (const piece of stream as AsyncIterable<Buffer>) bytes += piece.length;
    return bytes;
  })();
  await expect(reading).rejects.toMatchObject({ code: 'DFS_SOURCE_CHANGED' });
  await source.close();
});

test('a source that vanishes while it is read gives an error instead of its last bytes', async () => {
  const file = join(folder(), 'vanishing');
  writeFileSync(file, Buffer.alloc(3_000_000));
  const source = await openSource(file);
  const { stream } = source.read((bytes) => {
    if (bytes > 0) rmSync(file, { force: true });
  });
  await expect(buffer(stream)).rejects.toMatchObject({
    code: 'DFS_SOURCE_CHANGED',
    message: expect.stringContaining('removed'),
    hint: expect.any(String),
  });
  await source.close();
});

test.each([
  ['breaks off', 100, 60, 'DFS_CUT_SHORT'],
  ['is altered', 100, 100, 'DFS_ALTERED'],
])('a get whose content %s leaves nothing under the final name, nor beside it', async (_what, said, given, code) => {
  const at = folder();
  const headers = { 'content-length': String(said), 'grp-version': '7', etag: `"${'0'.repeat(64)}"` };
  const client = { download: async () => Object.assign(Readable.from([Buffer.alloc(given)]), { headers }) };
  const target = await openTarget(join(at, 'final'), 'name');
  const fetched = fetchFile({
    clients: [client as never],
    name: 'name',
    onFound: () => {},
    write: (bytes) => target.write(bytes),
  });
  await expect(fetched).rejects.toMatchObject({ code, hint: expect.stringContaining('final name') });
  expect(existsSync(join(at, 'final'))).toBe(false);
  await target.discard();
  expect(readdirSync(at)).toEqual([]);
});

test('progress tells share, rate and what is left, by the last seconds', () => {
  let now = 0;
  const shown: string[] = [];
  const progress = { show: (text: string) => void shown.push(text), note() {}, close() {} };
  const transfer = new TransferProgress({ name: 'big\u001b[31m', progress, total: 10_000_000, now: () => now });
  for (; now < 5_000; now += 500) transfer.add(500_000);
  expect(shown).toHaveLength(10);
  expect(shown.at(-1)).toBe('big  [##########..........]  50%  5.0 MB of 10.0 MB  1.0 MB/s  5.00 s left');
  expect(new TransferProgress({ name: 'pipe', progress, total: undefined, now: () => now }).text()).toBe('pipe  0 B');
});
