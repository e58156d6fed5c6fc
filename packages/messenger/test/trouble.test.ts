import type { Address, Transport } from '@grp/core';
import type { Host } from '@grp/sim';
import { expect, test } from 'vitest';
import { messagesOf, openRoom, screen, viewOf, type Room } from './support/world.ts';

const names = ['ann', 'bob', 'eve', 'joe', 'kim'];

function sameScreens(room: Room, who: readonly string[]): void {
  const [first, ...others] = who.map((name) => screen(room.chatter(name), 'tea'));
  for (const other of others) expect(other).toEqual(first);
}

function everybodyRead(room: Room, who: readonly string[], text: string): () => boolean {
  return () => who.every((name) => screen(room.chatter(name), 'tea').some((line) => line.endsWith(text)));
}

test('while the tracker is away the members go on; it comes back with groups and members as they were', async () => {
  const room = await openRoom();
  await room.gather('tea', names, { order: 'total' });
  room.world.crash('tracker');
  await room.until(() => names.every((name) => room.chatter(name).messenger.tracker.state === 'lost'), 'lost');
  room.chatter('ann').messenger.send('tea', 'who needs it?');
  expect(await room.until(everybodyRead(room, names, 'who needs it?'), 'it is read', 1_000)).toBeLessThan(1_000);
  room.world.restart('tracker');
  const backMs = await room.until(
    () => names.every((name) => room.chatter(name).messenger.tracker.state === 'ready'),
    'back',
  );
  expect(backMs).toBeLessThan(5_000);
  expect(room.tracker().groups()).toMatchObject([{ group: 'tea', members: 5, order: 'total' }]);
  expect(names.flatMap((name) => room.chatter(name).events.filter(({ type }) => type === 'left'))).toEqual([]);
});

test('a member that dies while the tracker is away: a majority goes on without it, and the tracker adopts that', async () => {
  const room = await openRoom({ seed: 2 });
  await room.gather('tea', names, { order: 'total' });
  room.world.crash('tracker');
  await room.until(() => names.every((name) => room.chatter(name).messenger.tracker.state === 'lost'), 'lost');
  room.world.crash('kim');
  room.chatter('ann').messenger.send('tea', 'kim?');
  const living = names.filter((name) => name !== 'kim');
  await room.until(() => living.every((name) => viewOf(room.chatter(name), 'tea').length === 4), 'a view of four');
  await room.until(everybodyRead(room, living, 'kim?'), 'read in the new view');
  for (const name of living) {
    expect(room.chatter(name).events).toContainEqual(
      expect.objectContaining({ type: 'left', nick: 'kim', reason: 'agreed' }),
    );
  }
  room.world.restart('tracker');
  await room.until(() => living.every((name) => room.chatter(name).messenger.tracker.state === 'ready'), 'back');
  await room.until(() => room.tracker().groups()[0]?.members === 4, 'adopted');
  room.chatter('bob').messenger.send('tea', 'we went on');
  await room.until(everybodyRead(room, living, 'we went on'), 'read');
  sameScreens(room, living);
});

test('a minority without the tracker is blocked and says so', async () => {
  const room = await openRoom({ seed: 4 });
  await room.gather('tea', names, { order: 'total' });
  room.world.crash('tracker');
  for (const name of ['eve', 'joe', 'kim']) room.world.crash(name);
  await room.until(() => room.chatter('ann').messenger.group('tea').state.status === 'blocked', 'blocked');
  room.chatter('ann').messenger.send('tea', 'hello?');
  await room.world.run(10_000);
  expect(screen(room.chatter('bob'), 'tea')).toEqual([]);
  expect(viewOf(room.chatter('ann'), 'tea')).toHaveLength(5);
  expect(room.chatter('ann').events).toContainEqual({ type: 'status', group: 'tea', status: 'blocked' });
});

test('two members that do not reach each other talk through the tracker, and directly again when they can', async () => {
  const room = await openRoom({ seed: 5, network: { loss: 0.05 } });
  const few = ['ann', 'bob', 'eve'];
  await room.add('ann');
  await room.add('bob');
  room.world.network.cut({ from: 'ann', to: 'bob' });
  room.world.network.cut({ from: 'bob', to: 'ann' });
  await room.add('eve');
  for (const name of few) await room.settle(room.chatter(name).messenger.join('tea', { order: 'total' }));
  const pathOf = (name: string, nick: string): string | undefined =>
    room
      .chatter(name)
      .messenger.group('tea')
      .peers.find((peer) => peer.nick === nick)?.path;
  await room.until(() => pathOf('ann', 'bob') === 'relay' && pathOf('bob', 'ann') === 'relay', 'relayed');
  expect(pathOf('ann', 'eve')).toBe('direct');
  for (let index = 0; index < 30; index++)
    for (const name of few) room.chatter(name).messenger.send('tea', `${name} ${index}`);
  await room.until(() => few.every((name) => screen(room.chatter(name), 'tea').length === 90), 'all read all');
  sameScreens(room, few);
  room.world.network.heal();
  await room.until(() => pathOf('ann', 'bob') === 'direct' && pathOf('bob', 'ann') === 'direct', 'direct again');
  room.chatter('ann').messenger.send('tea', 'there you are');
  await room.until(everybodyRead(room, few, 'there you are'), 'read');
  sameScreens(room, few);
});

test('a path that breaks in the middle is replaced by the relay', async () => {
  const room = await openRoom({ seed: 6 });
  await room.gather('tea', ['ann', 'bob', 'eve'], { order: 'total' });
  room.world.network.cut({ from: 'ann', to: 'bob' });
  for (let index = 0; index < 10; index++) room.chatter('ann').messenger.send('tea', `ann ${index}`);
  await room.until(everybodyRead(room, ['ann', 'bob', 'eve'], 'ann 9'), 'all read it', 20_000);
  sameScreens(room, ['ann', 'bob', 'eve']);
  expect(room.chatter('bob').events).toContainEqual({ type: 'path', group: 'tea', nick: 'ann', path: 'relay' });
});

test('two members behind address translations find each other: a third one tells each where it is seen', async () => {
  const room = await openRoom({ seed: 11 });
  // Inside, the port is 9000; outside, everything comes from, and only arrives at, another one.
  const translated =
    (port: number) =>
    (host: Host): Transport => {
      const outside = host.transport(port);
      return {
        ...{ maxPayloadBytes: outside.maxPayloadBytes, delivery: outside.delivery, close: () => outside.close() },
        self: outside.self.replace(`:${port}`, ':9000') as Address,
        send: (to, payload) => outside.send(to, payload),
        onReceive: (listener) => outside.onReceive(listener),
      };
    };
  await room.add('ann');
  await room.add('bob', {}, translated(9_111));
  await room.add('eve', {}, translated(9_222));
  for (const name of ['ann', 'bob', 'eve'])
    await room.settle(room.chatter(name).messenger.join('tea', { order: 'total' }));
  const pathOf = (name: string, nick: string): string => {
    const { peers } = room.chatter(name).messenger.group('tea');
    const peer = peers.find((one) => one.nick === nick);
    return `${peer?.path} ${peer?.address.split(':').at(-1)}`;
  };
  await room.until(
    () => pathOf('bob', 'eve') === 'direct 9222' && pathOf('eve', 'bob') === 'direct 9111',
    'directly, each at the address that Ann sees',
  );
  room.chatter('bob').messenger.send('tea', 'there you are');
  await room.until(everybodyRead(room, ['ann', 'bob', 'eve'], 'there you are'), 'read');
  expect(room.chatter('bob').messenger.metrics().refused).toEqual({});
});

test('a member whose address changes in the middle of a conversation goes on', async () => {
  const room = await openRoom({ seed: 8 });
  let move: () => void = () => {};
  // A NAT that forgets: what this host sends comes from another port from then on, and nothing comes in on the old one.
  const moving = (host: Host): Transport => {
    let inner = host.transport(8_001);
    let listener: ((from: Address, payload: Uint8Array) => void) | undefined;
    const attach = (): void => void inner.onReceive((from, payload) => listener?.(from, payload));
    attach();
    move = () => {
      void inner.close();
      inner = host.transport(8_002);
      attach();
    };
    return {
      ...{ self: inner.self, maxPayloadBytes: inner.maxPayloadBytes, delivery: 'best-effort' as const },
      send: (to, payload) => inner.send(to, payload),
      onReceive: (given) => {
        listener = given;
        return () => void (listener = undefined);
      },
      close: () => inner.close(),
    };
  };
  await room.gather('tea', ['ann', 'bob'], { order: 'total' });
  await room.add('eve', {}, moving);
  await room.settle(room.chatter('eve').messenger.join('tea'));
  const few = ['ann', 'bob', 'eve'];
  await room.until(() => room.chatter('eve').messenger.group('tea').state.reached === 2, 'eve reaches both');
  for (const name of few) room.chatter(name).messenger.send('tea', `${name} before`);
  move();
  for (const name of few) room.chatter(name).messenger.send('tea', `${name} after`);
  await room.until(() => few.every((name) => messagesOf(room.chatter(name), 'tea').length === 6), 'all six', 30_000);
  sameScreens(room, few);
  const { peers } = room.chatter('ann').messenger.group('tea');
  await room.until(
    () =>
      room
        .chatter('ann')
        .messenger.group('tea')
        .peers.some(({ nick, address, path }) => nick === 'eve' && address.endsWith(':8002') && path === 'direct'),
    'directly to the new address',
  );
  expect(peers).toHaveLength(2);
  expect(viewOf(room.chatter('ann'), 'tea')).toEqual(few);
});

test('a session that is gone is replaced: the group goes on with a new id, and the history tells what was missed', async () => {
  const room = await openRoom({ seed: 9, tracker: { sessionKeepMs: 10_000 } });
  const few = ['ann', 'bob', 'eve'];
  await room.gather('tea', few, { order: 'total' });
  room.world.network.partition(['eve'], ['ann', 'bob', 'tracker']);
  await room.until(() => viewOf(room.chatter('ann'), 'tea').length === 2, 'eve is out');
  for (const text of ['one', 'two']) room.chatter('ann').messenger.send('tea', text);
  await room.world.run(20_000);
  room.world.network.heal();
  await room.until(() => viewOf(room.chatter('ann'), 'tea').length === 3, 'eve is back', 60_000);
  await room.until(everybodyRead(room, few, 'two'), 'eve has heard of it');
  room.chatter('eve').messenger.send('tea', 'three');
  await room.until(everybodyRead(room, few, 'three'), 'all of it');
  sameScreens(room, few);
  expect(messagesOf(room.chatter('eve'), 'tea').map(({ isReplay }) => isReplay)).toEqual([true, true, false]);
});
