import { defineErrors } from '@grp/core';

export const swimError = defineErrors({
  SWIM_NAME_INVALID: {
    kind: 'usage',
    message: '$name is no member name.',
    hint: 'A name is 1 to 63 of the letters A-Z a-z, digits, dot and hyphen.',
  },
  SWIM_NAME_TAKEN: {
    kind: 'conflict',
    message: 'A living member at $address already has the name $name.',
    hint: 'Give this node another --name, or stop the other one first.',
  },
  SWIM_JOIN_FAILED: {
    kind: 'unreachable',
    message: 'None of the seeds answered: $seeds.',
    hint: 'Check that they run, that UDP and TCP reach them, and that key and label are the same.',
  },
  SWIM_STOPPED: {
    kind: 'failure',
    message: 'This member has stopped.',
    hint: 'Create a new one; a restart is a new life.',
  },
  SWIM_NOT_STARTED: { kind: 'usage', message: 'This member has not been started.', hint: 'Call start() first.' },
  SWIM_TAGS_TOO_LONG: {
    kind: 'usage',
    message: 'The tags take $bytes bytes encoded; at most $max fit.',
    hint: 'Use fewer or shorter tags.',
  },
  SWIM_EVENT_TOO_LONG: { kind: 'usage', message: 'The event takes $bytes bytes encoded; at most $max fit.' },
  SWIM_QUERY_TOO_LONG: { kind: 'usage', message: 'The query takes $bytes bytes encoded; at most $max fit.' },
  SWIM_NO_KEYRING: {
    kind: 'usage',
    message: 'This member has no keyring, so there are no keys to manage.',
    hint: 'Start every member with a key (--key-file) to seal what they say.',
  },
  SWIM_BUSY: { kind: 'failure', message: 'Too many $what are under way.', hint: 'Wait for some of them to end.' },
});
