import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { killClusterNow } from '../src/cluster/down.ts';
import type { ViewDocument } from '../src/gms/views.ts';
import { runGrp, startGrp, type GrpProcess } from './support/process.ts';

const dir = mkdtempSync(join(tmpdir(), 'grp-gms-'));
const here = ['--dir', dir];

async function viewAt(node: string): Promise<ViewDocument> {
  return (await runGrp('gms', 'view', '--node', node, ...here)).documents[0] as unknown as ViewDocument;
}

async function untilConverged(): Promise<void> {
  const { code, documents } = await runGrp('cluster', 'wait', '--for', 'converged', '--timeout', '60s', ...here);
  if (code !== 0) throw new Error(JSON.stringify(documents));
}

/** Waits until all of these nodes have delivered the same row; answers how many different ones there are. */
async function untilEqual(ids: readonly string[]): Promise<number> {
  const marks = async () =>
    new Set((await Promise.all(ids.map(viewAt))).map(({ delivered }) => JSON.stringify(delivered)));
  await expect.poll(async () => (await marks()).size, { timeout: 60_000 }).toBe(1);
  return (await marks()).size;
}

beforeAll(async () => {
  const up = await runGrp('cluster', 'up', '-n', '5', '--role', 'swim,gms', '--base-port', '0', '--detach', ...here);
  if (up.code !== 0) throw new Error(`cluster up: ${JSON.stringify(up)}`);
}, 120_000);
afterAll(() => killClusterNow(dir));

describe('a group of five processes', () => {
  test('is one group, with one leader', async () => {
    const views = await Promise.all(['n1', 'n2', 'n3', 'n4', 'n5'].map(viewAt));
    expect(views[0]).toMatchObject({
      schema: 'grp.gms.view/1',
      status: 'joined',
      group: 'default',
      delivery: 'agreed',
    });
    expect(views[0]?.view?.members.map(({ name }) => name).toSorted()).toEqual(['n1', 'n2', 'n3', 'n4', 'n5']);
    expect(views[0]?.view?.leader).toBe(views[0]?.view?.members[0]?.id);
    for (const { view } of views) expect(view).toEqual(views[0]?.view);
    expect((await runGrp('cluster', 'wait', '--for', 'leader', ...here)).documents[0]).toMatchObject({ leader: 'n1' });
  });

  test('what any node multicasts is delivered by every node in the same order', async () => {
    const tails = ['n1', 'n3'].map((node) => startGrp(['gms', 'tail', '--node', node, '--json', ...here]));
    const rowOf = (tail: GrpProcess) =>
      tail
        .stdout()
        .split('\n')
        .filter((line) => line.endsWith('}'))
        .map((line) => JSON.parse(line) as { readonly sequence: number; readonly payload: string });
    // A stream is open once it has shown something.
    const isListening = async (): Promise<boolean> => {
      await runGrp('gms', 'mcast', 'ready?', ...here);
      return tails.every((tail) => rowOf(tail).length > 0);
    };
    await expect.poll(isListening, { timeout: 30_000 }).toBe(true);
    const many = await runGrp('gms', 'mcast', 'again', '--count', '11', '--node', 'n4', ...here);
    expect(many.documents[0]).toMatchObject({
      schema: 'grp.gms.mcast/1',
      count: 11,
      sender: expect.stringMatching(/^n4#/),
    });
    const rows = await Promise.all(
      tails.map(async (tail) => {
        await expect.poll(() => rowOf(tail).filter(({ payload }) => payload === 'again').length).toBe(11);
        tail.child.kill('SIGINT');
        expect(await tail.ended).toBe(0);
        return rowOf(tail);
      }),
    );
    expect(rows[0]?.[0]).toMatchObject({ schema: 'grp.gms.tail/1', view: expect.any(Number), payload: 'ready?' });
    const [from] = [Math.max(...rows.map((row) => row[0]?.sequence ?? 0))];
    const common = rows.map((row) => row.filter(({ sequence }) => sequence >= from));
    expect(common[0]).toEqual(common[1]);
    expect(common[0]?.length).toBeGreaterThan(10);
  });

  test('all order hashes are equal', async () => {
    await runGrp('gms', 'mcast', 'x', '--count', '100', ...here);
    expect(await untilEqual(['n1', 'n2', 'n5'])).toBe(1);
  });

  test('the leader crashes in the middle of a multicast: the others go on without it', async () => {
    const heir = (await viewAt('n2')).view?.members[1]?.id;
    expect((await runGrp('gms', 'kill', 'n1', '--after-sends', '3', ...here)).documents[0]).toMatchObject({
      state: 'armed',
    });
    const sent = await runGrp('gms', 'mcast', 'while it dies', '--count', '200', '--node', 'n2', ...here);
    expect(sent.code).toBe(0);
    await untilConverged();
    const views = await Promise.all(['n2', 'n3', 'n4', 'n5'].map(viewAt));
    expect(views[0]?.view?.members).toHaveLength(4);
    expect(views[0]?.view?.leader).toBe(heir);
    for (const { delivered, view } of views)
      expect({ delivered, view }).toEqual({ delivered: views[0]?.delivered, view: views[0]?.view });
  });

  test('and it comes back as a new life, with the whole state', async () => {
    expect((await runGrp('cluster', 'restart', 'n1', ...here)).code).toBe(0);
    await untilConverged();
    const [old, back] = await Promise.all([viewAt('n2'), viewAt('n1')]);
    expect(back.delivered).toEqual(old.delivered);
    expect(back.view?.leader).toBe(old.view?.leader);
    expect(back.view?.members.at(-1)?.id).toMatch(/^n1#/);
  });

  test('workers show the same colours', async () => {
    const { code, documents } = await runGrp('gms', 'workers', '--rate', '30', '--duration', '4s', ...here);
    expect(code).toBe(0);
    const last = documents.at(-1) as { equal: boolean; workers: { colour: string; status: string }[] };
    expect(last).toMatchObject({ schema: 'grp.gms.workers/1', equal: true, divergedAt: null });
    expect(last.workers).toHaveLength(5);
  });

  test('a partition: three go on, two are blocked and say so, and all are equal after healing', async () => {
    expect((await runGrp('cluster', 'partition', 'n1,n2/n3,n4,n5', ...here)).code).toBe(0);
    await expect.poll(async () => (await viewAt('n3')).view?.members.length, { timeout: 60_000 }).toBe(3);
    expect((await runGrp('gms', 'mcast', 'majority', '--count', '10', '--node', 'n3', ...here)).code).toBe(0);
    await expect.poll(async () => (await viewAt('n1')).status, { timeout: 60_000 }).toBe('blocked');
    const refused = await runGrp('gms', 'mcast', 'minority', '--node', 'n1', ...here);
    expect(refused).toMatchObject({
      code: 7,
      documents: [{ error: { code: 'GMS_NO_QUORUM', hint: expect.any(String) } }],
    });
    expect((await runGrp('cluster', 'heal', ...here)).code).toBe(0);
    await untilConverged();
    expect(await untilEqual(['n1', 'n2', 'n3', 'n4', 'n5'])).toBe(1);
  });

  test('a payload that is too long is refused, and nothing else happens', async () => {
    const before = await viewAt('n3');
    const { code, documents } = await runGrp('gms', 'mcast', 'x'.repeat(100_000), '--node', 'n3', ...here);
    expect(code).toBe(0); // 100 kB is fine; the limit is 1 MiB, more than a command line takes
    expect(documents[0]).toMatchObject({ count: 1 });
    expect((await viewAt('n3')).view).toEqual(before.view);
  });
});
