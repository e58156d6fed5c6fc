import type { Checker } from '../../history.ts';
import type { DeliverEvent, GroupEvent } from './events.ts';
import { Findings } from './findings.ts';
import type { Life } from './lives.ts';
import { firstMissing, Rows, type LifeRows, type ViewRow } from './rows.ts';

interface Together {
  readonly life: Life<LifeRows>;
  readonly union: Map<string, DeliverEvent>;
}

/**
 * Virtual synchrony (agreement): processes that go together from one view to the same next view have delivered the same
 * messages in the former (Birman and Joseph 1987; Chockler, Keidar, Vitenberg 2001, §4.1). Who is in the last view at
 * the end, after a calm, counts as going on together.
 */
export function virtualSynchrony(): Checker<GroupEvent> {
  const name = 'virtual synchrony';
  const findings = new Findings(name);
  const rows = new Rows();
  const together = new Map<string, Together>();

  function compare(life: Life<LifeRows>, row: ViewRow, next: number | 'end'): void {
    const key = `${row.view} ${next}`;
    const known = together.get(key);
    if (known === undefined) {
      together.set(key, { life, union: new Map(row.delivered) });
      return;
    }
    const { life: other, union } = known;
    const how = next === 'end' ? 'were in' : `went together from view ${row.view} to view ${next}, and in`;
    const tell = (has: Life<LifeRows>, lacks: Life<LifeRows>, event: DeliverEvent): void =>
      findings.add(
        `${other.node} and ${life.node} ${how} view ${row.view}${next === 'end' ? ' at the end, and' : ''} only ` +
          `${has.node} delivered ${event.message}; ${lacks.node} never did there.`,
        { at: event.at, node: lacks.node },
      );
    const missing = firstMissing(life, row, union);
    if (missing !== undefined) tell(other, life, missing);
    const extra = firstMissing(other, { view: row.view, delivered: union }, row.delivered);
    if (extra !== undefined) tell(life, other, extra);
    for (const [message, event] of row.delivered) union.set(message, event);
  }

  return {
    name,
    observe: (event) => rows.observe(event),
    finish() {
      for (const life of rows.lives.all) {
        const { views } = life.own;
        for (const [index, row] of views.entries()) {
          const next = views[index + 1]?.view;
          if (next !== undefined) compare(life, row, next);
          else if (rows.isCalm && life.end === undefined) compare(life, row, 'end');
        }
      }
      return findings.list;
    },
  };
}
