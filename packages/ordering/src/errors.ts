import { defineErrors } from '@grp/core';

export const orderingError = defineErrors({
  ORDERING_VIEW_INVALID: {
    kind: 'usage',
    message: 'View $number is none: $reason.',
    hint: 'A view has a number from 1 that rises, and 1 to 256 members with different ids and addresses.',
  },
  ORDERING_PAYLOAD_TOO_LARGE: {
    kind: 'usage',
    message: 'The payload has $bytes bytes; at most $max fit.',
    hint: 'Send it in parts, or send where it can be fetched.',
  },
  ORDERING_CLOSED: { kind: 'failure', message: 'This member of the group has been closed.', hint: 'Create a new one.' },
  ORDERING_EXCLUDED: {
    kind: 'conflict',
    message: 'View $view goes on without this member; what it sent last may or may not have been delivered.',
    hint: 'Ask for a new view with this member in it.',
  },
});
