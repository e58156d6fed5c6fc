import { expect, test } from 'vitest';
import { get, post } from './support/http-client.ts';
import { alive, openNode, seedOf, untilAllSee } from './support/real-nodes.ts';

// Agents of Serf 0.9.4 know no labels (memberlist has them from 0.3.0 on), so this is among grp nodes.
test('members with another label, or with none, are strangers: joins fail and what they send is counted', async () => {
  const ann = await openNode({ name: 'ann', label: 'blue' });
  const bob = await openNode({ name: 'bob', label: 'blue' });
  const red = await openNode({ name: 'red', label: 'red' });
  const bare = await openNode({ name: 'bare' });
  await Promise.all([ann, bob, red, bare].map((node) => node.start()));
  expect(await post(bob, '/v1/swim/join', { seeds: [seedOf(ann)] })).toMatchObject({ status: 200 });
  await untilAllSee([ann, bob], ['ann', 'bob']);
  for (const [from, to] of [
    [red, ann],
    [bare, ann],
    [ann, bare],
  ] as const) {
    const refused = await post(from, '/v1/swim/join', { seeds: [seedOf(to)], timeoutMs: 500 });
    expect(refused).toMatchObject({ status: 504, body: { error: { code: 'SWIM_JOIN_FAILED' } } });
  }
  expect([ann, bob, red, bare].map((node) => alive(node).join(' '))).toEqual(['ann bob', 'ann bob', 'red', 'bare']);
  const { dropped } = (await get(ann, '/v1/swim/health')).body;
  const reasons = Object.keys(dropped as Record<string, number>);
  expect(reasons.some((reason) => reason.includes('label'))).toBe(true);
});
