import type { Checker, Violation } from '../../history.ts';
import type { LoggedEntry, RaftEvent } from './events.ts';

/**
 * Log Matching: if two logs contain an entry with the same index and term, then the logs are identical in all entries up
 * through it (§5.3). Entries of one index and term must carry the same payload and follow an entry of the same term;
 * by induction that is the property.
 */
export function logMatching(): Checker<RaftEvent> {
  const name = 'log matching';
  const known = new Map<
    string,
    { readonly payload: unknown; readonly before: number | undefined; readonly by: string }
  >();
  // The terms of each node's log, by index.
  const logs = new Map<string, Map<number, number>>();
  const violations: Violation[] = [];

  function append(node: string, at: number, log: Map<number, number>, { index, term, payload }: LoggedEntry): void {
    const before = index === 1 ? 0 : log.get(index - 1);
    log.set(index, term);
    const key = `${index}:${term}`;
    const other = known.get(key);
    if (other === undefined) {
      known.set(key, { payload, before, by: node });
      return;
    }
    if (other.payload !== payload) violate(node, at, `${node} and ${other.by} have different entries at ${key}.`);
    else if (before !== undefined && other.before !== undefined && before !== other.before)
      violate(node, at, `the entry ${key} follows term ${other.before} at ${other.by}, but term ${before} at ${node}.`);
    if (other.before === undefined && before !== undefined) known.set(key, { payload, before, by: node });
  }

  function violate(node: string, at: number, message: string): void {
    violations.push({ checker: name, message, at, node });
  }

  return {
    name,
    observe(event) {
      const { node, at } = event;
      if (event.type === 'start') {
        const { index, term } = event.base;
        const log = new Map([[index, term]]);
        logs.set(node, log);
        for (const entry of event.entries) append(node, at, log, entry);
      } else if (event.type === 'log') {
        const log = logs.get(node) ?? new Map<number, number>();
        logs.set(node, log);
        const { truncateFrom } = event;
        if (truncateFrom !== undefined) for (let index = truncateFrom; log.delete(index); index++);
        for (const entry of event.entries) append(node, at, log, entry);
      }
    },
    finish: () => violations,
  };
}
