import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Address } from '@grp/core';
import { expect, test } from 'vitest';
import { PeersFile, type Peer } from '../src/peers-file.ts';
import { ManualClock } from './support/manual-clock.ts';
import { recordingLogger } from './support/recording-logger.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const peer = (name: string, port: number): Peer => ({ name, address: `10.0.0.1:${port}` as Address });

async function setUp(folder?: string) {
  const file = join(folder ?? (await temporaryFolder()), 'peers.json');
  const [clock, logger] = [new ManualClock(), recordingLogger()];
  const known: Peer[] = [];
  const peers = new PeersFile({ file, clock, logger, writeMs: 10_000, snapshot: () => known });
  const stored = async (): Promise<string[]> =>
    JSON.parse(await readFile(file, 'utf8')).peers.map(({ name }: Peer) => name);
  return { file, clock, logger, known, peers, stored };
}

test('what was saved is loaded in the next life', async () => {
  const { peers, known, file } = await setUp();
  known.push(peer('bob', 1), peer('cid', 2));
  await peers.close();
  const next = await setUp(join(file, '..'));
  expect(await next.peers.load()).toEqual([peer('bob', 1), peer('cid', 2)]);
});

test('changes are written at most every ten seconds, and at the end', async () => {
  const { peers, known, file, clock, stored } = await setUp();
  known.push(peer('bob', 1));
  peers.changed();
  peers.changed();
  expect(clock.pendingCount).toBe(1);
  await clock.advance(9_999);
  await expect(readFile(file)).rejects.toThrow(/ENOENT/);
  await clock.advance(1);
  await expect.poll(stored).toEqual(['bob']);
  known.push(peer('cid', 2));
  peers.changed();
  await peers.close();
  expect(await stored()).toEqual(['bob', 'cid']);
  peers.changed();
  expect(clock.pendingCount).toBe(0);
});

test('a node that sees nobody keeps what it knew', async () => {
  const { peers, known, file, clock, stored } = await setUp();
  known.push(peer('bob', 1));
  peers.changed();
  await clock.advance(10_000);
  known.length = 0;
  await peers.close();
  expect(await stored()).toEqual(['bob']);
  expect(await readdir(join(file, '..'))).toEqual(['peers.json']);
});

test('a large cluster leaves a bounded file', async () => {
  const { peers, known, stored } = await setUp();
  for (let n = 0; n < 1_000; n++) known.push(peer(`m${n}`, n + 1));
  await peers.close();
  expect(await stored()).toHaveLength(256);
});

test.each(['', 'nonsense', '{}', '[]', 'null', '{"schema":"grp.node.peers/2","peers":[]}', `"${'x'.repeat(300_000)}"`])(
  'a damaged file counts as none, and is said in the log',
  async (text) => {
    const { peers, file, logger } = await setUp();
    await writeFile(file, text);
    expect(await peers.load()).toEqual([]);
    expect(logger.events()).toEqual(['node.peers-unreadable']);
  },
);

test('unusable entries are left out, and a missing file is no trouble', async () => {
  const { peers, file, logger } = await setUp();
  expect(await peers.load()).toEqual([]);
  const entries = [
    null,
    7,
    {},
    { name: 'a', address: 'no port' },
    { name: 'b', address: '10.0.0.1:0' },
    { ...peer('c', 3), x: 1 },
  ];
  await writeFile(file, JSON.stringify({ schema: 'grp.node.peers/1', peers: entries }));
  expect(await peers.load()).toEqual([peer('c', 3)]);
  expect(logger.lines).toEqual([]);
});

test('a disk that cannot be written is said in the log and disturbs nothing', async () => {
  const { peers, known, logger } = await setUp('/proc/self');
  known.push(peer('bob', 1));
  await peers.close();
  expect(logger.events()).toEqual(['node.peers-unwritten']);
});
