import { invariant, type Random } from '@grp/core';
import type { RaftConfig } from '../config.ts';
import type { Configuration, HardState, LogIndex, ServerId, SnapshotInfo } from '../types.ts';
import { Configurations, emptyConfiguration, type PlacedConfiguration } from './configurations.ts';
import { LogView, type LogContents } from './log.ts';
import type { Damage } from './recovery.ts';
import { paperRules, type Rules } from './rules.ts';
import { State } from './state.ts';

/** What the disk gave back. A server that never ran before has nothing of it. */
export interface Restored {
  readonly hardState: HardState;
  readonly log: LogContents;
  /** The configurations in the log. */
  readonly configurations: readonly PlacedConfiguration[];
  readonly snapshot: SnapshotInfo | undefined;
  /** All up to here was committed; a hint that may be too low, and beyond a log that lost its end. */
  readonly commit: LogIndex;
  readonly damage: Damage;
}

/** What the machine of one server is made with. */
export interface RaftMachineOptions {
  readonly id: ServerId;
  /** A whole number; other things being equal the greatest leads, then the greatest id (default 0). */
  readonly priority?: number;
  readonly config: RaftConfig;
  readonly random: Random;
  /** Whom the cluster begins with, the same on each of its first servers; nobody: this server waits to be added. */
  readonly bootstrap?: Configuration;
  readonly restored?: Restored;
  /** For tests of the checkers alone. */
  readonly rules?: Partial<Rules>;
}

/** The state that a server begins with. */
export function restore({ id, priority = 0, config, rules, random, bootstrap, restored }: RaftMachineOptions): State {
  const allRules = { ...paperRules, ...rules };
  const empty: LogContents = { base: { index: 0, term: 0 }, runs: [], last: 0 };
  const snapshot = restored?.snapshot;
  const first =
    snapshot === undefined
      ? { index: 0, configuration: bootstrap ?? emptyConfiguration }
      : { index: snapshot.index, configuration: snapshot.configuration };
  const log = restored?.log ?? empty;
  return new State({
    id,
    priority,
    config,
    rules: allRules,
    random: random.fork('raft'),
    log: new LogView(log, allRules),
    configurations: new Configurations(first, restored?.configurations),
    ...hardStateOf(restored),
    // The hint may be beyond a log that lost its end.
    commit: Math.max(snapshot?.index ?? 0, Math.min(restored?.commit ?? 0, log.last), log.base.index),
    snapshot,
  });
}

/** Entries of a later term show that it had begun; a vote in it would be on disk if it had been given. */
function hardStateOf(restored: Restored | undefined): HardState {
  if (restored === undefined) return { term: 0, vote: undefined };
  const { hardState, log, snapshot } = restored;
  const seen = Math.max(log.runs.at(-1)?.term ?? log.base.term, snapshot?.term ?? 0);
  return seen > hardState.term ? { term: seen, vote: undefined } : hardState;
}

/** A crash between a snapshot's installation and the emptying of the log leaves both: the snapshot counts. */
export function normalise(state: State, restored: Restored | undefined): void {
  const { snapshot } = state;
  if (restored === undefined) return;
  invariant(restored.log.base.index <= (snapshot?.index ?? 0), 'what was compacted is in a snapshot');
  if (snapshot === undefined || state.log.term(snapshot.index) === snapshot.term) return;
  invariant(state.commit === snapshot.index || state.commit === restored.log.base.index, 'the log is behind');
  state.installed(snapshot, false);
}
