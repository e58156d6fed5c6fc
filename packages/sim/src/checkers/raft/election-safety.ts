import type { Checker, Violation } from '../../history.ts';
import type { RaftEvent } from './events.ts';

/** Election Safety: at most one leader can be elected in a given term (Ongaro, Ousterhout 2014, §5.2). */
export function electionSafety(): Checker<RaftEvent> {
  const name = 'election safety';
  const leaders = new Map<number, string>();
  const violations: Violation[] = [];
  return {
    name,
    observe(event) {
      if (event.type !== 'role' || event.role !== 'leader') return;
      const { node, term, at } = event;
      const other = leaders.get(term);
      if (other === undefined) leaders.set(term, node);
      else if (other !== node)
        violations.push({ checker: name, message: `${other} and ${node} both lead in term ${term}.`, at, node });
    },
    finish: () => violations,
  };
}
