import type { Departure, SpaceTimeEvent } from '../../spacetime/events.ts';
import type { ColourChange } from './messages.ts';
import type { WorkerRow } from './report.ts';

/** Where workers first part, in one sentence, with the reason as far as the run shows it. */
export interface Divergence {
  /** In the row of changes, from 1. */
  readonly position: number;
  /** What was delivered there: one message, or two different ones. */
  readonly messages: readonly string[];
  readonly sentence: string;
}

/** What is needed to tell why. */
export interface Evidence {
  readonly events: readonly SpaceTimeEvent[];
  /** Who numbered which message, in order. */
  readonly orders: readonly { readonly node: string; readonly message: string }[];
  readonly crashed: ReadonlySet<string>;
  /** The number of the last thing that each node took, where the level has numbers. */
  readonly reached: ReadonlyMap<string, number>;
}

interface Parting {
  readonly position: number;
  readonly has: WorkerRow;
  readonly message: ColourChange;
  readonly other: WorkerRow;
  /** What the other one delivered at this position; undefined: nothing more. */
  readonly instead: ColourChange | undefined;
}

/** The first position at which two living workers have different messages, or one has none. */
export function firstDivergence(rows: readonly WorkerRow[], evidence: Evidence): Divergence | undefined {
  const parting = findParting(rows.filter(({ isLiving }) => isLiving));
  if (parting === undefined) return undefined;
  const { position, has, message, other, instead } = parting;
  const what =
    instead === undefined
      ? `At position ${position} ${has.node} delivered ${message.id}, and ${other.node} nothing any more`
      : `At position ${position} ${has.node} delivered ${message.id} and ${other.node} ${instead.id}`;
  const messages = [message.id, ...(instead === undefined ? [] : [instead.id])];
  return { position, messages, sentence: `${what}: ${reason(parting, evidence)}.` };
}

function findParting(rows: readonly WorkerRow[]): Parting | undefined {
  const end = Math.max(0, ...rows.map(({ base, messages }) => base + messages.length));
  for (let position = 1; position <= end; position++) {
    const here = rows
      .filter(({ base }) => base < position)
      .map((row) => ({ row, message: row.messages[position - row.base - 1] }));
    const first = here.find(({ message }) => message !== undefined);
    if (first?.message === undefined) continue;
    const id = first.message.id;
    const other =
      here.find(({ message }) => message !== undefined && message.id !== id) ??
      here.find(({ message }) => message === undefined);
    if (other !== undefined)
      return { position, has: first.row, message: first.message, other: other.row, instead: other.message };
  }
  return undefined;
}

function reason({ has, message, other, instead }: Parting, evidence: Evidence): string {
  if (instead === undefined) return whyMissing(message.id, other.node, evidence);
  const twice = rivals(message.id, instead.id, evidence) ?? givenTwice(evidence);
  if (twice !== undefined) return twice;
  if (!includes(other, message.id)) return whyMissing(message.id, other.node, evidence);
  if (!includes(has, instead.id)) return whyMissing(instead.id, has.node, evidence);
  return 'both came to both, in another order';
}

function includes({ messages }: WorkerRow, id: string): boolean {
  return messages.some((message) => message.id === id);
}

function ordererOf(id: string, { orders }: Evidence): string | undefined {
  return orders.find(({ message }) => message === id)?.node;
}

// Two that live and both number: one of them must have been taken for dead.
function rivals(one: string, two: string, evidence: Evidence): string | undefined {
  const [first, second] = [ordererOf(one, evidence), ordererOf(two, evidence)];
  if (first === undefined || second === undefined || first === second) return undefined;
  if (evidence.crashed.has(first) || evidence.crashed.has(second)) return undefined;
  return `${first} had put ${one} there and ${second} ${two}, because both took themselves for the leader`;
}

// A new leader that had missed something begins at a number that is taken.
function givenTwice({ events }: Evidence): string | undefined {
  const first = new Map<number, Departure>();
  for (const event of events) {
    if (event.type !== 'departure' || event.number === undefined) continue;
    const { number, label, lane } = event;
    const known = first.get(number);
    if (known === undefined) first.set(number, event);
    else if (known.label !== label)
      return `${known.lane} gave number ${number} to ${known.label} and ${lane} to ${label}, having missed the former`;
  }
  return undefined;
}

function whyMissing(id: string, node: string, evidence: Evidence): string {
  const sent = departures(evidence, node).filter(({ label, kind }) => kind === 'message' && label === id);
  if (sent.length === 0) {
    const orderer = ordererOf(id, evidence) ?? 'its leader';
    return evidence.crashed.has(orderer)
      ? `${orderer} crashed in the middle of this multicast, before the turn of ${node}`
      : `${orderer} never sent it to ${node}`;
  }
  if (!sent.some((departure) => hasArrived(departure, evidence)))
    return `on the way from ${[...new Set(sent.map(({ lane }) => lane))].join(' and ')} to ${node} it was lost`;
  return whyWaiting(id, node, evidence);
}

// It came, but is not the next in number.
function whyWaiting(id: string, node: string, evidence: Evidence): string {
  const wanted = (evidence.reached.get(node) ?? 0) + 1;
  const earlier = departures(evidence, node).filter(({ number }) => number === wanted);
  const name = `number ${wanted}${earlier[0] === undefined ? '' : ` (${earlier[0].label})`}`;
  const waits = `${id} came to ${node}, which first wants ${name}`;
  if (earlier.length === 0) return `${waits}, and nobody sends it any more`;
  if (!earlier.some((departure) => hasArrived(departure, evidence)))
    return `${waits}, which was lost on the way from ${String(earlier[0]?.lane)}`;
  return earlier[0]?.kind === 'view'
    ? `${waits} and does not take it, because it is of a leader that ${node} no longer follows`
    : `${waits} and never took it`;
}

function departures({ events }: Evidence, to: string): readonly Departure[] {
  return events.filter((event): event is Departure => event.type === 'departure' && event.to === to);
}

function hasArrived({ serial }: Departure, { events }: Evidence): boolean {
  return events.some((event) => event.type === 'arrival' && event.serial === serial);
}
