import { GrpError } from '@grp/core';
import { describe, expect, test } from 'vitest';
import { teaParty } from './support/attacker.ts';
import { nicks, signerOf, story, trackerWorld } from './support/world.ts';

const codeOf = (error: unknown): unknown => (error instanceof GrpError ? error.code : error);

describe('a client that dies', () => {
  test('is out of every list and announced within 8 s', async () => {
    const { world, chatter } = await teaParty('ann', 'bob', 'eve');
    world.crash('eve');
    const start = world.now;
    await world.runUntil(() => nicks(chatter('ann'), 'tea').length === 2 && nicks(chatter('bob'), 'tea').length === 2);
    expect(world.now - start).toBeLessThan(8_000);
    expect(story(chatter('bob')).at(-1)).toBe('lost eve');
  });

  test('says nothing, its host having lost power: just as fast', async () => {
    const { world, chatter } = await teaParty('ann', 'eve');
    world.crash('eve', 'host');
    const start = world.now;
    await world.runUntil(() => nicks(chatter('ann'), 'tea').length === 1);
    expect(world.now - start).toBeLessThan(8_000);
  });

  test('gets its nick back at once with the same key, under another id', async () => {
    const { world, chatter, settle } = await teaParty('ann', 'eve');
    const before = chatter('eve').client.session?.id;
    world.crash('eve');
    world.restart('eve');
    await world.runUntil(() => chatter('eve').client.state === 'ready');
    await settle(chatter('eve').client.join('tea'));
    await world.run(200);
    expect(chatter('eve').client.session?.id).not.toBe(before);
    expect(story(chatter('ann')).slice(-2)).toEqual(['join eve', 'reclaimed eve']);
    expect(nicks(chatter('ann'), 'tea')).toEqual(['ann', 'eve']);
  });

  test('leaves its nick to others after a minute, and not before', async () => {
    const { world, add } = await teaParty('ann', 'eve');
    world.crash('eve');
    await world.run(30_000);
    expect(codeOf((await add('mallory', { nick: 'eve' })).error)).toBe('TRACKER_NICK_TAKEN');
    await world.run(31_000);
    expect((await add('eve2', { nick: 'eve' })).client.session?.nick).toBe('eve');
  });
});

test('a clean goodbye is announced within 100 ms', async () => {
  const { world, chatter, settle } = await teaParty('ann', 'bob');
  const start = world.now;
  await settle(chatter('bob').client.stop({ reason: 'good night' }));
  const stopped = world.now - start;
  await world.runUntil(() => nicks(chatter('ann'), 'tea').length === 1);
  expect([stopped < 100, world.now - start < 100]).toEqual([true, true]);
  expect(story(chatter('ann')).at(-1)).toBe('quit bob');
});

describe('a connection that breaks', () => {
  test('for a few seconds costs nothing: no leave, no join, and what was missed is told', async () => {
    const { world, chatter, settle, add } = await teaParty('ann', 'bob');
    const { id } = chatter('bob').client.session ?? {};
    world.network.partition(['bob']);
    const eve = await add('eve');
    await settle(eve.client.join('tea'));
    await settle(chatter('ann').client.request('topic', { group: 'tea', text: 'cake' }));
    await world.run(4_000);
    world.network.heal();
    await world.run(3_000);
    expect(chatter('bob').client.session?.id).toBe(id);
    expect(nicks(chatter('bob'), 'tea')).toEqual(['ann', 'bob', 'eve']);
    expect(chatter('bob').client.group('tea')?.info.topic).toBe('cake');
    expect(
      story(chatter('bob'))
        .slice(2)
        .filter((line) => !line.startsWith('tracker')),
    ).toEqual(['join eve']);
    expect(story(chatter('ann'))).toEqual(['join ann', 'join bob', 'join eve']);
  });

  test('for half a minute: lost and back, with the same identity', async () => {
    const { world, chatter } = await teaParty('ann', 'bob');
    const { id } = chatter('bob').client.session ?? {};
    world.network.partition(['bob'], ['tracker', 'ann']);
    await world.run(30_000);
    expect(nicks(chatter('ann'), 'tea')).toEqual(['ann']);
    world.network.heal();
    await world.runUntil(() => nicks(chatter('ann'), 'tea').length === 2);
    await world.run(500);
    expect(story(chatter('ann'))).toEqual(['join ann', 'join bob', 'lost bob', 'back bob']);
    expect(chatter('bob').client.session?.id).toBe(id);
    expect(chatter('bob').client.group('tea')?.view).toEqual(chatter('ann').client.group('tea')?.view);
  });

  test('for longer than a minute: a new session, and the groups joined again', async () => {
    const { world, chatter } = await teaParty('ann', 'bob');
    const { id } = chatter('bob').client.session ?? {};
    world.network.partition(['bob'], ['tracker', 'ann']);
    await world.run(90_000);
    world.network.heal();
    await world.runUntil(() => nicks(chatter('ann'), 'tea').length === 2);
    await world.run(500);
    expect(story(chatter('ann'))).toEqual(['join ann', 'join bob', 'lost bob', 'join bob']);
    expect(chatter('bob').client.session?.id).not.toBe(id);
    expect(chatter('bob').events.at(-1)).toMatchObject({ type: 'ticket' });
    expect(nicks(chatter('bob'), 'tea')).toEqual(['ann', 'bob']);
  });

  test('takes requests that wait along, and does each once', async () => {
    const { world, chatter, settle } = await teaParty('ann', 'bob');
    world.network.partition(['bob'], ['tracker', 'ann']);
    const made = chatter('bob').client.request('create', { group: 'cake' }, { timeoutMs: 30_000 });
    const listed = chatter('bob').client.request('groups', {}, { timeoutMs: 30_000 });
    await world.run(2_000);
    world.network.heal();
    expect((await settle(made)).group).toBe('cake');
    expect((await settle(listed)).groups.map(({ group }) => group)).toEqual(['cake', 'tea']);
  });

  test('makes requests fail with a code in time, or when they are aborted', async () => {
    const { world, chatter, settle } = await teaParty('ann', 'bob');
    world.network.partition(['bob'], ['tracker', 'ann']);
    const slow = chatter('bob').client.request('groups', {}, { timeoutMs: 500 });
    await expect(settle(slow)).rejects.toMatchObject({ code: 'TRACKER_TIMEOUT', kind: 'unreachable' });
    const abort = new AbortController();
    const aborted = chatter('bob').client.request('groups', {}, { signal: abort.signal });
    abort.abort(new Error('never mind'));
    await expect(aborted).rejects.toThrow('never mind');
    await world.run(10_000);
    const lost = chatter('bob').client.request('groups', {}, { timeoutMs: 500 });
    await expect(settle(lost)).rejects.toMatchObject({ code: 'TRACKER_LOST' });
  });
});

describe('a tracker that restarts', () => {
  test('has groups, policies and members back within 5 s, without any noise', async () => {
    const { world, chatter, settle, tracker, add } = await teaParty('ann', 'bob', 'eve');
    const ann = chatter('ann').client;
    await settle(ann.request('policy', { group: 'tea', access: 'key', key: 'sugar', limit: 7 }));
    await settle(ann.request('topic', { group: 'tea', text: 'cake' }));
    const [view, ids] = [ann.group('tea')?.view, ['ann', 'bob', 'eve'].map((name) => chatter(name).client.session?.id)];
    world.crash('tracker', 'host');
    await world.run(1_000);
    expect(chatter('bob').client.state).not.toBe('stopped');
    expect(nicks(chatter('bob'), 'tea')).toHaveLength(3); // they go on talking to each other
    world.restart('tracker');
    const start = world.now;
    const isBack = (): boolean => ['ann', 'bob', 'eve'].every((name) => chatter(name).client.state === 'ready');
    await world.runUntil(() => world.everyNode((app) => app !== undefined) && isBack(), { withinMs: 20_000 });
    expect(world.now - start).toBeLessThan(5_000);
    expect(['ann', 'bob', 'eve'].map((name) => chatter(name).client.session?.id)).toEqual(ids);
    await world.run(15_000);
    expect(tracker().groups()).toEqual([
      {
        group: 'tea',
        order: 'total',
        access: 'key',
        moderated: false,
        secret: false,
        limit: 7,
        members: 3,
        topic: 'cake',
      },
    ]);
    expect(ann.group('tea')?.view).toEqual(view);
    expect(story(chatter('eve'))).toEqual(['join ann', 'join bob', 'join eve', 'tracker lost', 'tracker back']);
    const mallory = await add('mallory');
    await expect(settle(mallory.client.join('tea', { key: 'salt' }))).rejects.toMatchObject({
      code: 'TRACKER_GROUP_KEY',
    });
    expect((await settle(mallory.client.join('tea', { key: 'sugar' }))).view.members).toHaveLength(4);
    expect(mallory.client.group('tea')?.view.number).toBeGreaterThan(view?.number ?? Infinity);
  });

  test('counts those lost who do not come back', async () => {
    const { world, chatter } = await teaParty('ann', 'bob');
    world.crash('tracker');
    world.crash('bob');
    await world.run(1_000);
    world.restart('tracker');
    const start = world.now;
    await world.runUntil(() => nicks(chatter('ann'), 'tea').length === 1, { withinMs: 20_000 });
    expect(world.now - start).toBeLessThan(8_500);
  });

  test('without a disk is told everything anew by its members, with higher view numbers', async () => {
    const party = await trackerWorld({ hasDisk: false });
    const { world, chatter, settle } = party;
    for (const name of ['ann', 'bob'])
      await settle((await party.add(name)).client.join('tea', { create: true, order: 'total' }));
    await world.run(200);
    const before = chatter('ann').client.group('tea')?.view.number ?? 0;
    world.restart('tracker');
    await world.run(10_000);
    const [ann, bob] = [chatter('ann').client.group('tea'), chatter('bob').client.group('tea')];
    expect(ann?.view.members.map(({ nick }) => nick).toSorted()).toEqual(['ann', 'bob']);
    expect(ann?.view).toEqual(bob?.view);
    expect(ann?.view.number).toBeGreaterThan(before);
    expect(ann?.info.order).toBe('total');
  });

  test('tells a client with a pinned key that it is another one', async () => {
    const { add, tracker } = await trackerWorld();
    const right = await add('ann', { trackerKey: tracker().publicKey });
    expect(right.client.state).toBe('ready');
    const wrong = await add('bob', { trackerKey: signerOf('somebody else').publicKey });
    expect([codeOf(wrong.error), wrong.client.state]).toEqual(['TRACKER_KEY_CHANGED', 'stopped']);
  });

  test('says goodbye when it is stopped in order, and its sessions stay', async () => {
    const { world, chatter, tracker, settle } = await teaParty('ann');
    const id = chatter('ann').client.session?.id;
    const start = world.now;
    await settle(tracker().stop());
    await world.runUntil(() => chatter('ann').client.state === 'lost');
    expect(world.now - start).toBeLessThan(500);
    world.restart('tracker');
    await world.runUntil(() => chatter('ann').client.state === 'ready', { withinMs: 10_000 });
    expect(chatter('ann').client.session?.id).toBe(id);
  });
});

test('a reserved nick is its owner’s: by key, by token, for nobody else, and after a restart', async () => {
  const { world, add, settle, chatter } = await trackerWorld();
  const ann = await add('ann', { reserve: true });
  const nickToken = ann.client.session?.nickToken;
  expect(nickToken).toHaveLength(43);
  await settle(ann.client.stop());
  await world.run(1_000);
  expect(codeOf((await add('mallory', { nick: 'Ann' })).error)).toBe('TRACKER_NICK_OWNED');
  world.restart('tracker');
  await world.run(3_000);
  expect(codeOf((await add('eve', { nick: 'ann' })).error)).toBe('TRACKER_NICK_OWNED');
  const other = await add('laptop', { nick: 'ann', ...(nickToken !== undefined && { nickToken }) });
  expect(other.client.session?.nick).toBe('ann');
  world.restart('ann');
  await world.runUntil(() => chatter('ann').client.state === 'ready');
  await world.run(5_000);
  const refusals = other.events.flatMap((event) => (event.type === 'refused' ? [event.error.code] : []));
  expect([other.client.state, refusals[0]]).toEqual(['lost', 'TRACKER_RECLAIMED']);
  await world.run(20_000); // no tug of war
  expect(chatter('ann').client.state).toBe('ready');
  await settle(chatter('ann').client.stop());
  await world.run(6_000);
  expect(other.client.state).toBe('ready');
});
