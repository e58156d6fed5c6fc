import type { Checker } from '../../history.ts';
import type { DeliverEvent, GroupEvent } from './events.ts';
import { Findings } from './findings.ts';
import { Sends } from './sends.ts';

/**
 * Causal order: nobody delivers a message before one that its sender had delivered when it sent it (Birman, Schiper,
 * Stephenson 1991), unless that one was sent before it came to the group. FIFO order is checked apart.
 */
export function causalOrder(): Checker<GroupEvent> {
  const name = 'causal order';
  const findings = new Findings(name);
  const sends = new Sends({ keepsPast: true });

  function deliver(event: DeliverEvent): void {
    const { node, message, sender } = event;
    const sent = sends.find(message);
    if (sent === undefined) return;
    const { own } = sends.lives.of(node);
    for (const [origin, needed] of sent.past) {
      if (needed.order < own.since || (own.delivered.get(origin)?.index ?? -1) >= needed.index) continue;
      findings.add(
        `${node} delivered ${message} before ${needed.message}, which ${sender} had delivered when it sent ${message}.`,
        event,
      );
      return;
    }
  }

  return {
    name,
    observe(event) {
      if (event.type === 'deliver') deliver(event);
      sends.observe(event);
    },
    finish: () => findings.list,
  };
}
