// Each way to misuse a tracker that we know of, by name: connections.
import type { Address } from '@grp/core';
import { expect, test } from 'vitest';
import { toBase64 } from '../src/encoding.ts';
import { attacker, attackerOn, teaParty } from './support/attacker.ts';
import { nicks, signerOf, trackerPort, trackerWorld, type Chatter } from './support/world.ts';

test('a line of 1 GiB without newline: closed with a code after 8 KiB, memory flat', async () => {
  const party = await teaParty('ann');
  const { connect } = await attacker(party);
  const raw = await connect();
  const chunk = 'a'.repeat(65_536);
  let sent = 0;
  for (; sent < 16_384 && raw.closed === undefined; sent++) {
    raw.send(chunk); // 16,384 chunks are the GiB
    await party.world.run(1);
  }
  expect(sent).toBeLessThan(2_000);
  expect(raw.farewells).toEqual(['TRACKER_LINE_TOO_LONG']);
  expect(party.tracker().metrics().edge.dropped['too-long']).toBe(1);
  expect(nicks(party.chatter('ann'), 'tea')).toEqual(['ann']);
});

test('slow-loris: a line that drips in, and a connection that never says hello, are closed with a code', async () => {
  const party = await teaParty('ann');
  const { connect } = await attacker(party);
  const [dripping, silent] = [await connect(), await connect()];
  for (let second = 0; second < 15; second++) {
    dripping.send('{');
    await party.world.run(1_000);
  }
  expect([dripping.farewells, silent.farewells]).toEqual([['TRACKER_LINE_TIMEOUT'], ['TRACKER_HELLO_TIMEOUT']]);
  expect([dripping.closed, silent.closed]).not.toContain(undefined);
  expect(party.tracker().metrics().edge.connections).toBe(1);
});

test('10,000 idle connections: bounded, and a newcomer gets in all the same', async () => {
  const party = await trackerWorld({
    config: { strangersMax: 5_000, connectionsPerHostMax: 5_000, helloTimeoutMs: 600_000 },
  });
  const { connect: connectOne } = await attacker(party, 'mallory0');
  await connectOne();
  const others = [party.world.host('mallory0')];
  party.world.addNode('mallory1', () => ({}) as Chatter);
  others.push(party.world.host('mallory1'));
  const streams = others.map((host) => host.streams(0));
  const before = process.memoryUsage().heapUsed;
  const address = party.world.address('tracker', trackerPort);
  let refused = 0;
  for (let index = 0; index < 10_000; index++) {
    streams[index % 2]?.dial(address, { onClose: () => void refused++ });
    if (index % 200 === 199) await party.world.run(20);
  }
  await party.world.run(3_000);
  const { edge } = party.tracker().metrics();
  expect(edge.connections).toBeLessThanOrEqual(5_001);
  expect(refused).toBeGreaterThan(4_900);
  const perConnection = (process.memoryUsage().heapUsed - before) / 10_000;
  expect(perConnection).toBeLessThan(20_000); // both ends of the simulated wire included
  const ann = await party.add('ann');
  expect(ann.client.state).toBe('ready');
});

test('one host cannot take every connection', async () => {
  const party = await trackerWorld({ config: { connectionsPerHostMax: 3 } });
  const { connect } = await attacker(party);
  const raws = [await connect(), await connect(), await connect(), await connect()];
  expect(raws.map(({ closed }) => closed === undefined)).toEqual([true, true, true, false]);
  expect((await party.add('ann')).client.state).toBe('ready');
});

test('a forged heartbeat, leave, kick or goodbye of somebody else changes nothing', async () => {
  const party = await teaParty('ann', 'bob');
  const { world, chatter } = party;
  const { connect, host } = await attacker(party);
  const { id } = chatter('bob').client.session ?? {};
  const stranger = await connect();
  const asStranger = [
    stranger.send({ do: 'beat', seen: 9e15, session: id }),
    stranger.send({ do: 'leave', group: 'tea', session: id, from: id }),
    stranger.send({ do: 'bye', session: id }),
    stranger.send({ do: 'relay', group: 'tea', to: id, payload: 'AAAA', from: chatter('ann').client.session?.id }),
  ];
  const raw = await connect();
  raw.hello('mallory', signerOf('mallory'), `${host.ip}:1`);
  await world.run(100);
  const asMember = [
    raw.send({ do: 'leave', group: 'tea', session: id }),
    raw.send({ do: 'kick', group: 'tea', nick: 'bob' }),
    raw.send({ do: 'relay', group: 'tea', to: id, payload: 'AAAA' }),
    raw.send({ do: 'view', group: 'tea' }),
  ];
  const before = JSON.stringify(chatter('ann').client.group('tea')?.view);
  await world.run(500);
  expect(asStranger.map((line) => stranger.errorCode(line))).toEqual(Array(4).fill('TRACKER_NOT_REGISTERED'));
  expect(asMember.map((line) => raw.errorCode(line))).toEqual(Array(4).fill('TRACKER_NOT_MEMBER'));
  expect(JSON.stringify(chatter('ann').client.group('tea')?.view)).toBe(before);
  // A forged heartbeat does not keep a dead member alive either.
  world.crash('bob');
  const start = world.now;
  while (nicks(chatter('ann'), 'tea').length === 2 && world.now - start < 10_000) {
    raw.send({ do: 'beat', seen: 0, session: id });
    await world.run(500);
  }
  expect(world.now - start).toBeLessThan(8_500);
});

test('a stolen session needs its token and its key', async () => {
  const party = await teaParty('ann');
  const { connect } = await attacker(party);
  const session = party.chatter('ann').client.session?.id ?? '';
  const guessed = await connect();
  const proof = toBase64(new Uint8Array(64));
  const id = guessed.send({ do: 'resume', session, token: toBase64(new Uint8Array(32)), proof, seen: 0 });
  await party.world.run(100);
  expect(guessed.errorCode(id)).toBe('TRACKER_SESSION_UNKNOWN');
  expect(party.chatter('ann').client.state).toBe('ready');
});

test('a hello in somebody else’s name or from another connection proves nothing', async () => {
  const party = await teaParty('ann');
  const { connect, host } = await attacker(party);
  const [one, other] = [await connect(), await connect()];
  const wrongKey = one.hello('mallory', signerOf('mallory'), `${host.ip}:1`, {
    key: toBase64(signerOf('ann').publicKey),
  });
  await party.world.run(100);
  expect(one.errorCode(wrongKey)).toBe('TRACKER_PROOF_INVALID');
  // A hello that was overheard is worth nothing under another nonce.
  const { nonce } = one.greeting();
  expect(nonce).not.toBe(other.greeting()['nonce']);
  other.lines.splice(0, other.lines.length, one.greeting());
  const replayed = other.hello('mallory', signerOf('mallory'), `${host.ip}:1`);
  await party.world.run(100);
  expect(other.errorCode(replayed)).toBe('TRACKER_PROOF_INVALID');
});

test('an address of somebody else is refused, so that a group cannot be pointed at it', async () => {
  const party = await teaParty('ann');
  const { connect } = await attacker(party);
  const codes: unknown[] = [];
  for (const address of ['8.8.8.8:53', 'victim.example:80', '999.1.1.1:5', '[2001:db8::1]:9', '10.0.0.1:0']) {
    const raw = await connect();
    const id = raw.hello('mallory', signerOf('mallory'), address);
    await party.world.run(50);
    codes.push(raw.errorCode(id));
  }
  expect(new Set(codes)).toEqual(new Set(['TRACKER_ADDRESS_FOREIGN']));
  const reflexive = party.chatter('ann').client.request('address', { reflexive: '8.8.8.8:53' as Address });
  await expect(party.settle(reflexive)).rejects.toMatchObject({ code: 'TRACKER_ADDRESS_FOREIGN' });
});

test('a flood of 10,000 messages a second from one member: others wait less than twice as long, memory flat', async () => {
  const party = await teaParty('ann', 'bob', 'mallory');
  const { world, settle, chatter } = party;
  const measure = async (rounds: number): Promise<number> => {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const start = world.now;
      await settle(chatter('ann').client.request('members', { group: 'tea' }));
      times.push(world.now - start);
      await world.run(120);
    }
    return times.toSorted((a, b) => a - b)[Math.floor(rounds * 0.99)] ?? 0;
  };
  const quiet = await measure(50);
  const { connect, host } = await attackerOn(party, 'mallory');
  const raw = await connect();
  raw.hello('flood', signerOf('flood'), `${host.ip}:1`);
  await world.run(100);
  raw.send({ do: 'join', group: 'tea' });
  await world.run(100);
  const to = chatter('bob').client.session?.id;
  let flooding = true;
  let sent = 0;
  const flood = (): void => {
    if (!flooding) return;
    for (let line = 0; line < 100; line++) raw.send({ do: 'relay', group: 'tea', to, payload: 'A'.repeat(100) });
    sent += 100;
    world.at(world.now + 10, flood);
  };
  flood();
  const before = process.memoryUsage().arrayBuffers;
  const loud = await measure(50);
  flooding = false;
  expect(sent).toBeGreaterThan(30_000);
  expect(loud).toBeLessThan(2 * quiet);
  expect(party.tracker().metrics().edge.dropped['paused']).toBeGreaterThan(10);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64_000_000);
  expect(chatter('bob').client.state).toBe('ready');
});

test('a client that does not read is cut off, and holds up nobody', async () => {
  const party = await trackerWorld({ config: { sendQueueBytesMax: 16_384 } });
  const { client } = await party.add('ann');
  await party.settle(client.join('tea', { create: true }));
  const { connect, host } = await attacker(party);
  const raw = await connect();
  raw.hello('mallory', signerOf('mallory'), `${host.ip}:1`);
  await party.world.run(100);
  raw.send({ do: 'join', group: 'tea' });
  await party.world.run(100);
  raw.stream.pause();
  for (let round = 0; round < 900 && raw.closed === undefined; round++) {
    await party.settle(party.tracker().execute({ do: 'topic', group: 'tea', text: `${round} `.repeat(100) }));
    raw.send({ do: 'beat', seen: 0 });
    await party.world.run(10);
  }
  expect(party.tracker().metrics().edge.dropped['slow-reader']).toBe(1);
  expect(client.state).toBe('ready');
});
