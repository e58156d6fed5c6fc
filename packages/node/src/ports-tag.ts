import type { RoleName } from './role.ts';

/**
 * The tag by which members find each other's roles, `gms:7947,raft:7950`; none for swim alone, whose port is the
 * member's address.
 */
export function portsTag(ports: Readonly<Partial<Record<RoleName, number>>>): string | undefined {
  const others = Object.entries(ports).filter(([role]) => role !== 'swim');
  return others.length === 0 ? undefined : others.map(([role, port]) => `${role}:${port}`).join(',');
}

/** The port that a member's tag announces for a role; undefined when it does not, or the tag is nonsense. */
export function portOfRole(tag: string | undefined, role: RoleName): number | undefined {
  const entry = tag?.split(',').find((part) => part.startsWith(`${role}:`));
  const port = Number(entry?.slice(role.length + 1));
  return Number.isInteger(port) && port > 0 && port <= 65_535 ? port : undefined;
}
