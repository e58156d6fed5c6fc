import type { Checker } from '../../history.ts';
import type { DeliverEvent, GroupEvent, SendEvent } from './events.ts';
import { Findings } from './findings.ts';
import { Lives } from './lives.ts';

/** Integrity: a process delivers a message once, only if it was sent, from whom it was sent, with the same bytes. */
export function integrity(): Checker<GroupEvent> {
  const name = 'integrity';
  const findings = new Findings(name);
  const sent = new Map<string, SendEvent>();
  const lives = new Lives(() => new Set<string>());

  function deliver(event: DeliverEvent): void {
    const { node, message, sender, payload } = event;
    const { own: delivered } = lives.of(node);
    if (delivered.has(message)) findings.add(`${node} delivered ${message} twice.`, event);
    delivered.add(message);
    const origin = sent.get(message);
    if (origin === undefined) findings.add(`${node} delivered ${message}, which nobody had sent.`, event);
    else if (origin.node !== sender)
      findings.add(`${node} delivered ${message} as if from ${sender}; ${origin.node} sent it.`, event);
    else if (origin.payload !== payload && origin.payload !== undefined && payload !== undefined)
      findings.add(`${node} delivered ${message} with other bytes than ${sender} had sent.`, event);
  }

  return {
    name,
    observe(event) {
      if (event.type === 'send') {
        if (sent.has(event.message)) findings.add(`${event.message} was sent twice.`, event);
        sent.set(event.message, event);
      } else if (event.type === 'deliver') deliver(event);
      lives.note(event);
    },
    finish: () => findings.list,
  };
}
