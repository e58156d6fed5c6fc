import type { Millis } from '@grp/core';
import type { Arrival, Departure, Mark, SpaceTimeEvent } from './events.ts';

/** A message to one or several, with what became of it. */
export interface ArrowRow {
  readonly type: 'arrow';
  readonly at: Millis;
  readonly lane: string;
  readonly label: string;
  readonly targets: readonly { readonly lane: string; readonly isLost: boolean }[];
  readonly isKey: boolean;
}

/** What happened in some lanes at about the same time. */
export interface MarkRow {
  readonly type: 'marks';
  readonly at: Millis;
  readonly marks: readonly (Mark | (Arrival & { readonly label: string }))[];
  readonly isKey: boolean;
}

export type SpaceTimeRow = ArrowRow | MarkRow;

export interface RowOptions {
  /** Kinds of messages that are left out (default: acknowledgements). */
  readonly hidden?: readonly string[];
  /** Marks that the reader is looking for. */
  readonly isKey?: (mark: Mark) => boolean;
}

const mergeMs = 12;
// What left so late may still be under way.
const lateMs = 50;
const alwaysKey: readonly Mark['mark'][] = ['crash', 'suspect', 'trouble', 'state'];

/** Makes rows from events: one for a multicast, one for what different processes do at about the same time. */
export function spaceTimeRows(events: readonly SpaceTimeEvent[], options: RowOptions = {}): readonly SpaceTimeRow[] {
  const { hidden = ['ack'], isKey = () => false } = options;
  const arrived = new Set(events.filter((event) => event.type === 'arrival').map(({ serial }) => serial));
  const departed = new Map<number, Departure>();
  const eventful = new Set<string>();
  for (const event of events) {
    if (event.type === 'departure') departed.set(event.serial, event);
    if (event.type === 'mark' || (event.type === 'departure' && event.kind !== 'ack'))
      eventful.add(`${event.lane} ${event.at}`);
  }
  const endsAt = events.at(-1)?.at ?? 0;
  const rows: SpaceTimeRow[] = [];
  for (const event of events) {
    if (event.type === 'departure') {
      if (hidden.includes(event.kind)) continue;
      addDeparture(rows, event, event.at < endsAt - lateMs && !arrived.has(event.serial));
    } else if (event.type === 'mark') {
      addMark(rows, event, alwaysKey.includes(event.mark) || isKey(event));
    } else {
      // Only an arrival from which nothing follows is told: it waits, or is thrown away.
      const origin = departed.get(event.serial);
      if (origin === undefined || hidden.includes(origin.kind) || eventful.has(`${event.lane} ${event.at}`)) continue;
      addMark(rows, { ...event, label: origin.label }, false);
    }
  }
  return rows;
}

function addDeparture(rows: SpaceTimeRow[], { at, lane, to, label }: Departure, isLost: boolean): void {
  const last = rows.at(-1);
  const target = { lane: to, isLost };
  if (last?.type === 'arrow' && last.at === at && last.lane === lane && last.label === label)
    rows[rows.length - 1] = { ...last, targets: [...last.targets, target], isKey: last.isKey || isLost };
  else rows.push({ type: 'arrow', at, lane, label, targets: [target], isKey: isLost });
}

function addMark(rows: SpaceTimeRow[], mark: MarkRow['marks'][number], isKey: boolean): void {
  const last = rows.at(-1);
  const isAlone = mark.lane === '' || (last?.type === 'marks' && last.marks.some(({ lane }) => lane === ''));
  const fits =
    last?.type === 'marks' && mark.at - last.at <= mergeMs && !last.marks.some(({ lane }) => lane === mark.lane);
  if (fits && !isAlone) rows[rows.length - 1] = { ...last, marks: [...last.marks, mark], isKey: last.isKey || isKey };
  else rows.push({ type: 'marks', at: mark.at, marks: [mark], isKey });
}

/**
 * At most `max` rows: all of them if they fit; else the key ones with their neighbours, the first ones first. A number
 * stands for so many rows left out.
 */
export function chooseRows(rows: readonly SpaceTimeRow[], max: number): readonly (SpaceTimeRow | number)[] {
  if (rows.length <= max) return rows;
  const chosen = new Set<number>([0]);
  const keys = rows.flatMap(({ isKey }, index) => (isKey ? [index] : []));
  for (const reach of [0, 1, 2, 3, 4, 6, 8])
    for (const key of keys)
      for (const index of [key - reach, key + reach])
        if (index >= 0 && index < rows.length && chosen.size < max) chosen.add(index);
  const result: (SpaceTimeRow | number)[] = [];
  let skipped = 0;
  for (const [index, row] of rows.entries()) {
    if (!chosen.has(index)) {
      skipped++;
      continue;
    }
    if (skipped > 0) result.push(skipped);
    skipped = 0;
    result.push(row);
  }
  if (skipped > 0) result.push(skipped);
  return result;
}
