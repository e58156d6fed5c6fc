import type { Checker, GroupEvent, Violation } from '@grp/sim';

/**
 * Uniform views: what anybody installed, even one who died right after, is installed by all members of it that go on,
 * before any later view. It is why a flush takes up a cut that all hold, and why nobody installs before all hold it.
 */
export function uniformViews(): Checker<GroupEvent> {
  const name = 'uniform views';
  const installed = new Map<number, { readonly node: string; readonly members: readonly string[] }>();
  const last = new Map<string, number>();
  const violations: Violation[] = [];
  return {
    name,
    observe(event) {
      if (event.type === 'exclude') last.delete(event.node);
      if (event.type !== 'install') return;
      const { node, at } = event;
      const { id, members } = event.view;
      const before = last.get(node);
      for (const [skipped, { node: other, members: theirs }] of before === undefined ? [] : installed) {
        if (skipped <= (before ?? 0) || skipped >= id || !theirs.includes(node)) continue;
        const message = `${node} went from view ${before} to ${id} past ${skipped}, which ${other} installed.`;
        violations.push({ checker: name, message, at, node });
      }
      last.set(node, id);
      if (!installed.has(id)) installed.set(id, { node, members });
    },
    finish: () => violations,
  };
}
