import type { Checker } from '../../history.ts';
import { Confirmed } from './confirmed.ts';
import type { DeliverEvent, GroupDelivery, GroupEvent } from './events.ts';
import { Findings } from './findings.ts';
import type { Life } from './lives.ts';

interface Holder {
  readonly life: Life<unknown>;
  readonly position: number;
}
/** Of the messages that two lives have both delivered: how far each of them has come. */
interface Pair {
  readonly furthest: [earlier: number, later: number];
  last: string;
  isBroken: boolean;
}

/**
 * Total order: any two processes deliver the messages that both deliver in the same order, and a place in the row is
 * taken by one message (Défago, Schiper, Urbán 2004, §2.3; uniform at the level `safe`).
 */
export function totalOrder({ delivery }: { readonly delivery: GroupDelivery }): Checker<GroupEvent> {
  const name = 'total order';
  const findings = new Findings(name);
  const positions: number[] = [];
  const holders = new Map<string, Holder[]>();
  const places = new Map<number, DeliverEvent>();
  const pairs = new Map<number, Pair>();

  function pairOf({ index: a }: Life<unknown>, { index: b }: Life<unknown>): Pair {
    const key = Math.min(a, b) * 0x10_0000 + Math.max(a, b);
    let pair = pairs.get(key);
    if (pair === undefined) pairs.set(key, (pair = { furthest: [-1, -1], last: '', isBroken: false }));
    return pair;
  }

  // The new common message is the newest at `mine`; so it must be beyond all former common ones at `theirs` too.
  function compare(mine: Holder, theirs: Holder, event: DeliverEvent): void {
    const pair = pairOf(mine.life, theirs.life);
    if (pair.isBroken) return;
    const [my, their] = mine.life.index < theirs.life.index ? ([0, 1] as const) : ([1, 0] as const);
    if (theirs.position < pair.furthest[their]) {
      pair.isBroken = true;
      const { message } = event;
      const [me, other] = [mine.life.node, theirs.life.node];
      findings.add(
        `${me} delivered ${pair.last} before ${message} (its number ${mine.position + 1}), and ${other} ${message} ` +
          `(its number ${theirs.position + 1}) before ${pair.last}.`,
        event,
      );
      return;
    }
    pair.furthest[my] = mine.position;
    pair.furthest[their] = theirs.position;
    pair.last = event.message;
  }

  function place(event: DeliverEvent): void {
    const { sequence, message, node } = event;
    if (sequence === undefined) return;
    const first = places.get(sequence);
    if (first === undefined) places.set(sequence, event);
    else if (first.message !== message)
      findings.add(`Place ${sequence} is ${first.message} at ${first.node} and ${message} at ${node}.`, event);
  }

  const confirmed = new Confirmed(delivery, (life, event) => {
    if (event.type !== 'deliver') return;
    place(event);
    const position = positions[life.index] ?? 0;
    positions[life.index] = position + 1;
    const mine = { life, position };
    const others = holders.get(event.message);
    if (others === undefined) {
      holders.set(event.message, [mine]);
      return;
    }
    if (others.some((other) => other.life === life)) return; // twice is a matter of integrity
    for (const theirs of others) compare(mine, theirs, event);
    others.push(mine);
  });

  return {
    name,
    observe: (event) => confirmed.observe(event),
    finish() {
      confirmed.finish();
      return findings.list;
    },
  };
}
