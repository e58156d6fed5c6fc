import type { Checker, Violation } from '../../history.ts';
import type { LoggedEntry, RaftEvent } from './events.ts';

/**
 * State Machine Safety: if a server has applied an entry at an index, no other server ever applies a different one there
 * (§5.4.3); and each applies them in order, without a gap.
 */
export function stateMachineSafety(): Checker<RaftEvent> {
  const name = 'state machine safety';
  const applied = new Map<number, LoggedEntry & { readonly by: string }>();
  const reached = new Map<string, number>();
  const violations: Violation[] = [];
  return {
    name,
    observe(event) {
      const { node, at } = event;
      if (event.type === 'restore') reached.set(node, event.index);
      if (event.type !== 'apply') return;
      const { index, term, payload } = event.entry;
      const before = reached.get(node) ?? 0;
      reached.set(node, index);
      if (index !== before + 1)
        violations.push({ checker: name, message: `${node} applied ${index} after ${before}.`, at, node });
      const other = applied.get(index);
      if (other === undefined) applied.set(index, { ...event.entry, by: node });
      else if (other.term !== term || other.payload !== payload) {
        const message = `at ${index}, ${other.by} applied an entry of term ${other.term}, ${node} another of term ${term}.`;
        violations.push({ checker: name, message, at, node });
      }
    },
    finish: () => violations,
  };
}
