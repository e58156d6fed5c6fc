import type { Checker } from '../../history.ts';
import type { DeliverEvent, GroupEvent } from './events.ts';
import { Findings } from './findings.ts';
import { Sends } from './sends.ts';

/**
 * FIFO order: nobody delivers a message before an earlier one of the same sender, or without it, unless the earlier one
 * was sent before it came to the group (Hadzilacos and Toueg 1994, §3.1).
 */
export function fifoOrder(): Checker<GroupEvent> {
  const name = 'FIFO order';
  const findings = new Findings(name);
  const sends = new Sends({ keepsPast: false });
  function deliver(event: DeliverEvent): void {
    const { node, message, sender: name } = event;
    const sent = sends.find(message);
    if (sent === undefined) return;
    const { sender, index } = sent;
    const { own } = sends.lives.of(node);
    const last = own.delivered.get(sender);
    const before = sender.own.sent[index - 1];
    if (last !== undefined && last.index > index)
      findings.add(`${node} delivered ${message} after ${last.message}, which ${name} sent later.`, event);
    else if (
      last !== sent &&
      last !== before &&
      before !== undefined &&
      (last !== undefined || before.order > own.since)
    )
      findings.add(`${node} delivered ${message} of ${name} without ${before.message}, which came before.`, event);
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
