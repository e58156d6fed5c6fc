import { greaterKey, noKey } from './keys.ts';
import type { Key, PrepareMessage, SenderCut, SenderState, StateMessage } from './messages.ts';

/** Numbers beyond this start again from 0 with the next view: nothing of an old view is left to compare them with. */
const clockMax = 2 ** 47;

/** Whose state it is, by rank in the view to come. */
export interface GivenState {
  readonly rank: number;
  readonly state: StateMessage;
}

/**
 * Decides what the last view delivers, from the states of all members of the view to come. One member computes it, the
 * others take it as it is.
 *
 * A view that some survivor has installed is the base. So is one whose cut all survivors hold: a dead member may have
 * installed it. Any other view that was prepared was installed by nobody, and is forgotten.
 *
 * @param isTotal total order: every round that is delivered also gets its agreed key
 */
export function computeCut(number: number, given: readonly GivenState[], isTotal: boolean): PrepareMessage {
  const base = baseOf(given);
  const survivors = given.filter(({ state }) => state.base === base || state.stored === base);
  // Whoever only holds the cut of the base has nothing of the base itself.
  const states = survivors.map(({ rank, state }) => ({ rank, senders: state.base === base ? state.senders : [] }));
  const position = Math.max(0, ...survivors.map((member) => positionOf(member, base)));
  const clock = Math.max(0, ...given.map(({ state }) => state.clock));
  const cut = cutSenders(states, clock, isTotal);
  return {
    type: 'prepare',
    view: number,
    base,
    position,
    clock: cut.clock > clockMax ? 0 : cut.clock,
    senders: base === 0 ? [] : cut.senders,
  };
}

function baseOf(given: readonly GivenState[]): number {
  const installed = Math.max(0, ...given.map(({ state }) => state.base));
  const survivors = given.filter(({ state }) => state.base === installed || state.stored === installed);
  const candidate = survivors[0]?.state.stored ?? 0;
  const isHeldByAll = survivors.every(({ state }) => state.stored === candidate);
  return isHeldByAll && candidate > installed ? candidate : installed;
}

function positionOf({ state }: GivenState, base: number): number {
  return state.base === base ? state.position : state.storedPosition;
}

interface Knowledge {
  readonly rank: number;
  readonly senders: readonly SenderState[];
}

const nothing: SenderState = { floor: 0, floorKey: noKey, have: 0, proposed: 0, decided: 0, keys: [] };

function cutSenders(
  states: readonly Knowledge[],
  given: number,
  isTotal: boolean,
): { senders: SenderCut[]; clock: number } {
  const senderCount = Math.max(0, ...states.map(({ senders }) => senders.length));
  const drafts = Array.from({ length: senderCount }, (_, sender) =>
    draftOf(states.map(({ rank, senders }) => ({ ...(senders[sender] ?? nothing), rank }))),
  );
  let clock = given;
  for (const { keys } of drafts) for (const { counter } of keys) clock = Math.max(clock, counter);
  // What somebody has not proposed for cannot be agreed on, so nobody has delivered it: it goes to the end, above all
  // clocks, which stand for the proposals of those who do not have it.
  const senders = drafts.map(({ count, donor, firstKey, keys }): SenderCut => {
    if (!isTotal) return { count, donor, firstKey: 1, keys: [] };
    const missing = Math.max(0, count - (firstKey + keys.length - 1));
    const last = Array.from({ length: missing }, (): Key => ({ counter: ++clock, proposer: 0 }));
    return { count, donor, firstKey, keys: [...keys, ...last] };
  });
  return { senders, clock };
}

type Known = SenderState & { readonly rank: number };

interface Draft {
  readonly count: number;
  readonly donor: number;
  readonly firstKey: number;
  /** From `firstKey` as far as all survivors have proposed, or somebody knows what was agreed on. */
  readonly keys: readonly Key[];
}

function draftOf(known: readonly Known[]): Draft {
  const longest = known.reduce((best, state) => (state.have > best.have ? state : best));
  const decider = known.reduce((best, state) => (state.decided > best.decided ? state : best));
  const lowest = known.reduce((best, state) => (state.floor > best.floor ? state : best));
  const proposed = Math.min(...known.map((state) => state.proposed));
  const isAgreed = Math.min(...known.map(({ decided }) => decided));
  const keys: Key[] = [];
  let before = lowest.floorKey;
  const firstKey = lowest.floor + 1;
  for (let round = firstKey; round <= Math.max(decider.decided, proposed); round++) {
    let key: Key;
    if (round <= decider.decided) key = keyOf(decider, round);
    else {
      // Two survivors may both lack what a dead member proposed for the round before; the row of a sender rises anyway.
      const above = { counter: before.counter + 1, proposer: before.proposer };
      key = known.reduce((best, state) => greaterKey(best, keyOf(state, round)), above);
    }
    keys.push(key);
    before = key;
  }
  const skipped = Math.min(Math.max(0, isAgreed - lowest.floor), keys.length);
  const { have: count, rank: donor } = longest;
  return { count, donor, firstKey: firstKey + skipped, keys: keys.slice(skipped) };
}

function keyOf(state: SenderState, round: number): Key {
  return state.keys[round - state.floor - 1] ?? noKey;
}
