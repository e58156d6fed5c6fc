import { defineErrors } from '@grp/core';

export const raftError = defineErrors({
  RAFT_NOT_LEADER: {
    kind: 'conflict',
    message: '$id does not lead; $leader does.',
    hint: 'Ask the leader. Nothing was done.',
  },
  RAFT_NO_LEADER: {
    kind: 'no-quorum',
    message: 'No leader is known to $id.',
    hint: 'Try again: nothing was done. Without a majority of the voters there is no leader.',
  },
  RAFT_TRANSFERRING: {
    kind: 'conflict',
    message: '$id is handing leadership over.',
    hint: 'Try again in a moment, at the next leader. Nothing was done.',
  },
  RAFT_OVERLOADED: {
    kind: 'failure',
    message: '$id has more proposals or reads waiting than it takes.',
    hint: 'Try again later, more slowly. Nothing was done.',
  },
  RAFT_LOW_ON_SPACE: {
    kind: 'failure',
    message: 'The disk of $id is nearly full.',
    hint: 'Make room. Nothing was done.',
  },
  RAFT_OUTCOME_UNKNOWN: {
    kind: 'unreachable',
    message: 'It is not known whether the proposal was carried out.',
    hint: 'In a session the same command can be proposed again without harm; without one, look before you repeat.',
  },
  RAFT_OVERWRITTEN: {
    kind: 'conflict',
    message: 'Another leader took over before the proposal was on a majority; it was not carried out.',
    hint: 'Propose it again.',
  },
  RAFT_SESSION_REFUSED: {
    kind: 'conflict',
    message: 'The session does not take the command: $reason.',
    hint: 'With session-expired nobody knows any more whether it was carried out; open a new session and look.',
  },
  RAFT_CHANGE_REFUSED: {
    kind: 'conflict',
    message: 'The configuration cannot be changed so: $reason.',
    hint: 'Look at the status of the group. Nothing was done.',
  },
  RAFT_COMMAND_TOO_LONG: {
    kind: 'usage',
    message: 'The command has $bytes bytes, more than $bytesMax.',
    hint: 'Propose less at a time.',
  },
  RAFT_STOPPED: {
    kind: 'failure',
    message: '$id has stopped: $reason.',
    hint: 'Start the server again; its log says why it stopped.',
  },
  RAFT_NOT_STARTED: { kind: 'usage', message: '$id has not been started.', hint: 'Call start() first.' },
});
