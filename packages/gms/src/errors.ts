import { defineErrors } from '@grp/core';

export const gmsError = defineErrors({
  GMS_PAYLOAD_TOO_LARGE: {
    kind: 'usage',
    message: 'A message of $bytes bytes was refused; at most $max are allowed.',
    hint: 'Split it, or send a reference to where the data is.',
  },
  GMS_NOT_JOINED: {
    kind: 'unreachable',
    message: 'This member is not in the group ($status).',
    hint: 'Call join() and wait for it.',
  },
  GMS_NO_QUORUM: {
    kind: 'no-quorum',
    message: 'This member is cut off from the majority of its group.',
    hint: 'Nothing was sent. It comes back by itself when the network heals.',
  },
  GMS_BUSY: {
    kind: 'unreachable',
    message: 'The queue of $what is full.',
    hint: 'Wait for the event `unblocked`, or for some multicasts to be delivered.',
  },
  GMS_TIMEOUT: {
    kind: 'unreachable',
    message: 'No answer within $timeoutMs ms.',
    hint: 'The message may still be delivered: what has been sent cannot be called back.',
  },
  GMS_OUTCOME_UNKNOWN: {
    kind: 'unreachable',
    message: 'This member cannot know whether the message was delivered ($reason).',
    hint: 'If it was delivered, then once; sending it again would be another message.',
  },
  GMS_JOIN_TIMEOUT: {
    kind: 'unreachable',
    message: 'No member of the group took this one in within $timeoutMs ms.',
    hint: 'Check that one of the seeds runs and is in the group: $seeds',
  },
  GMS_JOIN_REFUSED: {
    kind: 'conflict',
    message: 'The group refused this member: $reason.',
    hint: 'All members need the same group name and the same delivery level.',
  },
  GMS_STATE_REFUSED: {
    kind: 'failure',
    message: 'The state of the group could not be restored: $reason',
    hint: 'The group goes on without this member. Its version may not understand the state of the others.',
  },
  GMS_CLOSED: { kind: 'unreachable', message: 'This member has left or was closed.', hint: 'Create a new one.' },
  GMS_READER_BEHIND: {
    kind: 'failure',
    message: 'A reader of messages() fell $count deliveries behind and was cut off.',
    hint: 'Read faster, raise bufferMax, or use on("message").',
  },
});
