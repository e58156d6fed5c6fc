import type { Checker } from '../../history.ts';
import type { GroupEvent } from './events.ts';
import { Findings } from './findings.ts';
import { Lives } from './lives.ts';

/** Validity (self-delivery): who lives at the end has delivered all its own messages, whoever led meanwhile. */
export function validity(): Checker<GroupEvent> {
  const name = 'validity';
  const findings = new Findings(name);
  const lives = new Lives(() => new Set<string>());
  return {
    name,
    observe(event) {
      if (event.type === 'send') lives.of(event.node).own.add(event.message);
      else if (event.type === 'deliver' && event.sender === event.node) lives.of(event.node).own.delete(event.message);
      lives.note(event);
    },
    finish() {
      for (const { node, own: waiting } of lives.living) {
        const [first] = waiting;
        if (first === undefined) continue;
        const more = waiting.size > 1 ? `, nor ${waiting.size - 1} more of its own` : '';
        findings.add(`${node} sent ${first} and never delivered it itself${more}.`, { node });
      }
      return findings.list;
    },
  };
}
