// Each way to misuse a tracker that we know of, by name: members and what they say.
import { expect, test } from 'vitest';
import { signSuccession } from '../src/succession.ts';
import { attacker, attackerOn, teaParty } from './support/attacker.ts';
import { nicks, signerOf, trackerWorld } from './support/world.ts';

test('nick homoglyphs and zero-width: refused on the wire, whoever sends them', async () => {
  const party = await teaParty('coco');
  const { connect, host } = await attacker(party);
  const address = `${host.ip}:1`;
  const codes: unknown[] = [];
  for (const nick of ['сосо', 'COCO', 'c0c0', 'co​co', 'cоco', '\u001b[2Jcoco']) {
    const raw = await connect();
    const id = raw.hello(nick, signerOf('mallory'), address);
    await party.world.run(100);
    codes.push(raw.errorCode(id));
  }
  expect(codes).toEqual([
    ...Array<string>(3).fill('TRACKER_NICK_TAKEN'),
    ...Array<string>(3).fill('TRACKER_NICK_INVALID'),
  ]);
});

test('escape, OSC 52, bidi and zero-width sequences in a nick or the name of a group: refused on the wire', async () => {
  const party = await teaParty('ann');
  const { connect, host } = await attacker(party);
  const address = `${host.ip}:1`;
  const hidden = [
    '\u001b[2J',
    '\u001b]52;c;ZXZpbA==\u0007',
    '\u202e',
    '\u2066',
    '\u200b',
    '\u{e0041}',
    '\u009b2J',
    '\n',
    '\0',
  ];
  for (const evil of hidden) {
    const raw = await connect();
    const asNick = raw.hello(`me${evil}x`, signerOf('mallory'), address);
    await party.world.run(100);
    expect(raw.errorCode(asNick)).toBe('TRACKER_NICK_INVALID');
    const asHerself = raw.hello('mallory', signerOf('mallory'), address);
    await party.world.run(100);
    expect(raw.errorCode(asHerself)).toBeUndefined();
    const asGroup = raw.send({ do: 'join', group: `tea${evil}x`, create: true });
    await party.world.run(100);
    expect(raw.errorCode(asGroup)).toBe('TRACKER_GROUP_INVALID');
    raw.send({ do: 'bye' });
    await party.world.run(100);
  }
  expect(
    party
      .tracker()
      .groups()
      .map(({ group }) => group),
  ).toEqual(['tea']);
});

test('escape, OSC 52 and bidi sequences in topic, reason, away, message of the day: gone at the tracker and at the client', async () => {
  const party = await teaParty('ann', 'bob');
  const evil = '\u001b]52;c;ZXZpbA==\u0007\u001b[31mtea\u202e \u2066time\u200b\u{e0041}\u009b2J';
  const { client } = party.chatter('bob');
  await party.settle(client.request('topic', { group: 'tea', text: evil }));
  await party.settle(client.request('away', { text: evil }));
  await party.settle(party.tracker().execute({ do: 'motd', text: evil }));
  await party.settle(client.request('leave', { group: 'tea', reason: evil }));
  await party.world.run(500);
  const told = JSON.stringify([party.chatter('ann').events, party.tracker().groups()]);
  expect(told).toContain('tea time');
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  expect(told).not.toMatch(/[\u0000-\u001f\u007f-\u009f]|\\u00|\p{Bidi_Control}|\u200b|\u{e0041}/u);
});

test('a tracker that sends escape sequences does not reach the screen of its clients', async () => {
  // What a hostile tracker would say, fed to the client's groups as decoded notices.
  const { ClientGroups } = await import('../src/client/groups.ts');
  const groups = new ClientGroups();
  groups.expect({ group: 'tea' });
  const told = groups.take({ on: 'topic', group: 'tea', text: '\u001b[2Jx\u202e', by: '\u001b]0;pwned\u0007m' });
  expect(told).toMatchObject({ text: 'x', by: 'm' });
});

test('a forged view: without a majority, with foreign signatures, doubled, of another group or number', async () => {
  const party = await teaParty('ann', 'bob', 'eve');
  const { client } = party.chatter('ann');
  const view = client.group('tea')?.view ?? { number: 0, members: [] };
  const [ann, bob, eve] = view.members.map(({ id }) => id);
  if (ann === undefined || bob === undefined || eve === undefined) throw new Error('three members');
  const said = { group: 'tea', base: view.number, number: view.number + 1, removed: [eve], round: 1 };
  const mine = signSuccession(said, signerOf('ann'));
  const forged = signSuccession(said, signerOf('mallory'));
  const good = signSuccession(said, signerOf('bob'));
  const attempts = [
    { ...said, signatures: [[ann, mine]] },
    {
      ...said,
      signatures: [
        [ann, mine],
        [bob, forged],
      ],
    },
    {
      ...said,
      signatures: [
        [ann, mine],
        [ann, mine],
      ],
    },
    {
      ...said,
      signatures: [
        [ann, mine],
        [eve, good],
      ],
    },
    {
      ...said,
      number: said.number + 1,
      signatures: [
        [ann, mine],
        [bob, good],
      ],
    },
    {
      ...said,
      removed: [bob],
      signatures: [
        [ann, mine],
        [bob, good],
      ],
    },
    {
      ...said,
      round: 2,
      signatures: [
        [ann, mine],
        [bob, good],
      ],
    },
  ] as const;
  const codes: unknown[] = [];
  for (const attempt of attempts) {
    codes.push(
      await party.settle(client.request('adopt', attempt)).then(
        () => 'adopted',
        (error: { code: string }) => error.code,
      ),
    );
  }
  expect(codes).toEqual(Array(attempts.length).fill('TRACKER_PROOF_INVALID'));
  expect(attempts.map((attempt) => client.adopt(attempt))).not.toContain(true);
  expect(nicks(party.chatter('bob'), 'tea')).toEqual(['ann', 'bob', 'eve']);
});

test('a banned user under a new nick, with a new key, after a reconnect: still banned', async () => {
  const party = await teaParty('ann', 'mallory');
  const { world, settle, chatter } = party;
  await settle(chatter('ann').client.request('ban', { group: 'tea', nick: 'mallory', reason: 'spam' }));
  await world.run(200);
  expect(nicks(chatter('ann'), 'tea')).toEqual(['ann']);
  expect(chatter('mallory').events.at(-1)).toEqual({
    type: 'removed',
    group: 'tea',
    reason: 'ban',
    by: 'ann',
    text: 'spam',
  });
  const banned = { code: 'TRACKER_BANNED' };
  await expect(settle(chatter('mallory').client.join('tea'))).rejects.toMatchObject(banned);
  // The same key elsewhere under a new nick.
  const moved = await party.add('cafe', { nick: 'angel', signer: signerOf('mallory') });
  await expect(settle(moved.client.join('tea'))).rejects.toMatchObject(banned);
  // A new nick and a new key from the same host.
  await settle(chatter('mallory').client.stop());
  const { connect, host } = await attackerOn(party, 'mallory');
  const raw = await connect();
  raw.hello('saint', signerOf('fresh'), `${host.ip}:1`);
  await world.run(100);
  const id = raw.send({ do: 'join', group: 'tea' });
  await world.run(200);
  expect(raw.errorCode(id)).toBe('TRACKER_BANNED');
  // Also after a restart of the tracker.
  world.restart('tracker');
  await world.run(3_000);
  await expect(settle(moved.client.join('tea'))).rejects.toMatchObject(banned);
  await settle(chatter('ann').client.request('unban', { group: 'tea', nick: 'mallory' }));
  expect((await settle(moved.client.join('tea'))).view.members).toHaveLength(2);
});

test('a metrics report with NaN, 1e308, a negative, a fraction or an impossible histogram is refused', async () => {
  const party = await teaParty('ann');
  const { connect, host } = await attacker(party);
  const raw = await connect();
  raw.hello('mallory', signerOf('mallory'), `${host.ip}:1`);
  await party.world.run(100);
  raw.send({ do: 'join', group: 'tea' });
  await party.world.run(100);
  const good = {
    group: 'tea',
    sent: 1,
    received: 2,
    bytesSent: 1,
    bytesReceived: 2,
    durationMs: 10,
    latency: [[3, 2]],
  };
  const report = (changes: object): number => raw.send({ do: 'report', groups: [{ ...good, ...changes }] });
  const ids = [
    report({ sent: 1e308 }),
    report({ received: -1 }),
    report({ durationMs: 0.5 }),
    report({ bytesSent: Number.NaN }), // JSON makes null of it
    report({ latency: [[3, 3]] }),
    report({ latency: [[999, 1]] }),
    report({
      latency: [
        [4, 1],
        [3, 1],
      ],
    }),
    report({ sent: 2 ** 53 }),
  ];
  raw.send('{"v":1,"id":99,"do":"report","groups":[{"group":"tea","sent":NaN}]}\n');
  await party.world.run(500);
  expect(ids.map((id) => raw.errorCode(id))).toEqual(Array(8).fill('TRACKER_METRICS_INVALID'));
  expect(raw.farewells).toEqual(['TRACKER_LINE_INVALID']);
  expect(party.tracker().metrics().groups[0]).toMatchObject({ sent: 0, received: 0, reports: 0 });
});

test('guessing the key of a group is slowed down for a host, whatever the nicks', async () => {
  const party = await trackerWorld();
  const ann = await party.add('ann');
  await party.settle(ann.client.request('create', { group: 'tea', key: 'sugar' }));
  const { connect, host } = await attacker(party);
  const codes = new Map<unknown, number>();
  for (let nick = 0; nick < 3; nick++) {
    const raw = await connect();
    raw.hello(`m${nick}`, signerOf(`m${nick}`), `${host.ip}:1`);
    await party.world.run(50);
    const ids = Array.from({ length: 40 }, (_, guess) => raw.send({ do: 'join', group: 'tea', key: `guess ${guess}` }));
    await party.world.run(500);
    for (const id of ids) codes.set(raw.errorCode(id), (codes.get(raw.errorCode(id)) ?? 0) + 1);
  }
  expect(codes.get('TRACKER_GROUP_KEY')).toBeLessThan(25);
  expect(codes.get('TRACKER_RATE')).toBeGreaterThan(90);
  expect((await party.settle(ann.client.join('tea'))).view.members).toHaveLength(1); // others notice nothing
});

test('secret groups are unknown to those outside, in lists and in errors', async () => {
  const party = await trackerWorld();
  const [ann, bob] = [await party.add('ann'), await party.add('bob')];
  await party.settle(ann.client.request('create', { group: 'plot', secret: true, access: 'invite' }));
  await party.settle(ann.client.join('plot'));
  const unknown = { code: 'TRACKER_GROUP_UNKNOWN' };
  expect((await party.settle(bob.client.request('groups', {}))).groups).toEqual([]);
  await expect(party.settle(bob.client.request('members', { group: 'plot' }))).rejects.toMatchObject(unknown);
  await expect(party.settle(bob.client.join('plot'))).rejects.toMatchObject(unknown);
  await party.settle(ann.client.request('invite', { group: 'plot', nick: 'bob' }));
  expect((await party.settle(bob.client.join('plot'))).view.members).toHaveLength(2);
});
