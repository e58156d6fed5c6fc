// A log's folder as format 1 has it on the disk, with a truncation, a compaction and a snapshot in it. A change that makes
// the bytes others needs a new version and a golden folder of its own; this one stays, and must still open.
// GRP_GOLDEN=write makes the folder of a new format.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { systemClock } from '@grp/core';
import { afterEach, expect, test } from 'vitest';
import { openLog, type Entry, type Log, type Ticket } from '../../src/index.ts';
import { nodeDisk } from '../../src/node/index.ts';

const file = new URL('./disk-v1.json', import.meta.url);
const config = { segmentBytes: 8_192, firstSegmentBytes: 8_192, entryBytesMax: 1_024, batchBytesMax: 1_024 };
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (said: string): Uint8Array => new TextEncoder().encode(said);

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'grp-golden-'));
  folders.push(folder);
  return folder;
}

function durable(log: Log, ticket: Ticket): Promise<void> {
  return new Promise((resolve) => {
    const cancel = log.on((event) => {
      if (event.type !== 'durable' || event.ticket < ticket) return;
      cancel();
      resolve();
    });
  });
}

async function write(): Promise<void> {
  const folder = emptyFolder();
  const disk = nodeDisk(folder);
  const log = await openLog({ disk, clock: systemClock(), config });
  const add = (from: number, to: number, term: number): Ticket => {
    let ticket = 0;
    for (let index = from; index <= to; index++)
      ticket = log.append([{ index, term, payload: bytes(`entry ${index} of term ${term}`) }], bytes(`term ${term}`));
    return ticket;
  };
  await durable(log, add(1, 30, 1));
  await durable(log, log.truncate(21));
  await durable(log, add(21, 40, 2));
  const snapshot = log.snapshots.create({ index: 10, term: 1, metadata: bytes('who votes') });
  await snapshot.write(bytes('the state at 10'));
  await snapshot.commit();
  log.hintCommit(35);
  await durable(log, log.compact(10));
  await durable(log, add(41, 41, 2));
  await log.close();
  disk.close();
  const kept = readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(({ name }) => !name.startsWith('.lock') && !name.endsWith('.spare'))
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)));
  const content = kept.map((name) => [name, gzipSync(readFileSync(join(folder, name))).toString('base64')]);
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(content), undefined, 2)}\n`);
}

test('a folder of format 1 opens, with everything that was durable', async () => {
  if (process.env['GRP_GOLDEN'] === 'write') await write();
  const golden = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, string>>;
  const folder = emptyFolder();
  for (const [name, content] of Object.entries(golden)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), gunzipSync(Buffer.from(content, 'base64')));
  }
  const disk = nodeDisk(folder);
  const log = await openLog({ disk, clock: systemClock(), config });
  const { recovered } = log;
  expect(recovered.damage).toBeUndefined();
  expect([recovered.firstIndex, recovered.lastIndex, recovered.compacted]).toEqual([11, 41, { index: 10, term: 1 }]);
  expect(text(recovered.hardState ?? new Uint8Array(0))).toBe('term 2');
  expect(recovered.commitHint).toBe(35);
  const read: Entry[] = [];
  while (read.length < 31) read.push(...(await log.entries.read(11 + read.length, 41, 65_536)));
  expect(read.map(({ index, term, payload }) => [index, term, text(payload)])).toEqual(
    Array.from({ length: 31 }, (_, offset) => {
      const index = 11 + offset;
      const term = index <= 20 ? 1 : 2;
      return [index, term, `entry ${index} of term ${term}`];
    }),
  );
  const snapshot = await log.snapshots.open();
  expect(snapshot.info).toMatchObject({ index: 10, term: 1, sizeBytes: 15 });
  expect(text(snapshot.info.metadata)).toBe('who votes');
  expect(text(await snapshot.read(0, 100))).toBe('the state at 10');
  snapshot.close();
  // And it goes on being a log.
  await durable(log, log.append([{ index: 42, term: 3, payload: bytes('new') }]));
  await log.close();
  disk.close();
});
