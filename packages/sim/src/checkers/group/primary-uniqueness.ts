import type { Checker } from '../../history.ts';
import type { GroupEvent, GroupView, InstallEvent } from './events.ts';
import { Findings } from './findings.ts';
import { Lives } from './lives.ts';

/**
 * Primary uniqueness: whoever goes from a view to the next takes a majority of the former along, so that two groups can
 * never go on side by side; and there is one founding view. Who asked to leave has agreed to the view without it, and
 * counts as taken along.
 */
export function primaryUniqueness(): Checker<GroupEvent> {
  const name = 'primary uniqueness';
  const findings = new Findings(name);
  const lives = new Lives(() => undefined);
  const leavers = new Set<string>();
  const veterans = new Set<string>();
  const judged = new Set<string>();
  let founding: InstallEvent | undefined;
  function goOn({ id, members }: GroupView, event: InstallEvent): void {
    const { node, view } = event;
    const step = `${id} ${view.id}`;
    if (id === view.id || judged.has(step)) return;
    judged.add(step);
    const kept = members.filter((member) => view.members.includes(member) || leavers.has(member)).length;
    if (kept * 2 > members.length) return;
    findings.add(
      `${node} went from view ${id} to view ${view.id} with ${kept} of its ${members.length} members.`,
      event,
    );
  }

  function found(event: InstallEvent): void {
    const { node, view } = event;
    if ([node, ...view.members].some((member) => veterans.has(member))) return;
    if (founding !== undefined)
      findings.add(
        `${node} founded a group with view ${view.id}; ${founding.node} had founded one with view ${founding.view.id}.`,
        event,
      );
    founding ??= event;
  }

  return {
    name,
    observe(event) {
      if (event.type === 'leave') leavers.add(event.node);
      if (event.type === 'install') {
        const { view: before } = lives.of(event.node);
        if (before === undefined) found(event);
        else goOn(before, event);
        veterans.add(event.node);
      }
      lives.note(event);
    },
    finish: () => findings.list,
  };
}
