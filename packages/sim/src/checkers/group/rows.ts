import type { DeliverEvent, GroupEvent } from './events.ts';
import { Lives, type Life } from './lives.ts';

/** What one life delivered while it was in one view. */
export interface ViewRow {
  readonly view: number;
  /** By message. */
  readonly delivered: Map<string, DeliverEvent>;
}

/** The rows of one life, and how much of the group's row a state transfer covered. */
export interface LifeRows {
  readonly views: ViewRow[];
  /** Messages up to here are in a state it received. */
  covered: number;
}

/** Collects, for each life, what it delivered in each of its views. */
export class Rows {
  readonly lives = new Lives<LifeRows>(() => ({ views: [], covered: -Infinity }));
  isCalm = false;

  observe(event: GroupEvent): void {
    if (event.type === 'calm') this.isCalm = true;
    else if (event.type === 'install')
      this.lives.of(event.node).own.views.push({ view: event.view.id, delivered: new Map() });
    else if (event.type === 'state') this.lives.of(event.node).own.covered = event.sequence;
    else if (event.type === 'deliver') this.lives.of(event.node).own.views.at(-1)?.delivered.set(event.message, event);
    this.lives.note(event);
  }
}

/** Whether this life may do without this message, because a state that it received contains it. */
export function isCovered({ own }: Life<LifeRows>, { sequence }: DeliverEvent): boolean {
  return sequence !== undefined && sequence <= own.covered;
}

/** The first message of `row` that `life` has neither delivered in `own` nor received in a state. */
export function firstMissing(
  life: Life<LifeRows>,
  own: ViewRow,
  row: ReadonlyMap<string, DeliverEvent>,
): DeliverEvent | undefined {
  for (const [message, event] of row) if (!own.delivered.has(message) && !isCovered(life, event)) return event;
  return undefined;
}
