import type { Checker } from '../../history.ts';
import type { DeliverEvent, GroupEvent } from './events.ts';
import { Findings } from './findings.ts';
import { firstMissing, Rows } from './rows.ts';

/**
 * Uniform agreement (the promise of `safe`): what any process delivers in a view, even one that dies, is delivered by all
 * that leave this view alive. Who is still in it at the end, after a calm, counts too.
 */
export function uniformAgreement(): Checker<GroupEvent> {
  const name = 'uniform agreement';
  const findings = new Findings(name);
  const rows = new Rows();
  return {
    name,
    observe: (event) => rows.observe(event),
    finish() {
      const anyone = new Map<number, Map<string, DeliverEvent>>();
      for (const { own } of rows.lives.all)
        for (const { view, delivered } of own.views) {
          const union = anyone.get(view) ?? new Map<string, DeliverEvent>();
          for (const [message, event] of delivered) if (!union.has(message)) union.set(message, event);
          anyone.set(view, union);
        }
      for (const life of rows.lives.all)
        for (const [index, row] of life.own.views.entries()) {
          const isLast = index === life.own.views.length - 1;
          if (isLast && (life.end !== undefined || !rows.isCalm)) continue;
          const missing = firstMissing(life, row, anyone.get(row.view) ?? new Map());
          if (missing === undefined) continue;
          const { message, node, at } = missing;
          const how = isLast ? 'was in it to the end' : 'left it alive';
          findings.add(`${node} delivered ${message} in view ${row.view}; ${life.node} ${how} and never did.`, {
            at,
            node: life.node,
          });
        }
      return findings.list;
    },
  };
}
