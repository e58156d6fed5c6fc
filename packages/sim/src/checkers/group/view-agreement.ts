import type { Checker } from '../../history.ts';
import type { GroupEvent, GroupView, InstallEvent } from './events.ts';
import { Findings } from './findings.ts';
import { Lives } from './lives.ts';

/**
 * View agreement: the same id means the same members in the same order, for all; at each process ids rise; it is a
 * member of its own views; and it delivers nothing before its first view (Chockler, Keidar, Vitenberg 2001, §3).
 */
export function viewAgreement(): Checker<GroupEvent> {
  const name = 'view agreement';
  const findings = new Findings(name);
  const lives = new Lives(() => undefined);
  const views = new Map<number, GroupView & { readonly node: string }>();

  function install(event: InstallEvent): void {
    const { node, view } = event;
    const { id, members } = view;
    const before = lives.of(node).view;
    if (before !== undefined && before.id >= id)
      findings.add(`${node} installed view ${id} after ${before.id}.`, event);
    if (!members.includes(node))
      findings.add(`${node} installed view ${id} of ${members.join(', ')}, without itself.`, event);
    const known = views.get(id);
    if (known === undefined) views.set(id, { ...view, node });
    else if (!isSame(known.members, members))
      findings.add(
        `View ${id} is ${known.members.join(', ')} at ${known.node} and ${members.join(', ')} at ${node}.`,
        event,
      );
  }

  return {
    name,
    observe(event) {
      if (event.type === 'install') install(event);
      else if (event.type === 'deliver' && lives.of(event.node).view === undefined)
        findings.add(`${event.node} delivered ${event.message} before its first view.`, event);
      lives.note(event);
    },
    finish: () => findings.list,
  };
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((member, index) => member === other[index]);
}
