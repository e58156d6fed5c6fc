import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Address } from '@grp/core';
import { expect, test } from 'vitest';
import type { ResolvedOptions } from '../src/options.ts';
import { identify } from '../src/raft/server-id.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const address = '127.0.0.1:7950' as Address;
const alone = { cluster: [], seeds: [], given: {} } as unknown as ResolvedOptions;

async function identityIn(folder: string, name: string) {
  return identify(folder, { name, options: alone, address });
}

test('a server stays who it was, whatever it is called now', async () => {
  const folder = await temporaryFolder();
  const first = await identityIn(folder, 'n1');
  expect(first).toEqual({ id: 'n1', address, bootstrap: { voters: ['n1'], addresses: { n1: address } } });
  expect(await identityIn(folder, 'other')).toEqual(first);
});

test.each(['server.json', 'server-copy.json'])('rot in %s is seen, and mended from the other', async (name) => {
  const folder = await temporaryFolder();
  const first = await identityIn(folder, 'n1');
  const file = join(folder, name);
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('"n1"', '"n0"'));
  expect(await identityIn(folder, 'other')).toEqual(first);
  expect(await readFile(file, 'utf8')).toBe(text);
  await truncate(file, 0);
  expect(await identityIn(folder, 'other')).toEqual(first);
});

test('rot in both is no new server', async () => {
  const folder = await temporaryFolder();
  await identityIn(folder, 'n1');
  for (const name of ['server.json', 'server-copy.json']) await truncate(join(folder, name), 9);
  await expect(identityIn(folder, 'n1')).rejects.toMatchObject({ code: 'NODE_DATA_DIR_UNUSABLE' });
});
