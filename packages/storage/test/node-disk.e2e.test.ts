import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskConformance } from '@grp/sim';
import { systemClock } from '@grp/core';
import { expect, test } from 'vitest';
import { openLog } from '../src/index.ts';
import { nodeDisk } from '../src/node/index.ts';
import { entries } from './world.ts';

for (const sync of ['background', 'inline'] as const)
  diskConformance({
    name: `real disk, ${sync} syncs`,
    test,
    supports: {
      powerCut: 'the power of this machine stays on',
      capacity: 'the disk of this machine is not to be filled',
    },
    open: () => {
      const folder = mkdtempSync(join(tmpdir(), 'grp-disk-'));
      const disk = nodeDisk(folder, { sync });
      const rival = nodeDisk(folder);
      return {
        disk,
        rival,
        close() {
          disk.close();
          rival.close();
          rmSync(folder, { recursive: true, force: true });
        },
      };
    },
  });

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'grp-disk-'));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('names stay below the folder, and files are their owner’s alone', async () => {
  await inFolder(async (folder) => {
    const disk = nodeDisk(join(folder, 'deep', 'er'));
    await disk.write('log/1', 0, new Uint8Array(10));
    expect(statSync(join(folder, 'deep/er/log/1')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'deep/er/log')).mode & 0o777).toBe(0o700);
    for (const name of ['../x', '/etc/x', 'a/../../x', '.lock'])
      await expect(disk.write(name, 0, new Uint8Array(1))).rejects.toThrow('below the folder');
    disk.close();
  });
});

test.skipIf(process.platform !== 'linux')('a write and its sync in one request go where other writes go', async () => {
  await inFolder(async (folder) => {
    const disk = nodeDisk(folder);
    await disk.writeDurably?.('a', 0, Uint8Array.of(1, 2, 3));
    await disk.write('a', 1, Uint8Array.of(9));
    expect(await disk.read('a', 0, 9)).toEqual(Uint8Array.of(1, 9, 3));
    await disk.rename('a', 'b');
    await disk.writeDurably?.('a', 0, Uint8Array.of(7));
    await disk.writeDurably?.('b', 2, Uint8Array.of(8));
    expect(await disk.read('a', 0, 9)).toEqual(Uint8Array.of(7));
    expect(await disk.read('b', 0, 9)).toEqual(Uint8Array.of(1, 9, 8));
    await disk.remove('b');
    await disk.writeDurably?.('b', 0, Uint8Array.of(4));
    expect(await disk.read('b', 0, 9)).toEqual(Uint8Array.of(4));
    await expect(disk.writeDurably?.('../x', 0, Uint8Array.of(1))).rejects.toThrow('below the folder');
    disk.close();
    expect('writeDurably' in nodeDisk(folder, { sync: 'inline' })).toBe(false);
  });
});

test('more files than stay open at once', async () => {
  await inFolder(async (folder) => {
    const disk = nodeDisk(folder);
    const names = Array.from({ length: 200 }, (_, at) => `f${at}`);
    await Promise.all(names.map((name, at) => disk.write(name, 0, Uint8Array.of(at))));
    const read = await Promise.all(names.map((name) => disk.read(name, 0, 9)));
    expect(read.map(([first]) => first)).toEqual(names.map((_, at) => at));
    expect(readdirSync('/proc/self/fd').length).toBeLessThan(160);
    disk.close();
  });
});

test('a log on a real disk, twice', async () => {
  await inFolder(async (folder) => {
    const clock = systemClock();
    for (let life = 0; life < 3; life++) {
      const disk = nodeDisk(folder);
      const log = await openLog({ disk, clock });
      expect(log.recovered).toMatchObject({ lastIndex: life * 1_000, damage: undefined });
      for (let count = 0; count < 10; count++) {
        const ticket = log.append(entries(log.entries.lastIndex + 1, log.entries.lastIndex + 100));
        await new Promise<void>((resolve) => {
          const cancel = log.on((event) => {
            if (event.type !== 'durable' || event.ticket < ticket) return;
            cancel();
            resolve();
          });
        });
      }
      await log.close();
      disk.close();
    }
  });
});
