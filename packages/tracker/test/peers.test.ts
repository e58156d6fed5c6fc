import { describe, expect, test } from 'vitest';
import type { NodeId } from '@grp/core';
import {
  AgreementMachine,
  LatencyHistogram,
  relayBytesMax,
  verifyTicket,
  type GroupReport,
  type Succession,
} from '../src/index.ts';
import { signSuccession } from '../src/succession.ts';
import { openTicket, signTicket } from '../src/ticket.ts';
import { teaParty } from './support/attacker.ts';
import { crypto, nicks, signerOf, story, type Chatter, type TrackerWorld } from './support/world.ts';

const viewOf = (chatter: Chatter) => chatter.client.group('tea')?.view ?? { number: 0, members: [] };

describe('tickets', () => {
  test('let a member in, and nobody else: expired, altered, of another group, key, tracker, or put out', async () => {
    const { chatter, tracker, world, settle } = await teaParty('ann', 'bob');
    const ticket = chatter('bob').client.group('tea')?.ticket ?? '';
    const trackerKey = tracker().publicKey;
    const wallMs = chatter('ann').client.trackerWallMs();
    const check = (encoded: string, changes: object = {}): unknown => {
      const options = { crypto, trackerKey, group: 'tea', wallMs, view: viewOf(chatter('ann')) };
      const verdict = verifyTicket(encoded, { ...options, ...changes });
      return 'problem' in verdict ? verdict.problem : verdict.nick;
    };
    expect(check(ticket)).toBe('bob');
    expect(check(ticket, { wallMs: wallMs + 301_000 })).toBe('expired');
    expect(check(ticket, { group: 'cake' })).toBe('group');
    expect(check(ticket, { trackerKey: signerOf('mallory').publicKey })).toBe('signature');
    expect(check(`${ticket.slice(0, 20)}A${ticket.slice(21)}`)).toMatch(/signature|malformed/);
    expect([check(''), check('a.b.c'), check('x'.repeat(3_000))]).toEqual(['malformed', 'malformed', 'malformed']);
    const opened = openTicket(ticket, crypto, trackerKey);
    if ('problem' in opened) throw new Error(opened.problem);
    const forged = signTicket({ ...opened, id: 'mallory' as NodeId }, signerOf('mallory'));
    expect(check(forged)).toBe('signature');
    const members = viewOf(chatter('ann')).members.map((member) => ({ ...member, key: 'A'.repeat(43) }));
    expect(check(ticket, { view: { number: opened.view, members } })).toBe('other-key');
    // Whoever was put out has a ticket that has not expired, and gets nowhere with it.
    await settle(chatter('ann').client.request('kick', { group: 'tea', nick: 'bob' }));
    await world.run(200);
    expect(check(ticket, { view: viewOf(chatter('ann')) })).toBe('not-in-view');
  });

  test('of a later view are good before the view itself has arrived', async () => {
    const { chatter, add, settle, tracker } = await teaParty('ann');
    const old = viewOf(chatter('ann'));
    const bob = await add('bob');
    const { ticket = '' } = await settle(bob.client.join('tea'));
    const wallMs = bob.client.trackerWallMs();
    const verdict = verifyTicket(ticket, { crypto, trackerKey: tracker().publicKey, group: 'tea', wallMs, view: old });
    expect(verdict).toMatchObject({ nick: 'bob', view: old.number + 1_000 });
  });

  test('are renewed long before they expire, and expire for a member that is gone', async () => {
    const { chatter, world, tracker } = await teaParty('ann');
    const first = chatter('ann').client.group('tea')?.ticket;
    await world.run(160_000);
    const second = chatter('ann').client.group('tea')?.ticket ?? '';
    expect(second).not.toBe(first);
    const opened = openTicket(second, crypto, tracker().publicKey);
    if ('problem' in opened) throw new Error(opened.problem);
    expect(opened.expiresAt - chatter('ann').client.trackerWallMs()).toBeGreaterThan(250_000);
  });
});

describe('the relay', () => {
  test('passes bytes on, tells who really sent them, and is bounded', async () => {
    const { chatter, world, settle } = await teaParty('ann', 'bob');
    const [ann, bob] = [chatter('ann').client.session?.id as NodeId, chatter('bob').client.session?.id as NodeId];
    const payload = Uint8Array.from({ length: relayBytesMax }, (_, index) => index & 255);
    await settle(chatter('ann').client.relay('tea', bob, payload));
    await world.run(100);
    expect(chatter('bob').events.at(-1)).toEqual({ type: 'relay', group: 'tea', from: ann, payload });
    const tooLong = chatter('ann').client.relay('tea', bob, new Uint8Array(relayBytesMax + 1));
    await expect(tooLong).rejects.toMatchObject({ code: 'TRACKER_LINE_TOO_LONG' });
    const unknown = chatter('ann').client.relay('tea', 'nobody' as NodeId, payload);
    await expect(settle(unknown)).rejects.toMatchObject({ code: 'TRACKER_MEMBER_UNKNOWN' });
    const flood = await Promise.allSettled(
      Array.from({ length: 40 }, () => chatter('ann').client.relay('tea', bob, payload)).map((sent) => settle(sent)),
    );
    expect(flood.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(15);
    expect(flood.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'TRACKER_RATE' } });
  });

  test('tells a group the address that others see', async () => {
    const { chatter, world, settle } = await teaParty('ann', 'bob');
    const reflexive = `${world.host('bob').ip}:55555` as never;
    await settle(chatter('bob').client.request('address', { reflexive }));
    await world.run(100);
    expect(viewOf(chatter('ann')).members.map((member) => member.reflexive)).toEqual([undefined, reflexive]);
    expect(chatter('bob').client.session?.observed).toContain(world.host('bob').ip);
  });
});

describe('measurements', () => {
  const report = (times: readonly number[], sent: number): GroupReport => {
    const histogram = new LatencyHistogram();
    for (const ms of times) histogram.record(ms);
    const counts = { sent, received: times.length, bytesSent: sent * 10, bytesReceived: times.length * 10 };
    return { group: 'tea', ...counts, durationMs: 1_000, latency: histogram.toJSON() };
  };

  test('of all members are added up, survive their sessions and a restart, and a later report replaces an earlier', async () => {
    const { chatter, world, settle, tracker } = await teaParty('ann', 'bob');
    const times = Array.from({ length: 1_000 }, (_, index) => index + 1);
    await settle(chatter('ann').client.request('report', { groups: [report([1], 1)] }));
    await settle(chatter('ann').client.request('report', { groups: [report(times.slice(0, 500), 7)] }));
    await settle(chatter('ann').client.stop());
    await settle(chatter('bob').client.request('report', { groups: [report(times.slice(500), 5)] }));
    await world.run(100);
    const expected = { group: 'tea', reports: 2, sent: 12, received: 1_000, bytesSent: 120, receivedPerSecond: 500 };
    const [before] = tracker().metrics().groups;
    expect(before).toMatchObject(expected);
    expect(before?.latencyMs.p50).toBeGreaterThan(470);
    expect(before?.latencyMs.p50).toBeLessThan(530);
    expect(before?.latencyMs.p99).toBeGreaterThan(940);
    expect(before?.latencyMs.p99).toBeLessThan(1_050);
    await settle(chatter('bob').client.stop());
    await world.run(100);
    world.restart('tracker');
    await world.run(1_000);
    expect(tracker().metrics().groups[0]).toMatchObject({ ...expected, members: 0 });
  });

  test('health says what happened', async () => {
    const { chatter, world, settle, tracker } = await teaParty('ann', 'bob');
    world.crash('bob');
    await world.run(20_000);
    const { health, journalBytes } = tracker().metrics();
    expect(health).toMatchObject({
      sessions: { here: 1, lost: 1 },
      groups: 1,
      recordsWaiting: 0,
      counts: { hellos: 2, lost: 1 },
    });
    expect(health.counts.beats).toBeGreaterThan(7);
    expect(journalBytes).toBeGreaterThan(500);
    expect(chatter('ann').client.rttMs()).toBeGreaterThan(0);
    // Also of a tracker to which nothing happens any more.
    await settle(chatter('ann').client.stop());
    await world.run(3_600_000);
    expect(tracker().metrics().health.uptimeMs).toBeGreaterThan(3_620_000);
  });
});

/** Members that agree by machines of their own, over a wire that needs no tracker. */
function agreement(
  party: TrackerWorld,
  names: readonly string[],
): { readonly suspect: (gone: readonly string[]) => void } {
  const idOf = (name: string): NodeId => party.chatter(name).client.session?.id as NodeId;
  const machines = new Map(
    names.map((name) => {
      const options = {
        group: 'tea',
        self: idOf(name),
        signer: signerOf(name),
        crypto,
        random: party.world.random.fork(name),
      };
      return [name, new AgreementMachine(options)] as const;
    }),
  );
  const nameOf = (id: NodeId): string => names.find((name) => idOf(name) === id) ?? '';
  const alive = (name: string): boolean => party.world.state(name) === 'running';
  const step = (name: string, inputs: Parameters<AgreementMachine['step']>[0]): void => {
    if (!alive(name)) return;
    for (const effect of machines.get(name)?.step(inputs, party.world.now) ?? []) {
      if (effect.type === 'send') {
        const [to, from, { message }] = [nameOf(effect.to), idOf(name), effect];
        party.world.at(party.world.now + 2, () => alive(to) && step(to, [{ type: 'message', from, message }]));
      } else if (effect.type === 'decided') {
        if (!party.chatter(name).client.adopt(effect.succession)) throw new Error('not adopted');
        step(name, [{ type: 'view', view: viewOf(party.chatter(name)) }]);
      }
    }
  };
  const tick = (): void => {
    for (const name of names) if (alive(name)) step(name, [{ type: 'wake' }]);
    party.world.at(party.world.now + 50, tick);
  };
  tick();
  return {
    suspect(gone) {
      for (const name of names.filter(alive)) {
        const view = viewOf(party.chatter(name));
        const ids = view.members.filter(({ nick }) => gone.includes(nick)).map(({ id }) => id);
        step(name, [
          { type: 'view', view },
          { type: 'tracker', isThere: false },
          { type: 'suspects', members: ids },
        ]);
      }
    },
  };
}

describe('while the tracker is away', () => {
  test('a majority goes on without the dead, and the tracker adopts its view when it is back', async () => {
    const party = await teaParty('ann', 'bob', 'eve');
    const { world, chatter, tracker } = party;
    const before = viewOf(chatter('ann')).number;
    world.crash('tracker');
    await world.run(500);
    const gone = chatter('eve').client.session?.id;
    const { suspect } = agreement(party, ['ann', 'bob']);
    world.crash('eve');
    suspect(['eve']);
    await world.run(3_000);
    expect([viewOf(chatter('ann')).number, viewOf(chatter('bob')).number]).toEqual([before + 1, before + 1]);
    expect(nicks(chatter('bob'), 'tea')).toEqual(['ann', 'bob']);
    world.restart('tracker');
    await world.run(3_000);
    expect(tracker().metrics().health.counts.adopted).toBe(1);
    expect(tracker().metrics().groups[0]).toMatchObject({ members: 2, view: before + 1 });
    expect(story(chatter('ann')).slice(-3)).toEqual(['tracker lost', 'agreed eve', 'tracker back']);
    // The tracker goes on from there, in its own steps.
    const zoe = await party.add('zoe');
    await party.settle(zoe.client.join('tea'));
    await world.run(200);
    expect(viewOf(chatter('ann')).number).toBe(before + 1_000);
    expect(viewOf(chatter('ann'))).toEqual(viewOf(zoe));
    expect(viewOf(zoe).members.map(({ id }) => id)).not.toContain(gone);
  });

  test('a member that was thought gone and is not comes back with the next view', async () => {
    const party = await teaParty('ann', 'bob', 'eve');
    const { world, chatter, settle } = party;
    const view = viewOf(chatter('ann'));
    const eve = view.members.find(({ nick }) => nick === 'eve')?.id as NodeId;
    const said = { group: 'tea', base: view.number, number: view.number + 1, removed: [eve], round: 1 };
    const signatures = ['ann', 'bob'].map((name) => {
      const id = view.members.find(({ nick }) => nick === name)?.id as NodeId;
      return [id, signSuccession(said, signerOf(name))] as const;
    });
    const succession: Succession = { ...said, signatures };
    expect(chatter('ann').client.adopt(succession)).toBe(true);
    await world.run(1_000);
    expect(story(chatter('ann')).slice(-2)).toEqual(['agreed eve', 'back eve']);
    for (const name of ['bob', 'eve']) expect(viewOf(chatter(name))).toEqual(viewOf(chatter('ann')));
    expect(chatter('ann').client.adopt(succession)).toBe(false); // once is enough
    await expect(settle(chatter('bob').client.request('adopt', succession))).resolves.toMatchObject({
      isAdopted: false,
    });
  });

  test('a succession of a view that the tracker has left behind changes nothing', async () => {
    const party = await teaParty('ann', 'bob', 'eve');
    const { world, chatter, tracker } = party;
    world.network.partition(['ann', 'bob']);
    const { suspect } = agreement(party, ['ann', 'bob']);
    await world.run(3_000);
    suspect(['eve']);
    await world.run(20_000); // meanwhile the tracker has lost ann and bob, and made views of its own
    expect(nicks(chatter('ann'), 'tea')).toEqual(['ann', 'bob']);
    expect(nicks(chatter('eve'), 'tea')).toEqual(['eve']);
    world.network.heal();
    await world.run(6_000);
    expect(tracker().metrics().health.counts.adopted).toBe(0);
    const views = ['ann', 'bob', 'eve'].map((name) => viewOf(chatter(name)));
    expect(views[1]).toEqual(views[0]);
    expect(views[2]).toEqual(views[0]);
    expect(views[0]?.members).toHaveLength(3);
  });
});
