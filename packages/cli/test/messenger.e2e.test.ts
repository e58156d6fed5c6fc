import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runGrp } from './support/process.ts';
import { membersOf, startTalker, TrackerNode, until, type Talker } from './support/talker.ts';

const tracker = new TrackerNode();
const talkers: Talker[] = [];

function start(nick: string, ...more: readonly string[]): Talker {
  const talker = startTalker(nick, tracker.address, ...more);
  talkers.push(talker);
  return talker;
}

function told({ lines }: Talker, code: string): boolean {
  return lines.some((line) => line.code === code);
}

beforeAll(() => tracker.start(), 60_000);
afterAll(async () => {
  for (const { child } of talkers) child.kill('SIGKILL');
  await tracker.kill();
});

const linesEach = 2_000;

describe('five messengers in total order, each with 2,000 lines as fast as it can', () => {
  const names = ['ann', 'bob', 'eve', 'joe', 'kim'];
  const metricsFile = join(mkdtempSync(join(tmpdir(), 'grp-messenger-')), 'metrics.json');
  let living: readonly Talker[] = [];

  beforeAll(async () => {
    const all = names.map((nick) =>
      start(nick, '--order', 'total', ...(nick === 'ann' ? ['--metrics-out', metricsFile] : [])),
    );
    await until(() => all.every((talker) => membersOf(talker).length === 5), 'a view of five');
    living = all.slice(0, 4);
  }, 90_000);

  test('one is killed in the middle: the others have the same transcript, with all of the living in it', async () => {
    const kim = talkers[4] as Talker;
    for (const talker of [...living, kim])
      talker.type(...Array.from({ length: linesEach }, (_, index) => `${talker.nick} line ${index}`));
    await until(() => living.some((talker) => talker.transcript().length > linesEach), 'they are in the middle of it');
    kim.child.kill('SIGKILL');
    const killedAt = performance.now();
    await until(() => living.every((talker) => membersOf(talker).length === 4), 'kim is out everywhere');
    expect(performance.now() - killedAt).toBeLessThan(10_000); // 8 s, and a machine that has other things to do
    const ofLiving = (talker: Talker): number => talker.transcript().filter((line) => !/^\d+ kim:/.test(line)).length;
    await until(() => living.every((talker) => ofLiving(talker) === 4 * linesEach), 'all that the living said');
    const [first, ...others] = living.map((talker) => talker.transcript());
    for (const other of others) expect(other).toEqual(first);
    const places = first?.map((line) => Number.parseInt(line, 10)) ?? [];
    expect(places).toEqual(places.map((_, index) => index + 1));
  }, 180_000);

  test('the tracker is killed: they go on; it is back within five seconds, and so are group and members', async () => {
    await tracker.kill();
    await until(() => living.every((talker) => told(talker, 'tracker-lost')), 'everybody has noticed');
    for (const talker of living) talker.type(`${talker.nick} without a tracker`);
    const heard = (text: string): boolean =>
      living.every((talker) => talker.transcript().filter((line) => line.endsWith(text)).length === 4);
    await until(() => heard('without a tracker'), 'all read it');
    await tracker.start();
    const backMs = await until(() => living.every((talker) => told(talker, 'tracker-back')), 'it is back');
    expect(backMs).toBeLessThan(5_000);
    for (const talker of living) talker.type(`${talker.nick} with a tracker`);
    await until(() => heard('with a tracker'), 'all read it');
    const [first, ...others] = living.map((talker) => talker.transcript());
    for (const other of others) expect(other).toEqual(first);
    const { documents } = await runGrp('tracker', 'members', 'tea', '--node', tracker.http);
    expect(documents[0]).toMatchObject({ schema: 'grp.tracker.members/1', group: 'tea' });
    const members = documents[0]?.['members'] as { nick: string }[];
    expect(members.map(({ nick }) => nick).toSorted()).toEqual(['ann', 'bob', 'eve', 'joe']);
  }, 120_000);

  test('!q, SIGINT and SIGTERM end in order and soon, with metrics; the tracker adds them up', async () => {
    const [ann, bob, eve, joe] = living as [Talker, Talker, Talker, Talker];
    const startedAt = performance.now();
    ann.type('!q good night');
    expect(await ann.ended).toBe(0);
    const quitMs = performance.now() - startedAt;
    expect(quitMs).toBeLessThan(3_000); // some 20 ms of its own, and what a busy machine adds
    await until(() => told(bob, 'left'), 'bob hears of it');
    expect(bob.lines.findLast(({ code }) => code === 'left')?.text).toContain('good night');
    bob.child.kill('SIGINT');
    eve.child.kill('SIGTERM');
    joe.child.stdin?.end();
    expect(await Promise.all([bob.ended, eve.ended, joe.ended])).toEqual([0, 0, 0]);
    expect(ann.lines.at(-1)).toMatchObject({
      schema: 'grp.messenger.metrics/1',
      groups: [{ group: 'tea', order: 'total', sent: linesEach + 2, latencyMs: { p50: expect.any(Number) as number } }],
    });
    expect(JSON.parse(readFileSync(metricsFile, 'utf8'))).toMatchObject({ nick: 'ann', groups: [{ group: 'tea' }] });
    const { documents } = await runGrp('tracker', 'metrics', '--node', tracker.http);
    expect(documents[0]).toMatchObject({
      schema: 'grp.tracker.metrics/1',
      groups: [{ group: 'tea', reports: 4, sent: 4 * (linesEach + 2) }],
    });
  }, 60_000);
});

test('the tracker’s commands: policy, invite, kick and ban reach a messenger that runs', async () => {
  // Sue comes first and owns the group: an owner is refused by no policy.
  const sue = start('sue');
  await until(() => membersOf(sue).length === 1, 'sue is in');
  const tom = start('tom');
  await until(() => [sue, tom].every((talker) => membersOf(talker).length === 2), 'both are in');
  const here = ['--node', tracker.http];
  expect((await runGrp('tracker', 'groups', ...here)).documents[0]).toMatchObject({
    groups: [{ group: 'tea', members: 2, access: 'open' }],
  });
  expect((await runGrp('tracker', 'kick', 'tea', 'tom', '--reason', 'too loud', ...here)).code).toBe(0);
  await until(() => told(tom, 'removed'), 'tom hears it');
  expect((await runGrp('tracker', 'policy', 'tea', '--access', 'invite', ...here)).documents[0]).toMatchObject({
    schema: 'grp.tracker.policy/1',
    access: 'invite',
  });
  tom.type('!j tea');
  await until(() => tom.lines.some(({ type }) => type === 'error'), 'tom is refused');
  expect(tom.lines.findLast(({ type }) => type === 'error')).toMatchObject({ error: { code: 'TRACKER_INVITE_ONLY' } });
  expect((await runGrp('tracker', 'invite', 'tea', 'tom', ...here)).documents[0]).toMatchObject({ isHere: true });
  await until(() => told(tom, 'invite'), 'tom is invited');
  tom.type('!j tea', 'here I am');
  await until(() => sue.transcript().some((line) => line.endsWith('tom: here I am')), 'sue reads tom');
  expect((await runGrp('tracker', 'ban', 'tea', 'tom', ...here)).code).toBe(0);
  await until(() => membersOf(sue).length === 1, 'tom is out');
  expect((await runGrp('tracker', 'policy', 'tea', ...here)).documents[0]).toMatchObject({ bans: ['tom'] });
  for (const talker of [sue, tom]) talker.type('!q');
  expect(await Promise.all([sue.ended, tom.ended])).toEqual([0, 0]);
}, 120_000);
