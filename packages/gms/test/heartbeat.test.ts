import { expect, test } from 'vitest';
import { groupWorld, joinAll } from './support/world.ts';

test('a member that dies is out of the view within the bound, and a quick restart does not hide it', async () => {
  const world = groupWorld(['a', 'b', 'c']);
  await joinAll(world);
  world.crash('a');
  world.restart('a'); // nobody has noticed; its heartbeats have another id
  const tookMs = await world.runUntil(() => world.node('b').view?.members.length === 2, { withinMs: 5_000 });
  expect(tookMs).toBeLessThan(2_000);
});

test('a member that stops for less than the bound stays', async () => {
  const world = groupWorld(['a', 'b', 'c']);
  await joinAll(world);
  world.pause('c');
  await world.run(300);
  world.resume('c');
  await world.run(3_000);
  for (const name of world.names) expect(world.node(name).view?.id).toBe(2);
});

test('at 10 % loss nobody is suspected for a minute', async () => {
  const world = groupWorld(['a', 'b', 'c']);
  world.network.set({ loss: 0.1 });
  await joinAll(world);
  const before = world.node('a').view?.id;
  await world.run(60_000);
  for (const name of world.names) expect(world.node(name).view?.id).toBe(before);
});
