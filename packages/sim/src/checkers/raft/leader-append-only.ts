import type { Checker, Violation } from '../../history.ts';
import type { RaftEvent } from './events.ts';

/** Leader Append-Only: a leader never overwrites or deletes entries in its log; it only appends (§5.3). */
export function leaderAppendOnly(): Checker<RaftEvent> {
  const name = 'leader append-only';
  // The term in which a node leads, as far as it has said.
  const leading = new Map<string, number>();
  // A cut that counts only if its node still leads in the same term after the step in which it happened.
  const cuts = new Map<string, { readonly from: number; readonly term: number; readonly at: number }>();
  const violations: Violation[] = [];
  const settle = (node: string): void => {
    const cut = cuts.get(node);
    cuts.delete(node);
    if (cut === undefined || leading.get(node) !== cut.term) return;
    const message = `${node}, leader of term ${cut.term}, removed its entries from ${cut.from} on.`;
    violations.push({ checker: name, message, at: cut.at, node });
  };
  return {
    name,
    observe(event) {
      const { node, at } = event;
      if (event.type === 'role') {
        if (event.role === 'leader') leading.set(node, event.term);
        else leading.delete(node);
      } else if (event.type === 'start') {
        leading.delete(node);
        cuts.delete(node);
      }
      if (cuts.has(node) && (cuts.get(node)?.at !== at || event.type === 'log')) settle(node);
      const term = leading.get(node);
      if (event.type === 'log' && event.truncateFrom !== undefined && term !== undefined)
        cuts.set(node, { from: event.truncateFrom, term, at });
    },
    finish() {
      for (const node of cuts.keys()) settle(node);
      return violations;
    },
  };
}
