import type { SpaceTimeEvent } from '@grp/lab';

/** What one process delivered, in order. */
export interface Row {
  readonly node: string;
  /** Changes in the state that it began with: so many places of its row are not its own. */
  readonly base: number;
  readonly isCrashed: boolean;
  readonly deliveries: readonly { readonly label: string; readonly at: number }[];
}

export interface Orders {
  readonly rows: readonly Row[];
  /** Places of the longest row. */
  readonly length: number;
  /** The first place, from 1, at which two living processes have delivered something different. */
  readonly divergesAt: number | undefined;
  /** What somebody who died had delivered at a place where those who live have something else. */
  readonly lastWords: { readonly node: string; readonly place: number; readonly label: string } | undefined;
}

/** The rows of deliveries, side by side. */
export function ordersOf(events: readonly SpaceTimeEvent[], lanes: readonly string[]): Orders {
  const rows = new Map(lanes.map((node) => [node, emptyRow(node)]));
  for (const event of events) {
    if (event.type !== 'mark') continue;
    const row = rows.get(event.lane);
    if (row === undefined) continue;
    if (event.mark === 'crash') row.isCrashed = true;
    else if (event.mark === 'deliver') row.deliveries.push({ label: event.label, at: event.at });
    else if (event.mark === 'state') {
      row.base = event.worker?.count ?? 0;
      row.isCrashed = false; // a server of a log that has started again
      row.deliveries.length = 0;
    }
  }
  const list = [...rows.values()];
  const length = Math.max(0, ...list.map(({ base, deliveries }) => base + deliveries.length));
  const divergesAt = firstDifference(list, length);
  return { rows: list, length, divergesAt, lastWords: divergesAt === undefined ? lastWords(list) : undefined };
}

/** What stands at a place of a row; undefined: nothing, or the place is of the state it began with. */
export function atPlace(row: Row, place: number): { readonly label: string; readonly at: number } | undefined {
  return place <= row.base ? undefined : row.deliveries[place - row.base - 1];
}

function firstDifference(rows: readonly Row[], length: number): number | undefined {
  const living = rows.filter(({ isCrashed, deliveries, base }) => !isCrashed && (deliveries.length > 0 || base > 0));
  for (let place = 1; place <= length; place++) {
    const labels = living.map((row) => (place <= row.base ? undefined : atPlace(row, place)?.label));
    const said = new Set(labels.filter((label) => label !== undefined));
    if (said.size > 1) return place;
  }
  return undefined;
}

function lastWords(rows: readonly Row[]): Orders['lastWords'] {
  const living = rows.filter(({ isCrashed }) => !isCrashed);
  for (const row of rows.filter(({ isCrashed }) => isCrashed))
    for (const [index, { label }] of row.deliveries.entries()) {
      const place = row.base + index + 1;
      const others = living.flatMap((one) => atPlace(one, place)?.label ?? []);
      if (others.length > 0 && !others.includes(label)) return { node: row.node, place, label };
    }
  return undefined;
}

interface Draft {
  node: string;
  base: number;
  isCrashed: boolean;
  deliveries: { label: string; at: number }[];
}

function emptyRow(node: string): Draft {
  return { node, base: 0, isCrashed: false, deliveries: [] };
}
