import { defineErrors } from '@grp/core';

/** The errors of `@grp/storage`. Codes are stable; the kind gives exit code and HTTP status. */
export const storageError = defineErrors({
  STORAGE_FULL: {
    kind: 'failure',
    message: 'The disk is full: $folder takes no more entries.',
    hint: 'Free some space; the log goes on by itself then. Hard state is still saved.',
  },
  STORAGE_BUSY: {
    kind: 'failure',
    message: 'The log of $folder has $queuedBytes bytes to write and takes no more for the moment.',
    hint: 'Try again when the log says that there is room.',
  },
  STORAGE_TOO_LONG: { kind: 'usage', message: '$what has $bytes bytes; at most $bytesMax are allowed.' },
  STORAGE_FAILED: {
    kind: 'failure',
    message: 'The disk below $folder failed, and the log has stopped for good: $problem.',
    hint: 'Restart the node. What was acknowledged is kept, or reported as damaged; nothing is retried meanwhile.',
  },
  STORAGE_CLOSED: { kind: 'usage', message: 'The log of $folder is closed.' },
  STORAGE_DAMAGED: {
    kind: 'failure',
    message: '$what in $file is damaged.',
    hint: 'Fetch it from a peer; the damaged file is left as it is.',
  },
  STORAGE_NEWER: {
    kind: 'usage',
    message: '$file was written by a newer version of the format ($version; this one knows up to $known).',
    hint: 'Run the newer program, or start with an empty folder.',
  },
  STORAGE_NOT_FOUND: { kind: 'not-found', message: 'There is no $what.' },
  STORAGE_NAME_INVALID: {
    kind: 'usage',
    message: '$name is no blob name.',
    hint: '1 to 200 of the letters A-Z a-z 0-9 . _ -, not starting with a dot.',
  },
});
