import { describe, expect, test } from 'vitest';
import { messagesOf, openRoom, screen, viewOf } from './support/world.ts';

const names = ['ann', 'bob', 'eve', 'joe'];

describe.each(['fifo', 'total'] as const)('a group in %s order', (order) => {
  test('everybody reads what anybody says, themselves included', async () => {
    const room = await openRoom();
    await room.gather('tea', names, { order });
    room.chatter('ann').messenger.send('tea', 'is the kettle on?');
    const everybodyHas = (count: number): boolean =>
      names.every((name) => messagesOf(room.chatter(name), 'tea').length === count);
    await room.until(() => everybodyHas(1), 'all have it');
    room.chatter('joe').messenger.send('tea', 'it is');
    await room.until(() => everybodyHas(2), 'all have both');
    for (const name of names) {
      expect(screen(room.chatter(name), 'tea')).toEqual(['ann: is the kettle on?', 'joe: it is']);
      expect(messagesOf(room.chatter(name), 'tea').map(({ isOwn }) => isOwn)).toEqual([name === 'ann', name === 'joe']);
      expect(messagesOf(room.chatter(name), 'tea')[1]).toMatchObject({
        ...{ order, sequence: order === 'total' ? 2 : 1, isReplay: false },
      });
    }
    expect(room.chatter('eve').messenger.group('tea').peers).toMatchObject(
      names.filter((name) => name !== 'eve').map((nick) => ({ nick, path: 'direct' })),
    );
  });
});

test('identical screens in total order: four members talk at once at 20 % loss, with doubling and reordering', async () => {
  const room = await openRoom({ seed: 7, network: { loss: 0.2, duplication: 0.1, delay: { minMs: 1, maxMs: 30 } } });
  await room.gather('tea', names, { order: 'total' });
  for (let round = 0; round < 25; round++) {
    for (const name of names) room.chatter(name).messenger.send('tea', `${name} ${round}`);
    await room.world.run(5);
  }
  await room.until(
    () => names.every((name) => messagesOf(room.chatter(name), 'tea').length === 100),
    'all have a hundred',
  );
  const [first, ...others] = names.map((name) => screen(room.chatter(name), 'tea'));
  for (const other of others) expect(other).toEqual(first);
  expect(messagesOf(room.chatter('bob'), 'tea').map(({ sequence }) => sequence)).toEqual(
    Array.from({ length: 100 }, (_, index) => index + 1),
  );
});

test('a member that dies in the middle is out for all of them, its last messages are there for all or for none', async () => {
  const room = await openRoom({ seed: 3 });
  await room.gather('tea', names, { order: 'total' });
  const survivors = names.filter((name) => name !== 'bob');
  for (let round = 0; round < 40; round++) {
    for (const name of names) {
      if (room.world.state(name) === 'running') room.chatter(name).messenger.send('tea', `${name} ${round}`);
    }
    if (round === 20) room.world.crash('bob');
    await room.world.run(1);
  }
  const tookMs = await room.until(
    () => survivors.every((name) => viewOf(room.chatter(name), 'tea').length === 3),
    'out',
  );
  expect(tookMs).toBeLessThan(8_000);
  const own = (name: string): number =>
    screen(room.chatter(name), 'tea').filter((line) => !line.startsWith('bob')).length;
  await room.until(() => survivors.every((name) => own(name) === 120), 'all that the living said');
  const [first, ...others] = survivors.map((name) => screen(room.chatter(name), 'tea'));
  for (const other of others) expect(other).toEqual(first);
  expect(room.chatter('ann').events).toContainEqual(
    expect.objectContaining({ type: 'left', nick: 'bob', reason: 'lost' }),
  );
});

test('several groups at once, each with its order and its unread messages', async () => {
  const room = await openRoom();
  await room.gather('tea', ['ann', 'bob'], { order: 'total' });
  const [ann, bob] = [room.chatter('ann').messenger, room.chatter('bob').messenger];
  await room.settle(ann.join('cake', { order: 'fifo' }));
  await room.settle(bob.join('cake', { order: 'total' })); // the group has an order already
  ann.send('cake', 'with cream');
  ann.send('tea', 'with milk');
  bob.send('tea', 'without');
  await room.until(() => bob.groups().every(({ unread }) => unread === 1), 'both are unread');
  await room.until(() => screen(room.chatter('ann'), 'tea').length === 2, 'the other tea');
  expect(bob.groups()).toMatchObject([
    { group: 'tea', order: 'total', unread: 1, members: ['ann', 'bob'] },
    { group: 'cake', order: 'fifo', unread: 1, members: ['ann', 'bob'] },
  ]);
  bob.group('tea').markRead();
  expect(bob.group('tea').state.unread).toBe(0);
  bob.ignore('ann', true);
  ann.send('tea', 'nobody hears this');
  await room.until(() => screen(room.chatter('ann'), 'tea').length === 3, 'ann reads it');
  await room.world.run(100);
  expect(screen(room.chatter('bob'), 'tea')).toHaveLength(2);
  await room.settle(ann.leave('cake', 'no cake today'));
  await room.until(() => viewOf(room.chatter('bob'), 'cake').length === 1, 'ann is gone from the cake');
  expect(room.chatter('bob').events).toContainEqual(
    expect.objectContaining({ type: 'left', group: 'cake', nick: 'ann', reason: 'leave', text: 'no cake today' }),
  );
  expect(() => ann.send('cake', 'more?')).toThrow(expect.objectContaining({ code: 'MESSENGER_NOT_JOINED' }) as Error);
});

test('a late joiner reads the last messages in the order of the group, marked as replay, before the first new one', async () => {
  const room = await openRoom({ seed: 5, network: { loss: 0.1 } });
  await room.gather('tea', ['ann', 'bob', 'eve'], { order: 'total' });
  const everybody = ['ann', 'bob', 'eve'];
  for (let index = 0; index < 80; index++)
    room.chatter(everybody[index % 3] ?? '').messenger.send('tea', `message ${index}`);
  await room.until(() => everybody.every((name) => screen(room.chatter(name), 'tea').length === 80), 'all said');
  const { messenger } = await room.add('joe');
  const joining = messenger.join('tea');
  for (let index = 80; index < 120; index++) {
    room.chatter('ann').messenger.send('tea', `message ${index}`);
    await room.world.run(2);
  }
  await room.settle(joining);
  await room.until(() => screen(room.chatter('joe'), 'tea').some((line) => line.endsWith('119')), 'the last');
  const [seen, all] = [messagesOf(room.chatter('joe'), 'tea'), screen(room.chatter('ann'), 'tea')];
  const replayed = seen.filter(({ isReplay }) => isReplay);
  expect(replayed).toHaveLength(50);
  expect(seen.findLastIndex(({ isReplay }) => isReplay)).toBe(49);
  expect(screen(room.chatter('joe'), 'tea')).toEqual(all.slice(-seen.length));
});
