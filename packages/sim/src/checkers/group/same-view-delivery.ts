import type { Checker } from '../../history.ts';
import { Confirmed } from './confirmed.ts';
import type { DeliverEvent, GroupDelivery, GroupEvent } from './events.ts';
import { Findings } from './findings.ts';
import { Lives } from './lives.ts';

/**
 * Same-view delivery: a message is delivered in one view by all that deliver it, and this is the view that each of them
 * is in (Chockler, Keidar, Vitenberg 2001, property 4.3).
 */
export function sameViewDelivery({ delivery }: { readonly delivery: GroupDelivery }): Checker<GroupEvent> {
  const name = 'same-view delivery';
  const findings = new Findings(name);
  const lives = new Lives(() => undefined);
  const first = new Map<string, DeliverEvent>();
  const confirmed = new Confirmed(delivery, (_life, event) => {
    if (event.type !== 'deliver') return;
    const { message, node, view } = event;
    const known = first.get(message);
    if (known === undefined) first.set(message, event);
    else if (known.view !== view)
      findings.add(`${message} was delivered in view ${known.view} at ${known.node} and in ${view} at ${node}.`, event);
  });
  return {
    name,
    observe(event) {
      if (event.type === 'deliver') {
        const current = lives.of(event.node).view;
        if (current !== undefined && current.id !== event.view) {
          const { node, message, view } = event;
          findings.add(`${node} delivered ${message} as of view ${view} while in view ${current.id}.`, event);
        }
      }
      confirmed.observe(event);
      lives.note(event);
    },
    finish() {
      confirmed.finish();
      return findings.list;
    },
  };
}
