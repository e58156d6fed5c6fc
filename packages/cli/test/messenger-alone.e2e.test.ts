// Messengers without their tracker, and how they end: real processes.
import { spawnSync, type ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { membersOf, startTalker, TrackerNode, until, type Talker } from './support/talker.ts';

const tracker = new TrackerNode();
const children: ChildProcess[] = [];

function start(nick: string): Talker {
  const talker = startTalker(nick, tracker.address, '--order', 'total');
  children.push(talker.child);
  return talker;
}

function told({ lines }: Talker, code: string): boolean {
  return lines.some((line) => line.code === code);
}

function heard(talker: Talker, text: string): boolean {
  return talker.transcript().some((line) => line.endsWith(text));
}

beforeAll(() => tracker.start(), 60_000);
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await tracker.kill();
});

test('a peer is killed while the tracker is down: a majority goes on in total order, a minority says that it is blocked', async () => {
  const all = ['ann', 'bob', 'eve'].map(start) as [Talker, Talker, Talker];
  const [ann, bob, eve] = all;
  await until(() => all.every((talker) => membersOf(talker).length === 3), 'a view of three');
  await tracker.kill();
  eve.type('my last words');
  await until(() => all.every((talker) => heard(talker, 'my last words')), 'all read it');
  eve.child.kill('SIGKILL');
  for (let index = 0; index < 50; index++) for (const talker of [ann, bob]) talker.type(`${talker.nick} ${index}`);
  await until(() => [ann, bob].every((talker) => membersOf(talker).length === 2), 'the two agree on a view');
  const isAllRead = (talker: Talker): boolean => talker.transcript().length === 101;
  await until(() => [ann, bob].every(isAllRead), 'they read all that both said');
  expect(ann.transcript()).toEqual(bob.transcript());
  expect(told(ann, 'blocked') || told(bob, 'blocked')).toBe(false);

  bob.child.kill('SIGKILL');
  await until(() => told(ann, 'blocked'), 'ann, one of two, says that she is blocked');
  ann.type('hello?');
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(heard(ann, 'hello?')).toBe(false);
  await tracker.start();
  await until(() => heard(ann, 'hello?'), 'the tracker is back and puts bob out: ann goes on');
  expect(membersOf(ann)).toEqual(['ann']);
  ann.type('!q');
  expect(await ann.ended).toBe(0);
}, 120_000);

const cleanMs = 100;

// What an empty program takes from start to end on a machine at rest; a clean end takes less.
const emptyMs = 50;

/** How many times slower than such a machine this one is now, at least 1: its pages, its disk and its processor together. */
function slowness(): number {
  const startedAt = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  return Math.max(1, (performance.now() - startedAt) / emptyMs);
}

// A clean end takes some 25 ms. Where everything takes longer the limit grows by as much; the quickest of three counts.
test.each<[string, (talker: Talker) => void]>([
  ['!q', (talker) => talker.type('!q')],
  ['SIGTERM', (talker) => void talker.child.kill('SIGTERM')],
])(
  '%s: the process is gone within 100 ms, with exit code 0',
  async (how, end) => {
    const talkers = [1, 2, 3].map((number) => start(`${how === '!q' ? 'quits' : 'ends'}-${number}`));
    await until(() => talkers.every((talker) => membersOf(talker).length === 3), 'all are in');
    const tookMs: number[] = [];
    const busy: number[] = [];
    for (const talker of talkers) {
      busy.push(slowness());
      const gone = new Promise<number>((resolve) => talker.child.once('exit', () => resolve(performance.now())));
      const startedAt = performance.now();
      end(talker);
      tookMs.push((await gone) - startedAt);
      expect(await talker.ended).toBe(0);
    }
    expect(Math.min(...tookMs)).toBeLessThan(cleanMs * Math.max(...busy));
    expect(Math.max(...tookMs)).toBeLessThan(3_000);
  },
  60_000,
);
