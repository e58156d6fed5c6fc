import type { Configuration, MembershipStep } from '@grp/raft';
import { nodeOfServer } from '../raft/server-id.ts';

/** A server of the metadata that runs, as the membership tells. */
export interface RunningServer {
  /** The node's name. */
  readonly name: string;
  /** Its id in the group: another one after its folder was emptied. */
  readonly id: string;
  /** Of its port of raft. */
  readonly address: string;
}

export interface GroupSituation {
  readonly configuration: Configuration;
  readonly running: readonly RunningServer[];
  /** Voters that have been away for so long that somebody else should vote. */
  readonly lost: ReadonlySet<string>;
  /** How many voters there should be. */
  readonly votersWanted: number;
  /** Whether a server has (nearly) all of the log. */
  readonly hasCaughtUp: (id: string) => boolean;
}

/**
 * What the leader should change about who takes part; nothing while a change is under way. A server with a new id replaces
 * the one that its node was before, in one joint change with the voter that takes its place (Ongaro 2014, §4.3, §11.7.2).
 */
export function nextSteps(situation: GroupSituation): readonly MembershipStep[] {
  const { configuration, running } = situation;
  if (configuration.outgoing.length > 0) return [];
  const known = new Set([...configuration.voters, ...configuration.learners]);
  // Its node runs, and is another server by now.
  const gone = [...known].filter(
    (id) => running.some(({ name }) => name === nodeOfServer(id)) && !running.some((server) => server.id === id),
  );
  const added = running.filter(({ id }) => !known.has(id));
  const moved = running.filter(({ id, address }) => known.has(id) && configuration.addresses[id] !== address);
  const steps: MembershipStep[] = [
    ...gone.map((id): MembershipStep => ({ type: 'remove', id })),
    ...added.map(({ id, address }): MembershipStep => ({ type: 'add-learner', id, address })),
    ...moved.map(({ id, address }): MembershipStep => {
      const type = configuration.voters.includes(id) ? 'add-voter' : 'add-learner';
      return { type, id, address };
    }),
  ];
  return [...steps, ...voteSteps(situation, new Set(gone))];
}

/** Others vote in the place of voters that are gone or lost; in all an odd number of them, which survives more. */
function voteSteps(
  { configuration, running, lost, votersWanted, hasCaughtUp }: GroupSituation,
  gone: ReadonlySet<string>,
): readonly MembershipStep[] {
  const voters = configuration.voters.filter((id) => !gone.has(id));
  const away = voters.filter((id) => lost.has(id));
  const candidates = configuration.learners.filter(
    (id) => !gone.has(id) && !lost.has(id) && running.some((server) => server.id === id) && hasCaughtUp(id),
  );
  const replaced = Math.min(away.length, candidates.length);
  const total = oddUpTo(Math.min(votersWanted, voters.length + candidates.length - replaced));
  const promoted = candidates.slice(0, replaced + Math.max(0, total - voters.length));
  return [
    // It keeps its log: when it comes back it is a learner that needs little.
    ...away.slice(0, replaced).map((id): MembershipStep => ({ type: 'demote', id })),
    ...promoted.map((id): MembershipStep => ({ type: 'promote', id })),
  ];
}

function oddUpTo(count: number): number {
  return count % 2 === 0 ? count - 1 : count;
}
