import type { TopNode, TopSample } from './sample.ts';

/** What is different between two looks, a line each, for people. */
export function changesBetween(before: TopSample, after: TopSample): readonly string[] {
  const known = new Map(before.nodes.map((node) => [node.name, node]));
  const lines: string[] = [];
  for (const node of after.nodes) {
    const old = known.get(node.name);
    known.delete(node.name);
    lines.push(...(old === undefined ? [`${node.name} is there: ${node.state}`] : nodeChanges(old, node)));
  }
  for (const name of known.keys()) lines.push(`${name} is gone`);
  return lines;
}

function nodeChanges(old: TopNode, node: TopNode): readonly string[] {
  const { name } = node;
  const lines: string[] = [];
  if (old.state !== node.state) lines.push(`${name}: ${old.state}, now ${node.state}`);
  if (node.members !== null && old.members !== null && !isSame(old.members, node.members)) {
    const { alive, suspect, down } = node.members;
    lines.push(`${name} lists ${alive} alive, ${suspect} suspect, ${down} down`);
  }
  const { group } = node;
  if (group !== null && old.group !== null) {
    if (group.status !== old.group.status) lines.push(`${name} in group ${group.name}: ${group.status}`);
    if (group.leads && (!old.group.leads || group.view !== old.group.view))
      lines.push(`${name} leads view ${group.view ?? '-'} of ${group.size}`);
  }
  for (const { group: log, role, term } of node.raft) {
    const was = old.raft.find((one) => one.group === log);
    if (role === 'leader' && (was?.role !== 'leader' || was.term !== term))
      lines.push(`${name} leads the log ${log} in term ${term}`);
  }
  return lines;
}

function isSame(one: object, other: object): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
