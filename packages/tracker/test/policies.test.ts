import { describe, expect, test } from 'vitest';
import { openTicket } from '../src/ticket.ts';
import { teaParty } from './support/attacker.ts';
import { adminToken, crypto, nicks, signerOf, trackerWorld, type Chatter } from './support/world.ts';

const refusedWith = (code: string) => ({ code });

describe('who may come in', () => {
  test.each([
    ['open', {}, undefined, undefined],
    ['key, and the right one', { key: 'sugar' }, 'sugar', undefined],
    ['key, and a wrong one', { key: 'sugar' }, 'salt', 'TRACKER_GROUP_KEY'],
    ['key, and none', { key: 'sugar' }, undefined, 'TRACKER_GROUP_KEY'],
    ['invite', { access: 'invite' }, undefined, 'TRACKER_INVITE_ONLY'],
    ['allowed, by nick as it is folded', { access: 'allow', allow: ['BOB'] }, undefined, undefined],
    ['allowed, by key', { access: 'allow', allow: ['key:BOBS'] }, undefined, undefined],
    ['not on the list', { access: 'allow', allow: ['eve'] }, undefined, 'TRACKER_INVITE_ONLY'],
    ['denied', { deny: ['bob'] }, undefined, 'TRACKER_BANNED'],
    ['full', { limit: 1 }, undefined, 'TRACKER_GROUP_FULL'],
  ] as const)('%s', async (_, policy, key, code) => {
    const { add, settle } = await trackerWorld();
    const [ann, bob] = [await add('ann'), await add('bob')];
    const { toBase64 } = await import('../src/encoding.ts');
    const change = JSON.parse(
      JSON.stringify(policy).replace('BOBS', toBase64(signerOf('bob').publicKey)),
    ) as typeof policy;
    await settle(ann.client.request('create', { group: 'tea', ...change }));
    await settle(ann.client.join('tea'));
    const joining = settle(bob.client.join('tea', key === undefined ? {} : { key }));
    const outcome = await joining.then(
      () => undefined,
      (error: { readonly code: string }) => error.code,
    );
    expect([outcome, nicks(bob, 'tea').length]).toEqual([code, code === undefined ? 2 : 0]);
  });

  test('a group that is taken, also under a name that looks the same', async () => {
    const { add, settle } = await trackerWorld();
    const ann = await add('ann');
    await settle(ann.client.request('create', { group: 'coco' }));
    for (const group of ['COCO', 'сосо', 'c0c0']) {
      await expect(settle(ann.client.request('create', { group }))).rejects.toMatchObject(
        refusedWith('TRACKER_GROUP_TAKEN'),
      );
    }
    await expect(settle(ann.client.request('create', { group: 'a b' }))).rejects.toMatchObject(
      refusedWith('TRACKER_GROUP_INVALID'),
    );
    await expect(settle(ann.client.request('create', { group: 'x', access: 'key' }))).rejects.toMatchObject(
      refusedWith('TRACKER_COMMAND_INVALID'),
    );
  });
});

describe('who may do what', () => {
  test('members, moderators and owners, each a little more', async () => {
    const { chatter, settle, world } = await teaParty('ann', 'bob', 'eve');
    const as = (name: string) => chatter(name).client;
    const denied = refusedWith('TRACKER_NOT_ALLOWED');
    await expect(settle(as('bob').request('kick', { group: 'tea', nick: 'eve' }))).rejects.toMatchObject(denied);
    await expect(settle(as('bob').request('policy', { group: 'tea', limit: 2 }))).rejects.toMatchObject(denied);
    await expect(settle(as('bob').request('role', { group: 'tea', nick: 'bob', role: 'owner' }))).rejects.toMatchObject(
      denied,
    );
    await settle(as('ann').request('role', { group: 'tea', nick: 'bob', role: 'moderator' }));
    await world.run(100);
    const role = (seenBy: Chatter): unknown =>
      seenBy.client.group('tea')?.view.members.find(({ nick }) => nick === 'bob')?.role;
    expect([role(chatter('eve')), role(chatter('bob'))]).toEqual(['moderator', 'moderator']);
    await expect(settle(as('bob').request('kick', { group: 'tea', nick: 'ann' }))).rejects.toMatchObject(denied);
    await settle(as('bob').request('kick', { group: 'tea', nick: 'eve', reason: 'noise' }));
    await world.run(100);
    expect(chatter('eve').events.at(-1)).toEqual({
      type: 'removed',
      group: 'tea',
      reason: 'kick',
      by: 'bob',
      text: 'noise',
    });
    expect(nicks(chatter('ann'), 'tea')).toEqual(['ann', 'bob']);
    await settle(as('eve').join('tea')); // put out is not banned
  });

  test('in a moderated group only those with a voice: the tracker’s relay and the tickets say so', async () => {
    const { chatter, settle, world, tracker } = await teaParty('ann', 'bob');
    await settle(chatter('ann').client.request('policy', { group: 'tea', moderated: true }));
    const to = chatter('ann').client.session?.id ?? ('' as never);
    const say = () => settle(chatter('bob').client.relay('tea', to, Uint8Array.of(1)));
    await expect(say()).rejects.toMatchObject(refusedWith('TRACKER_NOT_ALLOWED'));
    await settle(chatter('ann').client.request('role', { group: 'tea', nick: 'bob', role: 'voice' }));
    await say();
    await world.run(100);
    expect(chatter('bob').events.find(({ type }) => type === 'policy')).toMatchObject({ info: { moderated: true } });
    const ticket = openTicket(chatter('bob').client.group('tea')?.ticket ?? '', crypto, tracker().publicKey);
    expect(ticket).toMatchObject({ role: 'voice', nick: 'bob' });
  });

  test('the owner token makes an owner of whoever has it', async () => {
    const { add, settle } = await trackerWorld();
    const [ann, bob] = [await add('ann'), await add('bob')];
    const { ownerToken } = await settle(ann.client.request('create', { group: 'tea' }));
    await settle(ann.client.join('tea'));
    await settle(bob.client.join('tea'));
    const wrong = bob.client.request('claim', { group: 'tea', ownerToken: 'A'.repeat(43) });
    await expect(settle(wrong)).rejects.toMatchObject(refusedWith('TRACKER_OWNER_TOKEN'));
    await settle(bob.client.request('claim', { group: 'tea', ownerToken }));
    await settle(bob.client.request('policy', { group: 'tea', limit: 5 }));
    await expect(settle(ann.client.request('drop', { group: 'tea' }))).rejects.toMatchObject(
      refusedWith('TRACKER_NOT_ALLOWED'),
    );
  });

  test('administrators everything, over the wire with the token and in the process', async () => {
    const { chatter, settle, tracker, add, world } = await teaParty('ann', 'bob');
    const root = await add('root');
    const metrics = () => settle(root.client.request('metrics', {}));
    await expect(metrics()).rejects.toMatchObject(refusedWith('TRACKER_ADMIN_ONLY'));
    await expect(settle(root.client.request('admin', { token: 'guess' }))).rejects.toMatchObject(
      refusedWith('TRACKER_ADMIN_ONLY'),
    );
    await settle(root.client.request('admin', { token: adminToken }));
    expect(await metrics()).toMatchObject({
      health: { sessions: { here: 3 } },
      groups: [{ group: 'tea', members: 2 }],
    });
    await settle(root.client.request('kick', { group: 'tea', nick: 'bob' }));
    await settle(tracker().execute({ do: 'motd', text: 'closing at five' }));
    await world.run(100);
    expect(chatter('bob').events.slice(-2)).toMatchObject([
      { type: 'removed', by: 'root' },
      { type: 'motd', text: 'closing at five' },
    ]);
    await expect(tracker().execute({ do: 'kick', group: 'tea', nick: 'nobody' })).rejects.toMatchObject({
      code: 'TRACKER_MEMBER_UNKNOWN',
      kind: 'not-found',
    });
    await settle(tracker().execute({ do: 'drop', group: 'tea' }));
    expect(tracker().groups()).toEqual([]);
    const number = chatter('ann').client.group('tea')?.view.number ?? 0;
    const again = await settle(chatter('ann').client.join('tea', { create: true }));
    expect(again.view.number).toBeGreaterThan(number);
  });
});

test('lists come in pages, and without addresses for those outside', async () => {
  const { add, settle, tracker } = await trackerWorld({ config: { groupsPerHostPerHour: 1_000 } });
  for (let index = 0; index < 150; index++) {
    await settle(tracker().execute({ do: 'create', group: `group${index}`, topic: 'x'.repeat(300) }));
  }
  const ann = await add('ann');
  const names: string[] = [];
  let after: string | undefined;
  let pages = 0;
  do {
    const page = await settle(ann.client.request('groups', after === undefined ? {} : { after }));
    names.push(...page.groups.map(({ group }) => group));
    after = page.next;
    pages++;
  } while (after !== undefined);
  expect([new Set(names).size, pages > 5]).toEqual([150, true]);
  const bob = await add('bob');
  await settle(bob.client.join('group7'));
  const [seen] = (await settle(ann.client.request('members', { group: 'group7' }))).members;
  expect(seen).toMatchObject({ nick: 'bob', role: 'member' });
  expect([seen?.address, seen?.key]).toEqual([undefined, undefined]);
  expect((await settle(bob.client.request('members', { group: 'group7' }))).members[0]?.address).toMatch(/^10\./);
});

test('limits are reached with a code: groups, groups of a session, sessions, bans', async () => {
  const { add, settle, tracker, world } = await trackerWorld({
    config: { groupsMax: 3, groupsPerSessionMax: 2, sessionsMax: 2, listedMax: 1 },
  });
  const ann = await add('ann');
  for (const group of ['one', 'two', 'six']) await settle(ann.client.request('create', { group }));
  await expect(settle(ann.client.request('create', { group: 'ten' }))).rejects.toMatchObject(
    refusedWith('TRACKER_BUSY'),
  );
  await settle(ann.client.join('one'));
  await settle(ann.client.join('two'));
  await expect(settle(ann.client.join('six'))).rejects.toMatchObject(refusedWith('TRACKER_LIMIT'));
  await settle(ann.client.request('ban', { group: 'one', nick: 'x' }));
  await expect(settle(ann.client.request('ban', { group: 'one', nick: 'y' }))).rejects.toMatchObject(
    refusedWith('TRACKER_LIMIT'),
  );
  await add('bob');
  world.crash('bob');
  await world.run(10_000);
  const eve = await add('eve'); // a lost session makes room
  expect([eve.client.state, tracker().metrics().health.sessions]).toEqual(['ready', { here: 2, lost: 0 }]);
});

test('an empty group is forgotten in the end', async () => {
  const { add, settle, tracker, world } = await trackerWorld({ config: { groupKeepMs: 60_000 } });
  const ann = await add('ann');
  await settle(ann.client.join('tea', { create: true }));
  await settle(ann.client.request('leave', { group: 'tea' }));
  await world.run(50_000);
  expect(tracker().groups()).toHaveLength(1);
  world.restart('tracker'); // the time that has passed counts
  await world.run(12_000);
  expect(tracker().groups()).toEqual([]);
});
