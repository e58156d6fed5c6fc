import type { Checker } from '../../history.ts';
import type { GroupEvent } from './events.ts';
import { Findings } from './findings.ts';
import { Lives } from './lives.ts';

/**
 * No gaps: each process delivers consecutive places of the row, and the first after a state is the one after the state.
 * Views that take a place count. Says nothing about protocols without sequence numbers.
 */
export function noGaps(): Checker<GroupEvent> {
  const name = 'no gaps';
  const findings = new Findings(name);
  const lives = new Lives<{ next: number | undefined }>(() => ({ next: undefined }));
  return {
    name,
    observe(event) {
      if (event.type === 'state') lives.of(event.node).own.next = event.sequence + 1;
      else if ((event.type === 'deliver' || event.type === 'install') && event.sequence !== undefined) {
        const { own } = lives.of(event.node);
        const { node, sequence, type } = event;
        const what = type === 'deliver' ? event.message : `view ${event.view.id}`;
        if (own.next !== undefined && own.next !== sequence)
          findings.add(`${node} came to ${what} at place ${sequence}; ${own.next} was the next.`, event);
        own.next = sequence + 1;
      }
      lives.note(event);
    },
    finish: () => findings.list,
  };
}
