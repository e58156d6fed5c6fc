import type { Checker } from '../../history.ts';
import type { GroupEvent } from './events.ts';
import { Findings } from './findings.ts';

/** Single leader per view: at most one member orders messages in a view, and it is the leader if the view names one. */
export function singleLeader(): Checker<GroupEvent> {
  const name = 'single leader per view';
  const findings = new Findings(name);
  const orderers = new Map<number, string>();
  const leaders = new Map<number, string>();
  const told = new Set<string>();
  return {
    name,
    observe(event) {
      if (event.type === 'install' && event.view.leader !== undefined) leaders.set(event.view.id, event.view.leader);
      if (event.type !== 'order') return;
      const { node, view } = event;
      const first = orderers.get(view) ?? node;
      orderers.set(view, first);
      const leader = leaders.get(view) ?? node;
      const key = `${node} ${view}`;
      if ((first === node && leader === node) || told.has(key)) return;
      told.add(key);
      findings.add(
        first === node
          ? `${node} ordered messages in view ${view}, which ${leader} leads.`
          : `${first} and ${node} both ordered messages in view ${view}.`,
        event,
      );
    },
    finish: () => findings.list,
  };
}
