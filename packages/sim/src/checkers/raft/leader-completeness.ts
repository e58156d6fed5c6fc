import type { Checker, Violation } from '../../history.ts';
import type { RaftEvent } from './events.ts';

/**
 * Leader Completeness: an entry that is committed in a term is present in the logs of the leaders of all later terms
 * (§5.4). An entry counts as committed once any state machine applied it, in the term that its server was in then: the
 * commit itself can only have been earlier. A leader of an older term who learns late of its election may well lack it.
 */
export function leaderCompleteness(): Checker<RaftEvent> {
  const name = 'leader completeness';
  const committed = new Map<number, { readonly term: number; readonly inTerm: number }>();
  const terms = new Map<string, number>();
  const leading = new Map<string, number>();
  const violations: Violation[] = [];
  return {
    name,
    observe(event) {
      if (event.type === 'apply') {
        const { index, term } = event.entry;
        if (!committed.has(index)) committed.set(index, { term, inTerm: terms.get(event.node) ?? Infinity });
        return;
      }
      if (event.type === 'start') leading.delete(event.node);
      if (event.type !== 'role') return;
      const { node, role, term, at } = event;
      terms.set(node, term);
      if (role !== 'leader') {
        leading.delete(node);
        return;
      }
      if (leading.get(node) === term) return;
      leading.set(node, term);
      for (const [index, { term: entryTerm, inTerm }] of committed) {
        // What a snapshot stands for is compared by the state machines.
        if (index < event.firstIndex || inTerm >= term || event.termAt(index) === entryTerm) continue;
        const has = event.termAt(index);
        const instead = has === undefined ? 'nothing' : `an entry of term ${has}`;
        const message = `${node} leads in term ${term} with ${instead} at ${index}, where term ${entryTerm} was committed.`;
        violations.push({ checker: name, message, at, node });
        return;
      }
    },
    finish: () => violations,
  };
}
