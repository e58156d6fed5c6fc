import { expect, test } from 'vitest';
import { nicks, story, trackerWorld } from './support/world.ts';

test('two clients meet in a group, see the same view, and one leaves', async () => {
  const { add, settle, world } = await trackerWorld();
  const ann = await add('ann');
  const bob = await add('bob');
  expect(ann.client.session).toMatchObject({ nick: 'ann', motd: 'be kind' });
  await settle(ann.client.join('tea', { create: true, order: 'total' }));
  const joined = await settle(bob.client.join('tea'));
  expect(joined.info).toMatchObject({ group: 'tea', order: 'total', access: 'open' });
  expect((await settle(ann.client.request('beat', { seen: 0 }))).wallMs).toBeGreaterThan(0);
  await world.run(100);
  expect([nicks(ann, 'tea'), nicks(bob, 'tea')]).toEqual([
    ['ann', 'bob'],
    ['ann', 'bob'],
  ]);
  expect(ann.client.group('tea')?.view).toEqual(bob.client.group('tea')?.view);
  await settle(bob.client.request('leave', { group: 'tea', reason: 'supper' }));
  await world.run(100);
  expect(nicks(ann, 'tea')).toEqual(['ann']);
  expect(bob.client.groups()).toEqual([]);
  expect(story(ann)).toEqual(['join ann', 'join bob', 'leave bob']);
  const left = ann.events.flatMap((event) => (event.type === 'view' ? event.left : []));
  expect(left[0]?.text).toBe('supper');
});
