import type { Millis } from '@grp/core';
import type { Checker } from '../../history.ts';
import type { GroupEvent } from './events.ts';
import { Findings } from './findings.ts';
import { Lives, type Life } from './lives.ts';

interface Progress {
  /** When it installed the view it is in. */
  installedAt: Millis;
  /** Its first view, or its state: the number of that event. */
  since: number;
  readonly delivered: Set<string>;
  readonly sent: { readonly message: string; readonly order: number }[];
}

/**
 * Liveness: when faults have stopped, all who live are in one view of exactly them within `withinMs`, and each has
 * delivered all that the living sent since it came. A run without a `calm` proves nothing, and is a violation.
 */
export function groupLiveness({ withinMs }: { readonly withinMs: Millis }): Checker<GroupEvent> {
  const name = 'liveness after faults stop';
  const findings = new Findings(name);
  const lives = new Lives<Progress>(() => ({ installedAt: 0, since: Infinity, delivered: new Set(), sent: [] }));
  let order = 0;
  let calmAt: Millis | undefined;

  function checkViews(living: readonly Life<Progress>[], calm: Millis): void {
    const names = living.map(({ node }) => node).toSorted();
    for (const { node, view, own } of living) {
      if (view === undefined) findings.add(`${node} never came into the group.`, { node });
      else if (view.id !== lives.latest)
        findings.add(`${node} stayed behind in view ${view.id}; view ${String(lives.latest)} is the last.`, { node });
      else if (view.members.toSorted().join() !== names.join())
        findings.add(`${node} ended in view ${view.id} of ${view.members.join(', ')}; ${names.join(', ')} live.`, {
          node,
        });
      else if (own.installedAt > calm + withinMs)
        findings.add(`${node} came to the last view only ${own.installedAt - calm} ms after the faults.`, { node });
    }
  }

  function checkDelivered(living: readonly Life<Progress>[]): void {
    for (const { node, own } of living) {
      const missing = living.flatMap(({ own: { sent }, node: sender }) =>
        sent
          .filter(({ message, order: sentAt }) => sentAt > own.since && !own.delivered.has(message))
          .map(({ message }) => `${message} of ${sender}`),
      );
      if (missing.length === 0) continue;
      const more = missing.length > 1 ? `, nor ${missing.length - 1} more` : '';
      findings.add(`${node} never delivered ${String(missing[0])}${more}.`, { node });
    }
  }

  return {
    name,
    observe(event) {
      order++;
      if (event.type === 'calm') calmAt = event.at;
      else {
        const { own } = lives.of(event.node);
        if (event.type === 'send') own.sent.push({ message: event.message, order });
        else if (event.type === 'deliver') own.delivered.add(event.message);
        else if (event.type === 'state') own.since = order;
        else if (event.type === 'install') {
          own.installedAt = event.at;
          own.since = Math.min(own.since, order);
        }
      }
      lives.note(event);
    },
    finish() {
      const { living } = lives;
      if (calmAt === undefined) findings.add('The faults never stopped: there is no calm in this run.');
      else {
        checkViews(living, calmAt);
        checkDelivered(living);
      }
      return findings.list;
    },
  };
}
