import { invariant } from '@grp/core';
import type { State } from './state.ts';

/** What must be true of one server after every step, in production as well: a server that breaks it stops. */
export function checkInvariants(state: State): void {
  const { log, commit, applying, applied, snapshot, role, term, vote, leader, id } = state;
  invariant(log.base.index <= (snapshot?.index ?? 0), 'what is compacted is in a snapshot');
  invariant(log.base.index <= commit && commit <= log.lastIndex, 'the commit index lies in the log');
  invariant(applied <= applying && applying <= commit, 'only committed entries are applied');
  invariant((snapshot?.index ?? 0) <= applied || state.installing !== undefined, 'a snapshot was applied');
  invariant(log.durable <= log.lastIndex, 'what is durable is in the log');
  invariant(log.lastTerm <= term, 'no entry is of a later term than its server');
  if (role === 'leader' || role === 'candidate') invariant(vote === id, 'who stands has voted for itself');
  invariant((role === 'leader') === (leader === id), 'only a leader follows itself');
}
