import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openNetwork } from '@grp/transport-udp';
import { expect, test } from 'vitest';
import { createSwim } from '../src/index.ts';

const folder = fileURLToPath(new URL('../examples/', import.meta.url));
const flags = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning'];
const outputs: Readonly<Record<string, string>> = {
  'embed.ts': ['ann: join bob', 'bob: join ann', "[ 'bob is alive', 'ann is alive' ]", 'ann: leave bob', ''].join('\n'),
  'sealed.ts': [
    'bob is in: true',
    "eve is not: SWIM_JOIN_FAILED { 'stream: decrypt': 1 }",
    'rotated on 2 of 2 {}',
    '',
  ].join('\n'),
};

test('every example is run here', async () => {
  expect((await readdir(folder)).toSorted()).toEqual([...Object.keys(outputs), 'member.ts'].toSorted());
});

test.each(Object.entries(outputs))('%s runs, prints what it should, and ends by itself', async (file, output) => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [...flags, folder + file], {
    timeout: 60_000,
  });
  expect([stdout, stderr]).toEqual([output, '']);
});

test('member.ts joins a running cluster, and leaves it on SIGTERM', async () => {
  const network = await openNetwork({ bind: '127.0.0.1:0' });
  const seed = createSwim(network, { name: 'seed', preset: 'local' });
  const events: string[] = [];
  seed.on((event) => void ('member' in event && events.push(`${event.type} ${event.member.name}`)));
  seed.start();
  // The port of the example may be taken on this host: the seed has any that is free.
  const code = (await readFile(`${folder}member.ts`, 'utf8')).replace('127.0.0.1:7946', network.self);
  const child = spawn(process.execPath, [...flags, '--input-type=module-typescript', '--eval', code], { cwd: folder });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
    if (printed.includes('is alive')) child.kill('SIGTERM');
  });
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => void (complaints += chunk.toString()));
  const [status] = (await once(child, 'exit')) as [number | null];
  seed.stop();
  await network.close();
  expect([printed, complaints, status]).toEqual(["join seed\n[ 'ann is alive', 'seed is alive' ]\n", '', 0]);
  expect(events).toEqual(['join ann', 'leave ann']);
});
