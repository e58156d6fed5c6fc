// The journal and the messages of agreement as format 1 has them. A change that makes the bytes others needs a new version
// and golden files of its own; these stay, and must still be read. GRP_GOLDEN=write makes new ones.
import { readFileSync, writeFileSync } from 'node:fs';
import { silentLogger, type Disk } from '@grp/core';
import { createWorld, type World } from '@grp/sim';
import { expect, test } from 'vitest';
import { decodeAgreement, encodeAgreement, type AgreementMessage } from '../../src/agreement/messages.ts';
import { Journal } from '../../src/server/journal.ts';
import { crypto } from '../support/world.ts';

const file = new URL('./formats-v1.json', import.meta.url);
const name = 'journal.jsonl';

interface Desk {
  readonly disk: Disk;
}

async function settled<Result>(world: World<Desk>, promise: Promise<Result>): Promise<Result> {
  let isDone = false;
  const note = (): void => void (isDone = true);
  promise.then(note, note);
  await world.runUntil(() => isDone);
  return promise;
}

function open(disk: Disk): Journal {
  const onFailure = (error: Error): never => {
    throw error;
  };
  return new Journal({ disk, crypto, logger: silentLogger, onDurable: () => {}, onFailure });
}

const records: readonly (readonly [string, unknown])[] = [
  ['nick/ann', { nick: 'Ann', usedAt: 5 }],
  ['group/tea', { name: 'Tea', order: 'total', allow: [] }],
  ['gone', { a: 1 }],
  ['gone', undefined],
  ['floor', 12],
];

const agreement: AgreementMessage = { type: 'prepare', base: 7, round: 2 };

async function write(): Promise<void> {
  const world = createWorld<Desk>({ seed: 1, nodes: ['a'], start: ({ disk }) => ({ disk }) });
  const { disk } = world.node('a');
  const journal = open(disk);
  await settled(world, journal.load());
  for (const [index, [key, value]] of records.entries()) journal.put(index + 1, key, value);
  await world.run(1_000);
  const bytes = await settled(
    world,
    disk.size(name).then((size) => disk.read(name, 0, size)),
  );
  const content = {
    journal: new TextDecoder().decode(bytes),
    agreement: new TextDecoder().decode(encodeAgreement(agreement)),
  };
  writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
}

async function golden(): Promise<{ readonly journal: string; readonly agreement: string }> {
  if (process.env['GRP_GOLDEN'] === 'write') await write();
  return JSON.parse(readFileSync(file, 'utf8')) as { journal: string; agreement: string };
}

test('a journal of format 1 opens with what was in it', async () => {
  const { journal: text } = await golden();
  const world = createWorld<Desk>({ seed: 2, nodes: ['a'], start: ({ disk }) => ({ disk }) });
  const { disk } = world.node('a');
  await settled(
    world,
    disk.write(name, 0, new TextEncoder().encode(text)).then(() => disk.sync(name)),
  );
  const entries = await settled(world, open(disk).load());
  expect(Object.fromEntries(entries)).toEqual({
    'nick/ann': { nick: 'Ann', usedAt: 5 },
    'group/tea': { name: 'Tea', order: 'total', allow: [] },
    floor: 12,
  });
});

test('a message of agreement of version 1 is read, and still written so', async () => {
  const { agreement: text } = await golden();
  expect(decodeAgreement(new TextEncoder().encode(text))).toEqual(agreement);
  expect(new TextDecoder().decode(encodeAgreement(agreement))).toBe(text);
});
