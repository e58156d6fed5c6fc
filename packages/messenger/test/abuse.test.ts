// What somebody may try who runs a client of his own.
import type { NodeId } from '@grp/core';
import { createLinks, type Links } from '@grp/link';
import { encodeMessage } from '@grp/ordering';
import { encodeAgreement } from '@grp/tracker';
import { describe, expect, test } from 'vitest';
import { joined, utf8, Writer } from '../src/bytes.ts';
import { decodeFrame, encodeHello, frameHead, proofBytes, type Frame, type FrameKind } from '../src/frames.ts';
import { decodeHistory, encodeHistory } from '../src/history.ts';
import { decodePayload, encodePayload } from '../src/payload.ts';
import { messagesOf, messengerPort, openRoom, screen, signerOf, viewOf, type Room } from './support/world.ts';

/** Somebody with a link and no manners. */
interface Attacker {
  readonly links: Links;
  readonly heard: Frame[];
  frame(kind: FrameKind, body: Uint8Array): void;
}

function attack(room: Room, name: string, victim: string, port = 6_666): Attacker {
  room.world.addNode(`host of ${name}`, () => ({ messenger: undefined, events: [], error: undefined }) as never);
  const host = room.world.host(`host of ${name}`);
  const links = createLinks({ transport: host.transport(port), clock: host.clock, random: host.random });
  const heard: Frame[] = [];
  links.onReceive((_, message) => {
    const frame = decodeFrame(message);
    if (frame !== undefined) heard.push(frame);
  });
  const to = room.world.address(victim, messengerPort);
  return { links, heard, frame: (kind, body) => void links.send(to, joined([frameHead(kind, 'tea'), body])) };
}

const nonce = new Uint8Array(16);
const escapes = '\u001B]52;c;ZXZpbA==\u0007\u001B[2J\u202Egnp.exe\u200B\u009B31m';

function refused(room: Room, name: string): Readonly<Record<string, number>> {
  return room.chatter(name).messenger.metrics().refused;
}

describe('talking straight to a peer', () => {
  test('without a ticket nobody gets in, whatever is sent: no message, no agreed number, no view, no history', async () => {
    const room = await openRoom({ seed: 1 });
    await room.gather('tea', ['ann', 'bob'], { order: 'total' });
    room.chatter('ann').messenger.send('tea', 'secret');
    const eve = attack(room, 'eve', 'ann');
    const view = room.chatter('ann').messenger.group('tea').state.view;
    const payload = encodePayload({ text: 'forged', sentAt: 0, wallMs: 0 });
    eve.frame('hello', encodeHello({ ticket: 'let.me', nonce, isAsking: true }));
    const data = { view, round: 1, firstSequence: 1, counter: 9, vector: [], payloads: [payload], stable: 0 };
    eve.frame('ordering', encodeMessage({ type: 'data', ...data }));
    eve.frame(
      'ordering',
      encodeMessage({ type: 'final', view, stable: 0, round: 1, keys: [{ counter: 1, proposer: 0 }] }),
    );
    eve.frame('agreement', encodeAgreement({ type: 'accept', base: view, round: 9, removed: [] }));
    eve.frame('history-ask', new Writer().f64(view).u32(50).bytes());
    await room.world.run(2_000);
    expect(eve.heard).toEqual([]);
    for (const name of ['ann', 'bob']) {
      expect(screen(room.chatter(name), 'tea')).toEqual(['ann: secret']);
      expect(viewOf(room.chatter(name), 'tea')).toEqual(['ann', 'bob']);
    }
    expect(refused(room, 'ann')).toMatchObject({ 'ticket-malformed': 1, stranger: 4 });
  });

  test('with a ticket that is somebody else’s it is told nothing, because it cannot sign with that key', async () => {
    const room = await openRoom({ seed: 2 });
    await room.gather('tea', ['ann', 'bob'], { order: 'total' });
    const ticket = room.chatter('bob').messenger.tracker.group('tea')?.ticket ?? '';
    const eve = attack(room, 'eve', 'ann');
    eve.frame('hello', encodeHello({ ticket, nonce, isAsking: true }));
    await room.world.run(500);
    // Ann shows herself, which the ticket's owner may see anyway; the proof that is wanted cannot be given.
    expect(eve.heard.map(({ kind }) => kind)).toEqual(['hello', 'proof']);
    const [prover, verifier] = ['bob', 'ann'].map(
      (name) => room.chatter(name).messenger.tracker.session?.id ?? ('' as NodeId),
    ) as [NodeId, NodeId];
    const said = proofBytes({ group: 'tea', prover, verifier, nonce: eve.heard[0]?.body.subarray(2, 18) ?? nonce });
    eve.frame('proof', signerOf('eve').sign(said));
    eve.frame('ordering', encodeMessage({ type: 'ack', view: 1, have: 0, decided: 0, delivered: 0, floor: 0, ask: 0 }));
    await room.world.run(500);
    expect(refused(room, 'ann')).toMatchObject({ 'forged-proof': 1, unproven: 1 });
    room.chatter('bob').messenger.send('tea', 'still me');
    await room.until(() => screen(room.chatter('ann'), 'tea').includes('bob: still me'), 'bob is heard');
    expect(eve.heard).toHaveLength(2);
  });

  test('a member that was banned is refused by every peer at once, although its ticket has not expired', async () => {
    const room = await openRoom({ seed: 3 });
    await room.gather('tea', ['ann', 'bob', 'eve'], { order: 'total' });
    const ticket = room.chatter('eve').messenger.tracker.group('tea')?.ticket ?? '';
    await room.settle(room.tracker().execute({ do: 'ban', group: 'tea', nick: 'eve' }));
    await room.until(() => viewOf(room.chatter('bob'), 'tea').length === 2, 'eve is out');
    const eve = attack(room, 'eve', 'ann');
    eve.frame('hello', encodeHello({ ticket, nonce, isAsking: true }));
    await room.world.run(500);
    expect(eve.heard).toEqual([]);
    expect(refused(room, 'ann')).toMatchObject({ 'ticket-not-in-view': 1 });
  });

  test('a flood of hellos costs a bounded number of signature checks', async () => {
    const room = await openRoom({ seed: 4 });
    await room.gather('tea', ['ann', 'bob']);
    const eve = attack(room, 'eve', 'ann');
    for (let count = 0; count < 1_000; count++)
      eve.frame('hello', encodeHello({ ticket: `${count}.x`, nonce, isAsking: true }));
    await room.world.run(1_000);
    const { 'hello-rate': late = 0, 'ticket-malformed': checked = 0 } = refused(room, 'ann');
    expect(late + checked).toBe(1_000);
    expect(checked).toBeLessThanOrEqual(600); // a burst of 400, and 200 a second
    room.chatter('bob').messenger.send('tea', 'nothing happened');
    await room.until(() => screen(room.chatter('ann'), 'tea').length === 1, 'bob is heard');
  });
});

describe('texts', () => {
  test('escape, OSC 52, bidirectional and zero-width characters reach nobody: neither as text nor as topic', async () => {
    const room = await openRoom({ seed: 5 });
    await room.gather('tea', ['ann', 'bob']);
    room.chatter('ann').messenger.send('tea', `hi${escapes}!`);
    const { tracker } = room.chatter('ann').messenger;
    await room.settle(tracker.request('topic', { group: 'tea', text: `topic${escapes}` }));
    await room.until(() => screen(room.chatter('bob'), 'tea').length === 1, 'it is read');
    expect(screen(room.chatter('bob'), 'tea')).toEqual(['ann: hignp.exe!']);
    expect(room.chatter('bob').messenger.group('tea').state.topic).toBe('topicgnp.exe');
    // Whoever sends it without our library is not believed either.
    const raw = new Writer()
      .u8(1)
      .f64(0)
      .f64(0)
      .raw(utf8(`hi${escapes}!`))
      .bytes();
    expect(decodePayload(raw, 4_096)?.text).toBe('hignp.exe!');
  });

  test('a history with names or texts that no tracker or member would give is refused or made safe', () => {
    const options = { group: 'tea', order: 'total', self: 'me' as NodeId, countMax: 50, textBytesMax: 4_096 } as const;
    const message = {
      ...({ type: 'message', order: 'total' } as const),
      ...{ group: 'tea', fromId: 'id' as NodeId, sequence: 1, view: 1, wallMs: 1e308, isOwn: false, isReplay: true },
    };
    const of = (from: string, text: string): ReturnType<typeof decodeHistory> =>
      decodeHistory(encodeHistory(7, [{ ...message, from, text }]), options);
    expect(of('ann', `x${escapes}`)?.messages).toMatchObject([{ from: 'ann', text: 'xgnp.exe', wallMs: 0 }]);
    for (const from of ['a\u200Bnn', `ann${escapes}`, 'аnn', '', 'a'.repeat(33)]) expect(of(from, 'x')).toBeUndefined();
    expect(
      decodeHistory(
        encodeHistory(
          7,
          Array.from({ length: 51 }, () => ({ ...message, from: 'ann', text: '' })),
        ),
        options,
      ),
    ).toBeUndefined();
    for (let length = 0; length < 40; length++)
      expect(
        decodeHistory(encodeHistory(7, [{ ...message, from: 'ann', text: 'x' }]).subarray(0, length), options),
      ).toBeUndefined();
  });

  test('too long, empty, or of nothing visible: refused with a reason', async () => {
    const room = await openRoom({ seed: 6 });
    await room.gather('tea', ['ann']);
    const { messenger } = room.chatter('ann');
    const codeOf = (text: string): unknown => {
      try {
        messenger.send('tea', text);
        return undefined;
      } catch (cause) {
        return (cause as { code?: unknown }).code;
      }
    };
    expect(['', '\u200B', '   ', 'x'.repeat(4_097), 'ä'.repeat(2_049)].map(codeOf)).toEqual([
      ...Array.from({ length: 3 }, () => 'MESSENGER_TEXT_EMPTY'),
      ...Array.from({ length: 2 }, () => 'MESSENGER_TEXT_TOO_LONG'),
    ]);
    expect(codeOf('x'.repeat(4_096))).toBeUndefined();
  });

  test('times of NaN and 1e308 spoil no measurement', async () => {
    const room = await openRoom({ seed: 7 });
    await room.gather('tea', ['ann', 'bob']);
    for (const [sentAt, wallMs] of [
      [Number.NaN, Number.NaN],
      [1e308, -1e308],
      [-1e308, Number.POSITIVE_INFINITY],
    ] as const) {
      const payload = decodePayload(encodePayload({ text: 'x', sentAt, wallMs }), 4_096);
      expect(payload).toMatchObject({ text: 'x', wallMs: 0 });
    }
    room.chatter('ann').messenger.send('tea', 'x');
    await room.until(() => screen(room.chatter('bob'), 'tea').length === 1, 'it is read');
    const { latencyMs } = room.chatter('bob').messenger.group('tea').metrics;
    expect(latencyMs.count).toBe(1);
    expect(latencyMs.p99).toBeLessThan(100);
  });
});

const mine = { receiveBytesPerSecond: 1_073_741_824, receiveBytesBurst: 1_073_741_824 };

describe('a flood of 10,000 messages a second from one member', () => {
  interface Storm {
    readonly room: Room;
    /** p99 in ms from Ann to Bob, without the flood and in it. */
    readonly calm: number;
    readonly stormy: number;
    /** Bytes that Ann or Bob keeps in any queue, every 100 ms of the flood. */
    readonly kept: readonly number[];
  }

  async function storm(order: 'fifo' | 'total', flooder: Parameters<Room['add']>[1]): Promise<Storm> {
    const room = await openRoom({ seed: 8 });
    await room.gather('tea', ['ann', 'bob'], { order });
    await room.add('eve', flooder);
    await room.settle(room.chatter('eve').messenger.join('tea'));
    await room.until(() => room.chatter('eve').messenger.group('tea').state.reached === 2, 'eve is in');
    let [delays, kept]: [number[], number[]] = [[], []];
    room.chatter('bob').messenger.on((event) => {
      if (event.type === 'message' && event.from === 'ann') delays.push(room.world.now - Number(event.text));
    });
    const p99Of = async (seconds: number, flood: () => void): Promise<number> => {
      [delays, kept] = [[], []];
      for (let tick = 0; tick < seconds * 100; tick++) {
        flood();
        if (tick % 5 === 0) room.chatter('ann').messenger.send('tea', String(room.world.now));
        await room.world.run(10);
        if (tick % 10 === 0) kept.push(Math.max(...['ann', 'bob'].map((name) => keptBytes(room, name))));
      }
      await room.until(() => delays.length === seconds * 20, 'all that ann said', 5_000);
      return delays.toSorted((one, other) => one - other)[Math.floor(delays.length * 0.99)] ?? Number.NaN;
    };
    const calm = await p99Of(3, () => {});
    const stormy = await p99Of(4, () => {
      for (let count = 0; count < 100; count++) {
        try {
          room.chatter('eve').messenger.send('tea', 'buy this, buy this, buy this, buy this, buy this, buy this');
        } catch {
          // her own queue is full: she is held back, not the others
        }
      }
    });
    return { room, calm, stormy, kept };
  }

  function keptBytes(room: Room, name: string): number {
    const { ordering, peers } = room.chatter(name).messenger.group('tea');
    const { holdBack, unstable, outbox } = ordering;
    return holdBack.bytes + unstable.bytes + outbox.bytes + peers.reduce((sum, { flood }) => sum + flood.heldBytes, 0);
  }

  function isFlat({ kept }: Storm): void {
    // Once the burst that anybody may make is over, nothing grows, however long it lasts.
    const [early, late] = [kept.slice(20, 30), kept.slice(30)].map((part) => Math.max(...part)) as [number, number];
    expect(late).toBeLessThan(4 * 1_048_576);
    expect(late).toBeLessThanOrEqual(early * 1.5 + 4_096);
  }

  test.each(['fifo', 'total'] as const)(
    'in %s order: the others’ p99 is less than twice what it was, and memory flat',
    async (order) => {
      const found = await storm(order, {});
      expect(found.calm).toBeGreaterThan(0);
      expect(found.stormy).toBeLessThan(2 * found.calm);
      isFlat(found);
      const said = messagesOf(found.room.chatter('bob'), 'tea').filter(({ from }) => from === 'eve').length;
      expect(said).toBeGreaterThan(10_000); // what she may say she does say
      expect(said).toBeLessThan(30_000);
    },
    60_000,
  );

  test.each([
    ['fifo', 2],
    ['total', 10],
  ] as const)(
    'from a program that keeps no pace, in %s order: at most %i times, memory flat, and the receivers hold it back',
    async (order, times) => {
      const found = await storm(order, { config: mine });
      expect(found.stormy).toBeLessThan(times * found.calm);
      isFlat(found);
      const bob = found.room.chatter('bob');
      const { flood } =
        bob.messenger.group('tea').peers.find(({ nick }) => nick === 'eve') ?? ({} as { flood?: undefined });
      expect(flood?.delayed).toBeGreaterThan(0);
      expect(flood?.heldBytes).toBeLessThanOrEqual(1_048_576);
      // One mebibyte at once, 128 KiB a second; less than 80,000 of 100,000 messages of 75 bytes.
      expect(messagesOf(bob, 'tea').filter(({ from }) => from === 'eve').length).toBeLessThan(45_000);
    },
    60_000,
  );
});

test('frames of any bytes are decoded or refused, never thrown at', () => {
  for (let kind = 0; kind < 256; kind++)
    for (const length of [0, 1, 3, 255])
      expect(() => decodeFrame(Uint8Array.from([kind, length, 0xff, 0xfe, 0x00]))).not.toThrow();
  expect(decodeFrame(new Uint8Array(0))).toBeUndefined();
  expect(decodeFrame(Uint8Array.from([1, 2, 0xff, 0xfe]))).toBeUndefined(); // no UTF-8
});
