import type { Address } from '@grp/core';
import type { StreamMessage } from '@grp/memberlist-wire';
import { describe, expect, test } from 'vitest';
import { addressOf, epochMs, node, pushPull, Solo, versions, type SoloOptions } from './support/solo.ts';

const join = (...names: readonly string[]) => ({ type: 'join' as const, ticket: 1, addresses: names.map(addressOf) });
const reply = (ticket: number, message: StreamMessage) => ({ type: 'reply' as const, ticket, message });
const noReply = (ticket: number, reason: 'refused' | 'timeout' | 'malformed') => ({
  type: 'no-reply' as const,
  ticket,
  reason,
});

describe('one name, one living node', () => {
  const rival = (startedAt: number, incarnation = 5) => node('a', { address: addressOf('r'), startedAt, incarnation });
  const older = rival(epochMs - 60_000);

  /** Joins through b, whose list has somebody else under the name a. */
  function joining(listed = older, options: SoloOptions = {}): Solo {
    const solo = new Solo(options);
    solo.give(join('b'));
    solo.give(reply(solo.dialled()[0]?.ticket ?? 0, pushPull([node('b'), listed], true)));
    return solo;
  }

  test('an older life at another address is asked, and the join waits for what it says', () => {
    const solo = joining();
    expect(solo.takeStory()).toEqual([
      '0 dial b: push-pull [a alive@10] within 10000',
      '0 event join b@10',
      '0 dial r: ping a #1 within 1000',
    ]);
  });

  test('it lives: this node yields', () => {
    const solo = joining();
    const asked = solo.dialled().at(-1);
    solo.give(reply(asked?.ticket ?? 0, { type: 'ack', sequence: asked?.ticket ?? 0, payload: new Uint8Array(0) }));
    expect(solo.takeStory()).toContain('0 conflict r');
  });

  test('it is silent: this node announces itself every second until the others have taken it for theirs', () => {
    const solo = joining();
    solo.run(1_000);
    solo.give(noReply(solo.dialled().at(-1)?.ticket ?? 0, 'timeout'));
    expect(solo.takeStory()).toContain('1000 joined through [b], failed []');
    solo.take();
    solo.run(2_500);
    const announced = solo.dialled();
    expect(announced.map(({ to }) => to)).toEqual([addressOf('b'), addressOf('b')]);
    for (const { ticket } of announced) solo.give(reply(ticket, pushPull([node('b'), older])));
    expect(solo.take().filter((line) => line.includes('dial r'))).toEqual([]); // asked once
    // b has noticed, and says our own life back to us.
    solo.run(1_000);
    solo.give(reply(solo.dialled().at(-1)?.ticket ?? 0, pushPull([node('b'), node('a')])));
    solo.take();
    solo.run(10_000);
    expect(solo.dialled()).toEqual([]);
  });

  test('a silent one with a greater incarnation is outdone', () => {
    const solo = joining(rival(epochMs - 60_000, 500));
    solo.give(noReply(solo.dialled().at(-1)?.ticket ?? 0, 'refused'));
    expect(solo.status('a')).toBe('alive@501');
  });

  test('an earlier life at this very address is superseded at once, without a question', () => {
    const solo = joining(node('a', { startedAt: epochMs - 60_000, incarnation: 500 }));
    expect(solo.takeStory()).toEqual([
      '0 dial b: push-pull [a alive@10] within 10000',
      '0 event join b@10',
      '0 joined through [b], failed []',
    ]);
    expect(solo.status('a')).toBe('alive@501');
  });

  test('of two that started in the same instant the smaller address stays', () => {
    const solo = joining({ ...rival(epochMs), address: '10.0.0.0:7946' as Address });
    expect(solo.dialled().at(-1)?.to).toBe('10.0.0.0:7946');
    const stays = joining({ ...rival(epochMs), address: '10.0.0.9:7946' as Address });
    expect(stays.dialled()).toHaveLength(1);
    expect(stays.status('a')).toBe('alive@10');
  });

  test('a younger one is not asked but outdone; it will ask', () => {
    const solo = joining(rival(epochMs + 60_000, 500));
    expect(solo.dialled()).toHaveLength(1);
    expect(solo.status('a')).toBe('alive@501');
  });

  test('a Serf agent, which says no start, was there before', () => {
    const solo = joining(node('a', { address: addressOf('r'), meta: new Uint8Array(0), versions }));
    expect(solo.takeStory()).toContain('0 dial r: ping a #1 within 1000');
  });

  test('asked over a stream, a member says that it lives, under its own name only', () => {
    const solo = new Solo();
    solo.give({
      type: 'request',
      ticket: 3,
      from: addressOf('b'),
      message: { type: 'ping', sequence: 9, node: 'a', source: undefined },
    });
    solo.give({
      type: 'request',
      ticket: 4,
      from: addressOf('b'),
      message: { type: 'ping', sequence: 9, node: 'z', source: undefined },
    });
    expect(solo.take()).toEqual(['0 answer ack #1', '0 drop stream-request', '0 hang-up']);
  });
});
