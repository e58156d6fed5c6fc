// Disks that take nothing, and more copies than there are servers: nothing half-written is ever visible.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openBlobStore } from '../../src/node/index.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { tempFolder } from './store-support.ts';

let folder = tempFolder();
let mounted: string[] = [];
let cluster: Cluster | undefined;
beforeEach(() => {
  folder = tempFolder();
  mounted = [];
});
afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
  for (const path of mounted) spawnSync('umount', [path]);
  folder.remove();
});

/** A disk of its own. False: only the superuser of a whole machine may make one. */
function mount(path: string, options: string): boolean {
  mkdirSync(path, { recursive: true });
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const isMade = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path]).status === 0;
  if (isMade) mounted.push(path);
  return isMade;
}

test('full disks: a put says so, nothing of it is visible, and what was there stays', async (context) => {
  const disks = ['n1', 'n2', 'n3'].map((id) => join(folder.above, id));
  if (!disks.map((disk) => mount(disk, 'size=6m')).every(Boolean))
    context.skip('only the superuser of a Linux machine may mount a disk of 6 MiB');
  cluster = await startCluster(folder.above, 3);
  const client = cluster.client();
  await client.put('small', Buffer.from('small'));
  const blocks = Array.from({ length: 12 }, () => randomBytes(1_048_576));
  await expect(client.put('large', Readable.from(blocks, { objectMode: false }))).rejects.toMatchObject({
    code: 'DFS_NO_QUORUM',
    message: expect.stringContaining('full'),
    hint: expect.stringContaining('visible'),
  });
  await expect(client.stat('large')).rejects.toMatchObject({ code: 'DFS_NOT_FOUND' });
  expect((await buffer(client.get('small').stream)).toString()).toBe('small');
  await client.put('after', Buffer.from('there is room again'));
});

test('a data folder that is read-only is refused at the start, with what is wrong', async () => {
  const path = join(folder.above, 'locked');
  if (!mount(path, 'ro,size=1m')) chmodSync(path, 0o500);
  await expect(openBlobStore({ dir: path })).rejects.toMatchObject({
    code: 'DFS_STORE_UNUSABLE',
    message: expect.stringMatching(/EROFS|EACCES|EPERM/),
    hint: expect.stringContaining('writable'),
  });
  chmodSync(folder.above, 0o700);
});

test('more copies than a majority of the servers can make: the put says how many there are, and is not begun', async () => {
  cluster = await startCluster(folder.above, 3);
  const client = cluster.client();
  await expect(client.put('many', Buffer.from('x'), { replicas: 16 })).rejects.toMatchObject({
    code: 'DFS_NO_SERVERS',
    message: expect.stringContaining('9 file servers'),
    hint: expect.stringContaining('--replicas'),
  });
  await expect(client.stat('many')).rejects.toMatchObject({ code: 'DFS_NOT_FOUND' });
  expect(await client.put('five', Buffer.from('x'), { replicas: 5 })).toMatchObject({ bytes: 1 });
});
