import { defineErrors, GrpError } from '@grp/core';

/** The errors of the blob store, besides `DFS_DISK_FULL` and `DFS_STORE_UNUSABLE` of the package's table. Codes are stable; the kind gives exit code and HTTP status. */
export const storeError = defineErrors({
  DFS_STORE_FAILED: {
    kind: 'failure',
    message: 'The disk below $folder failed, and the store has stopped for good: $problem.',
    hint: 'Restart the node when the disk is well. What was acknowledged is kept; nothing is retried meanwhile.',
  },
  DFS_STORE_NEWER: {
    kind: 'usage',
    message: '$file was written by a newer version of the format ($version).',
    hint: 'Run the newer program, or start with an empty folder.',
  },
  DFS_STORE_CLOSED: { kind: 'usage', message: 'The blob store of $folder is closed.' },
  DFS_BLOB_NOT_FOUND: { kind: 'not-found', message: 'There is no blob $blob here.' },
  DFS_BLOB_DAMAGED: {
    kind: 'failure',
    message: 'Blob $blob is damaged here (frame $frame).',
    hint: 'Read another holder. The damage is reported and repaired.',
  },
  DFS_BLOB_ABORTED: { kind: 'failure', message: 'The blob $blob was given up before it was whole: $reason.' },
});

/** The system's code of an error, such as `ENOSPC`. */
export function codeOf(cause: unknown): string {
  const { code } = (cause ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' ? code : String(cause);
}

/** Whether a write failed only for want of room, which passes. */
export function isFull(cause: unknown): boolean {
  const code = cause instanceof GrpError ? cause.code : codeOf(cause);
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'DFS_DISK_FULL';
}

/** Whether the system is only short of something for the moment: it says nothing about the disk. */
export function isTransient(cause: unknown): boolean {
  return ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'].includes(codeOf(cause));
}
