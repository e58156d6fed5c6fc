import type { Configuration, ServerId } from '../types.ts';

/** The least number of voters of which two sets always overlap. */
export function majority(count: number): number {
  return Math.floor(count / 2) + 1;
}

/** The greatest value that a majority has reached; the values need not be sorted. No voters: `none`. */
export function majorityValue(values: readonly number[], none: number): number {
  if (values.length === 0) return none;
  const sorted = values.toSorted((a, b) => b - a);
  return sorted[majority(values.length) - 1] as number;
}

/** The greatest value that a quorum has reached: a majority of each side while a change is joint (§6). */
export function quorumValue({ voters, outgoing }: Configuration, of: (id: ServerId) => number): number {
  const incoming = majorityValue(voters.map(of), 0);
  return outgoing.length === 0 ? incoming : Math.min(incoming, majorityValue(outgoing.map(of), 0));
}

/** Is it so for a majority of the voters, on both sides while a change is joint? */
export function hasQuorum(configuration: Configuration, holds: (id: ServerId) => boolean): boolean {
  return quorumValue(configuration, (id) => (holds(id) ? 1 : 0)) === 1;
}

/** Everyone whose vote may count: voters of both sides. */
export function allVoters({ voters, outgoing }: Configuration): ServerId[] {
  return outgoing.length === 0 ? [...voters] : [...new Set([...voters, ...outgoing])];
}

/** Everyone who takes part. */
export function allServers(configuration: Configuration): ServerId[] {
  return [...new Set([...configuration.voters, ...configuration.outgoing, ...configuration.learners])];
}

export function isVoter({ voters, outgoing }: Configuration, id: ServerId): boolean {
  return voters.includes(id) || outgoing.includes(id);
}
