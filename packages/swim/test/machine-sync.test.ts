import type { Address } from '@grp/core';
import { decodeSerf, isMalformed, type Message, type StreamMessage } from '@grp/memberlist-wire';
import { describe, expect, test } from 'vitest';
import { decodeAckPayload, encodeAckPayload } from '../src/digest.ts';
import { accuse, addressOf, alive, node, pushPull, sentIn, Solo, type SoloOptions } from './support/solo.ts';

function five(options: SoloOptions = {}): Solo {
  return new Solo(options).know('b', 'c', 'd', 'e');
}

const join = (...names: readonly string[]) => ({ type: 'join' as const, ticket: 1, addresses: names.map(addressOf) });
const reply = (ticket: number, message: StreamMessage) => ({ type: 'reply' as const, ticket, message });
const noReply = (ticket: number, reason: 'refused' | 'timeout' | 'malformed') => ({
  type: 'no-reply' as const,
  ticket,
  reason,
});

describe('a join', () => {
  test('exchanges lists with all seeds at once, and ends when the last has answered or failed', () => {
    const solo = new Solo();
    solo.give(join('b', 'c', 'd', 'b', 'a')); // once each, and never with oneself
    const [b, c, d] = solo.dialled().map(({ ticket }) => ticket) as [number, number, number];
    solo.now = 20;
    solo.give(reply(c, pushPull([node('c'), node('e')], true)));
    solo.give(noReply(d, 'refused'));
    solo.now = 30;
    solo.give(reply(b, { type: 'error', message: 'not today' }));
    expect(solo.takeStory()).toEqual([
      '0 dial b: push-pull [a alive@10] within 10000',
      '0 dial c: push-pull [a alive@10] within 10000',
      '0 dial d: push-pull [a alive@10] within 10000',
      '20 event join c@10',
      '20 event join e@10',
      '30 joined through [c], failed [d: refused b: not today]',
    ]);
  });

  test('that nobody answers ends too, and one with no seeds at once', () => {
    const solo = new Solo();
    solo.give(join('b'));
    solo.give(noReply(solo.dialled()[0]?.ticket ?? 0, 'timeout'), join());
    expect(solo.takeStory().slice(1)).toEqual([
      '0 joined through [], failed [b: timeout]',
      '0 joined through [], failed []',
    ]);
  });

  test('is refused by a list with a member that does not understand us, and nothing of it is taken', () => {
    const solo = new Solo();
    const old = { versions: Uint8Array.of(3, 5, 4, 0, 0, 0) };
    solo.give(join('b'));
    solo.give(reply(solo.dialled()[0]?.ticket ?? 0, pushPull([node('b'), node('z', old)], true)));
    expect(solo.takeStory().at(-1)).toBe('0 joined through [], failed [b: z speaks no protocol 2]');
    expect(solo.machine.members()).toHaveLength(1);
    // One that is gone needs not understand anything.
    solo.give(join('b'));
    const gone = node('z', { ...old, state: 'left' });
    solo.give(reply(solo.dialled().at(-1)?.ticket ?? 0, pushPull([node('b'), gone], true)));
    expect(solo.status('b')).toBe('alive@10');
  });

  test('by another through this one: it is answered with the whole list, itself in it, and everyone hears at once', () => {
    const solo = new Solo().know('b', 'c');
    solo.give({ type: 'request', ticket: 9, from: '10.0.0.7:50000' as Address, message: pushPull([node('g')], true) });
    expect(solo.take()).toEqual([
      '10000 event join g@10',
      '10000 answer push-pull [a alive@10, b alive@10, c alive@10, g alive@10]',
      '10000 gossip b: alive g@10',
      '10000 gossip c: alive g@10',
      '10000 gossip g: alive g@10',
    ]);
  });

  test('by a list with a member that does not understand us is answered with the reason', () => {
    const solo = five();
    const stranger = node('z', { versions: Uint8Array.of(3, 5, 4, 0, 0, 0) });
    solo.give({ type: 'request', ticket: 9, from: addressOf('z'), message: pushPull([stranger], true) });
    expect(solo.take()).toEqual([
      '10000 drop push-pull-versions',
      '10000 answer error "z speaks no protocol 2 (10.0.0.26:7946)"',
    ]);
  });
});

describe('a newcomer', () => {
  /** Joins through b with nothing but the news of the given list to tell. */
  function joined(nodes: readonly string[], before: (solo: Solo) => void = () => {}): Solo {
    const solo = new Solo({ config: { gossipIntervalMs: 200 } });
    before(solo);
    solo.take();
    solo.give(join('b'));
    const list = pushPull(
      nodes.map((name) => node(name)),
      true,
    );
    solo.give(reply(solo.dialled().at(-1)?.ticket ?? 0, list));
    return solo;
  }
  const told = (solo: Solo): string[] =>
    solo
      .sent()
      .flatMap(({ messages }) => messages)
      .flatMap((message) => (message.type === 'alive' ? [message.node] : []));

  test('does not gossip the list back to those who gave it', () => {
    const solo = joined(['b', 'c', 'd']);
    expect(solo.events()).toEqual(['join b@10', 'join c@10', 'join d@10']);
    solo.run(10_000);
    expect(told(solo)).toEqual([]);
    expect(solo.machine.broadcastsQueued).toBe(0);
    // What it hears afterwards it passes on like anyone.
    solo.datagram('b', alive('e'));
    solo.run(1_000);
    expect(new Set(told(solo))).toEqual(new Set(['e']));
  });

  test('that brings others along tells both sides of each other', () => {
    const solo = joined(['b', 'c'], (one) => one.know('d'));
    solo.run(2_000);
    expect(new Set(told(solo))).toEqual(new Set(['b', 'c']));
  });

  test('that is asked, and asks nobody, passes on what it was told', () => {
    const solo = new Solo();
    solo.give({ type: 'request', ticket: 9, from: addressOf('b'), message: pushPull([node('b'), node('c')], true) });
    expect(new Set(told(solo))).toEqual(new Set(['b', 'c']));
  });
});

describe('an exchange', () => {
  test('a death in it is a suspicion only: this node looks for itself; a leave is a leave', () => {
    const solo = five();
    const told = [node('b', { state: 'dead' }), node('c', { state: 'left' }), node('z', { state: 'dead' })];
    solo.give({ type: 'request', ticket: 9, from: addressOf('d'), message: pushPull(told) });
    expect(solo.events()).toEqual(['suspect b@10', 'leave c@10']);
    expect(
      solo
        .sent()
        .filter(({ messages }) => messages.some(({ type }) => type === 'ping'))
        .map(({ to }) => to),
    ).toEqual(['b']);
    expect(solo.status('z')).toBe('unknown'); // the end of a stranger is no news
  });

  test('what is suspect or down here goes out as that', () => {
    const solo = five();
    solo.datagram('b', accuse('suspect', 'c', 10, 'b'), accuse('dead', 'd', 10, 'b'), accuse('dead', 'e', 10, 'e'));
    solo.take();
    solo.give({ type: 'request', ticket: 9, from: addressOf('b'), message: pushPull([]) });
    expect(solo.take()).toContain(
      '10000 answer push-pull [a alive@10, b alive@10, c suspect@10, d dead@10, e left@10]',
    );
  });

  test('carries what Serf agents look for in it', () => {
    const solo = five();
    const [answer] = solo.give({ type: 'request', ticket: 9, from: addressOf('b'), message: pushPull([]) });
    const state =
      answer?.type === 'answer' && answer.message.type === 'push-pull' ? answer.message.userState : new Uint8Array(0);
    const said = decodeSerf(state);
    expect(isMalformed(said) ? undefined : said.type).toBe('push-pull');
  });

  test('with a random member happens at every interval, at a random phase', () => {
    const solo = new Solo({ config: { pushPullIntervalMs: 10_000, probeIntervalMs: 60_000 } }).know('b', 'c', 'd', 'e');
    solo.give({ type: 'start' });
    solo.take();
    for (let count = 0; count < 6; count++) {
      solo.run(10_000);
      for (const { ticket, message } of solo.dialled().slice(count)) {
        if (message.type === 'push-pull') solo.give(noReply(ticket, 'refused'));
      }
    }
    const dialled = solo.dialled().filter(({ message }) => message.type === 'push-pull');
    expect(dialled).toHaveLength(6);
    expect(new Set(dialled.map(({ to }) => to)).size).toBeGreaterThan(1);
  });
});

test('in a large cluster the first periodic exchange waits as long as all others do', () => {
  const firsts = [1, 2, 3, 4, 5, 6, 7, 8].map(firstExchange);
  // ⌈log2(102 ÷ 32)⌉ + 1 = 3 intervals of 10 s, begun at a random place.
  expect(Math.max(...firsts)).toBeLessThanOrEqual(30_000);
  expect(Math.max(...firsts)).toBeGreaterThan(10_000);
});

function firstExchange(seed: number): number {
  const solo = new Solo({ seed, config: { pushPullIntervalMs: 10_000, probeIntervalMs: 60_000 } });
  solo.give({ type: 'start' }, join('b'));
  const list = Array.from({ length: 100 }, (_, index) =>
    node(`m${index}`, { address: `10.1.0.${index}:7946` as Address }),
  );
  solo.give(reply(solo.dialled()[0]?.ticket ?? 0, pushPull([node('b'), ...list], true)));
  solo.take();
  while (solo.dialled().length === 0) solo.run(100);
  return solo.now;
}

/** What this machine would tell of its list. */
function ownDigest(solo: Solo): number {
  const effects = solo.datagram('b', { type: 'ping', sequence: 1, node: 'a', source: undefined });
  const acks = sentIn(effects).flatMap(({ messages }) => messages.filter((message) => message.type === 'ack'));
  return decodeAckPayload(acks[0]?.payload ?? new Uint8Array(0))?.digest ?? 0;
}

const nothingSaid = { type: 'ack' as const, payload: new Uint8Array(0) };

describe('digests', () => {
  /** b acks a probe with this digest of its list. */
  function probed(solo: Solo, digest: number, name = 'b'): void {
    solo.probe(name);
    const sequence = solo
      .sent()
      .flatMap(({ messages }) => messages)
      .findLast((message): message is Extract<Message, { type: 'ping' }> => message.type === 'ping')?.sequence;
    solo.datagram(name, {
      type: 'ack',
      sequence: sequence ?? 0,
      payload: encodeAckPayload({ digest, coordinate: undefined }),
    });
  }

  test('an ack tells a grp member the digest of the living, the same for the same list', () => {
    const payloads = [five(), new Solo().know('e', 'd', 'b', 'c')].map((solo) => {
      solo.datagram('b', { type: 'ping', sequence: 1, node: 'a', source: undefined });
      const [message] = solo.sent().flatMap(({ messages }) => messages);
      return message?.type === 'ack' ? [...message.payload] : [];
    });
    expect(payloads[0]).toHaveLength(5);
    expect(payloads[0]).toEqual(payloads[1]);
  });

  test('a differing one starts an exchange, at most one in a second however many differ', () => {
    const solo = five({ config: { digestSyncMinMs: 1_000 } });
    probed(solo, 1);
    probed(solo, 1, 'c');
    expect(solo.dialled().map(({ to }) => to)).toEqual([addressOf('b')]);
    solo.now += 999;
    probed(solo, 1, 'c');
    expect(solo.dialled()).toHaveLength(1);
    solo.now += 1;
    probed(solo, 1, 'd');
    expect(solo.dialled().map(({ to }) => to)).toEqual([addressOf('b'), addressOf('d')]);
  });

  test.each([
    ['of 40 members spare three periodic exchanges of four', 40, [], 3],
    ['of 30 members spare none, for they are cheap', 30, [], 12],
    ['with a Serf agent among the members spare none', 40, [node('s', { meta: new Uint8Array(0) })], 12],
  ])('that agree %s', (_, count, strangers, wanted) => {
    const interval = count > 32 ? 20_000 : 10_000; // stretched
    const others = Array.from({ length: count - 2 }, (__, index) =>
      node(`m${index}`, { address: `10.1.0.${index}:7946` as Address }),
    );
    const solo = new Solo({ config: { pushPullIntervalMs: 10_000, probeIntervalMs: 60_000 } });
    solo.know('b', ...others, ...strangers);
    solo.give({ type: 'start' });
    for (let second = 0; second < (12 * interval) / 1_000; second++) {
      for (const { to, messages } of sentIn(solo.run(1_000))) {
        const from = /^\d/.test(to) ? (to as Address) : addressOf(to);
        for (const message of messages) {
          if (message.type !== 'ping') continue;
          const said = { ...nothingSaid, sequence: message.sequence };
          solo.give({ type: 'datagram', from, bytes: 100, messages: [said] });
        }
      }
      probed(solo, ownDigest(solo));
    }
    expect(solo.dialled().filter(({ message }) => message.type === 'push-pull')).toHaveLength(wanted);
  });

  test('while this list is moving a difference means nothing', () => {
    const solo = five({ config: { digestSyncMinMs: 1_000 } });
    solo.datagram('b', alive('f'));
    probed(solo, 1);
    expect(solo.dialled()).toEqual([]);
  });

  test('and in a large cluster news is on its way for longer', () => {
    const many = Array.from({ length: 98 }, (_, index) =>
      node(`m${index}`, { address: `10.1.0.${index}:7946` as Address }),
    );
    const solo = new Solo({ config: { digestSyncMinMs: 1_000 } }).know('b', ...many);
    solo.datagram('b', alive('f'));
    solo.now += 1_999;
    probed(solo, 1);
    expect(solo.dialled()).toEqual([]);
    solo.now += 10;
    probed(solo, 1);
    expect(solo.dialled()).toHaveLength(1);
  });

  test('payloads of Serf agents and junk start nothing', () => {
    const solo = five();
    solo.probe('b');
    const ping = solo.sent()[0]?.messages[0];
    const sequence = ping?.type === 'ping' ? ping.sequence : 0;
    solo.datagram('b', { type: 'ack', sequence, payload: Uint8Array.of(1, 2, 3, 4, 5) });
    expect(solo.dialled()).toEqual([]);
    expect(solo.status('b')).toBe('alive@10');
  });
});

describe('healing', () => {
  test('a member that is down is asked now and then, alone, with the accusation; its ack starts an exchange', () => {
    const solo = five({ config: { healIntervalMs: 2_000, gossipToDownMs: 0 } });
    solo.datagram('c', accuse('dead', 'b', 10, 'c'));
    solo.run(1_999);
    solo.take();
    solo.run(1);
    expect(solo.take()).toEqual(['12000 send b: ping b #1 + dead b@10 by a']);
    solo.run(4_000);
    const pings = solo
      .sent()
      .flatMap(({ messages }) => messages)
      .filter(({ type }) => type === 'ping');
    expect(solo.events()).toEqual([]); // being silent when down is no news
    expect(solo.machine.healthScore).toBe(0);
    expect(pings).toHaveLength(2);
    const last = pings.at(-1);
    solo.datagram('b', {
      type: 'ack',
      sequence: last?.type === 'ping' ? last.sequence : 0,
      payload: new Uint8Array(0),
    });
    expect(solo.dialled().map(({ to }) => to)).toEqual([addressOf('b')]);
    // It has heard that it is dead, and says no.
    solo.datagram('b', alive('b', { incarnation: 11 }));
    expect(solo.events()).toEqual(['alive b@11']);
    solo.take();
    solo.run(20_000);
    expect(solo.take().filter((line) => line.includes('ping'))).toEqual([]);
  });

  test('goes on until the member is forgotten, and not for one that left', () => {
    const solo = five({ config: { healIntervalMs: 2_000, forgetDownMs: 10_000 } });
    solo.datagram('c', accuse('dead', 'b', 10, 'c'), accuse('dead', 'd', 10, 'd'));
    solo.run(30_000);
    const asked = solo
      .sent()
      .flatMap(({ messages }) => messages)
      .flatMap((message) => (message.type === 'ping' ? [message.node] : []));
    expect(asked).toEqual(['b', 'b', 'b', 'b', 'b'].slice(0, asked.length));
    expect(asked.length).toBeGreaterThanOrEqual(4);
    expect(solo.events()).toEqual(['down b@10', 'leave d@10', 'forget b@10']);
    expect(solo.machine.nextDeadline()).toBeGreaterThan(500_000); // nothing left but to forget d
  });

  test('the recently down still hear news, and not for ever', () => {
    const solo = five({ config: { gossipToDownMs: 5_000, healIntervalMs: 60_000 } });
    solo.datagram('c', accuse('dead', 'b', 10, 'c'));
    solo.run(4_000);
    expect(solo.sent().some(({ to }) => to === 'b')).toBe(true);
    solo.run(2_000);
    solo.take();
    solo.datagram('c', alive('f'));
    solo.run(1_000);
    const told = solo.sent().filter(({ messages }) => messages.some(({ type }) => type === 'alive'));
    expect(told.length).toBeGreaterThan(3);
    expect(told.filter(({ to }) => to === 'b')).toEqual([]);
  });
});

test('in a large cluster one that is down hears from about as many as a living one, not from everybody', () => {
  let [down, living] = [0, 0];
  for (let seed = 1; seed <= 20; seed++) {
    const solo = new Solo({ seed, config: { gossipFanout: 3, healIntervalMs: 60_000, probeIntervalMs: 60_000 } });
    const many = Array.from({ length: 60 }, (_, index) =>
      node(`m${index}`, { address: `10.1.0.${index}:7946` as Address }),
    );
    solo.know(node('b'), node('c'), ...many);
    solo.datagram('c', accuse('dead', 'b', 10, 'c'));
    solo.take();
    for (let news = 0; news < 20; news++) {
      solo.datagram('c', alive('c', { incarnation: 20 + news }));
      solo.run(1_000);
    }
    const sent = solo.sent();
    down += sent.filter(({ to }) => to === 'b').length;
    living += sent.filter(({ to }) => to === 'c' || to.startsWith('10.1.')).length;
  }
  // One of 62 for the down against 61 living.
  expect(living / 61 / down).toBeGreaterThan(0.5);
  expect(living / 61 / down).toBeLessThan(2);
});
