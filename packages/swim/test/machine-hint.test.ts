import { describe, expect, test } from 'vitest';
import type { Message } from '@grp/memberlist-wire';
import { accuse, epochMs, Solo, type SoloOptions } from './support/solo.ts';

/** a knows b, c, d and e; b answers in 2 ms; refusals count after 24 ms, and the refused have 400 ms to refute. */
function five(options: SoloOptions = {}): Solo {
  const solo = new Solo(options).know('b', 'c', 'd', 'e');
  for (let probe = 0; probe < 8; probe++) {
    solo.probe('b');
    solo.now += 2;
    solo.datagram('b', ack(pinged(solo)));
    solo.take();
  }
  solo.now = 20_000;
  return solo;
}

const ack = (sequence: number): Message => ({ type: 'ack', sequence, payload: new Uint8Array(0) });

/** The sequence of the last ping to b. */
function pinged(solo: Solo): number {
  const pings = solo
    .sent()
    .filter(({ to }) => to === 'b')
    .flatMap(({ messages }) => messages)
    .filter((message): message is Extract<Message, { type: 'ping' }> => message.type === 'ping');
  return pings.at(-1)?.sequence ?? 0;
}

function refuse(solo: Solo): void {
  solo.give({ type: 'no-reply', ticket: solo.dialled().at(-1)?.ticket ?? 0, reason: 'refused' });
}

describe('a hint', () => {
  test('asks the member, three others and a stream at once, out of turn', () => {
    const solo = five();
    solo.hint('b');
    expect(solo.take().toSorted()).toEqual([
      '20000 dial b: ping b #9 within 1000',
      '20000 send b: ping b #9',
      '20000 send c: indirect-ping b #9',
      '20000 send d: indirect-ping b #9',
      '20000 send e: indirect-ping b #9',
    ]);
  });

  test('about a member that answers is over with that', () => {
    const solo = five();
    solo.hint('b');
    solo.now += 2;
    solo.datagram('b', ack(pinged(solo)));
    solo.run(10_000);
    expect(solo.events()).toEqual([]);
    expect(solo.member('b').rttMs).toBe(2);
  });

  test('about a silent member is no verdict: it is suspected no sooner than by any probe', () => {
    const solo = five();
    solo.hint('b');
    const sequence = pinged(solo);
    for (const relay of ['c', 'd', 'e']) solo.datagram(relay, { type: 'nack', sequence });
    solo.give({ type: 'no-reply', ticket: solo.dialled()[0]?.ticket ?? 0, reason: 'timeout' });
    solo.run(99);
    expect(solo.events()).toEqual([]);
    solo.run(1); // 100 ms are the least that an answer gets
    expect(solo.events()).toEqual(['suspect b@10']);
    solo.run(999);
    expect(solo.status('b')).toBe('suspect@10');
  });

  test('about a member whose host refuses leads to a suspicion 24 ms later; whatever answers until then clears it', () => {
    for (const answerer of ['nobody', 'b', 'd']) {
      const solo = five();
      solo.hint('b');
      const sequence = pinged(solo);
      solo.now += 1;
      refuse(solo);
      solo.run(22);
      expect(solo.events()).toEqual([]);
      if (answerer !== 'nobody') solo.datagram(answerer, ack(sequence));
      solo.run(1);
      expect([answerer, ...solo.events()]).toEqual(answerer === 'nobody' ? ['nobody', 'suspect b@10'] : [answerer]);
      expect(solo.machine.healthScore).toBe(0); // three relays that had no time to answer are no sign of bad health
    }
  });

  test('about a member whose host refuses ends in its death after the shortest wait, when three others agree', () => {
    const solo = five();
    solo.hint('b');
    refuse(solo);
    solo.run(20);
    solo.datagram(
      'c',
      accuse('suspect', 'b', 10, 'c'),
      accuse('suspect', 'b', 10, 'd'),
      accuse('suspect', 'b', 10, 'e'),
    );
    solo.run(399);
    expect(solo.status('b')).toBe('suspect@10');
    solo.run(1);
    expect(solo.status('b')).toBe('down@10');
  });

  test('dials again when the stream was taken and cut off: so it is while a process is being killed', () => {
    const solo = five();
    const reset = (): void => {
      solo.give({ type: 'no-reply', ticket: solo.dialled().at(-1)?.ticket ?? 0, reason: 'reset' });
    };
    solo.hint('b');
    reset();
    expect(solo.dialled()).toHaveLength(2);
    refuse(solo);
    solo.run(24);
    expect(solo.events()).toEqual(['suspect b@10']);
    const busy = five();
    busy.hint('b');
    for (let count = 0; count < 10; count++) {
      busy.give({ type: 'no-reply', ticket: busy.dialled().at(-1)?.ticket ?? 0, reason: 'reset' });
    }
    expect(busy.dialled()).toHaveLength(3); // whoever takes and cuts off for ever says nothing
    busy.run(99);
    expect(busy.events()).toEqual([]);
  });

  test('while a probe is under way widens that one', () => {
    const solo = five();
    solo.probe('b');
    solo.take();
    solo.now += 10;
    solo.hint('b');
    expect(solo.take().toSorted()).toEqual([
      '20010 dial b: ping b #9 within 990',
      '20010 send c: indirect-ping b #9',
      '20010 send d: indirect-ping b #9',
      '20010 send e: indirect-ping b #9',
    ]);
  });

  test('is taken once in 250 ms; however many come in between are one more afterwards', () => {
    const solo = five({ config: { hintIntervalMs: 250 } });
    const pings = (): number => solo.sent().filter(({ messages }) => messages[0]?.type === 'ping').length;
    for (let count = 0; count < 100; count++) {
      solo.hint('b');
      solo.now += 1;
      solo.datagram('b', ack(pinged(solo)));
    }
    expect(pings()).toBe(1);
    solo.run(150);
    expect(pings()).toBe(2);
    solo.datagram('b', ack(pinged(solo)));
    solo.run(10_000);
    expect(pings()).toBe(2);
    solo.hint('b');
    solo.hint('c'); // each member by itself
    expect(pings()).toBe(4);
  });

  test('names a member or one life of it; an earlier life, oneself, strangers and the gone are ignored', () => {
    const solo = five();
    solo.datagram('c', accuse('dead', 'd', 10, 'c'));
    solo.run(5_000);
    solo.take();
    for (const odd of ['', '#', 'a', 'z', 'd', `b#${epochMs - 1}`, 'b#', `b#${epochMs}#`]) solo.hint(odd);
    expect(solo.take()).toEqual([]);
    solo.hint(`b#${epochMs}`);
    expect(solo.dialled()).toHaveLength(1);
  });
});

describe('a confirmation', () => {
  test('dials at once; others are asked when the host refuses, before it counts', () => {
    const solo = five();
    solo.datagram('c', accuse('suspect', 'b', 10, 'c'));
    expect(solo.takeStory().filter((line) => line.includes('dial'))).toEqual(['20000 dial b: ping b #9 within 1000']);
    const ticket = 2;
    solo.now += 1;
    solo.give({ type: 'no-reply', ticket, reason: 'refused' });
    expect(solo.take().filter((line) => line.includes('indirect'))).toHaveLength(3);
    solo.run(23);
    const said = (): string[] => solo.take().filter((line) => line.includes('suspect b@10 by a'));
    expect(said()).toEqual([]);
    solo.run(1);
    expect(said().length).toBeGreaterThan(0);
  });
});
