import { defineErrors, type GrpError } from '@grp/core';

/** The errors of the real disk; the simulated one throws the same codes. */
export const diskError = defineErrors({
  DISK_NOT_FOUND: { kind: 'not-found', message: 'There is no file $file.' },
  DISK_FULL: { kind: 'failure', message: 'The disk is full ($operation of $file).', hint: 'Free some space.' },
  DISK_IO: {
    kind: 'failure',
    message: 'The disk failed ($operation of $file: $problem).',
    hint: 'See the system log; the disk may be broken.',
  },
  DISK_LOCKED: {
    kind: 'conflict',
    message: '$folder is in use by process $pid on $host.',
    hint: 'Stop that process first, or use another folder. If it surely does not run any more, remove $file.',
  },
});

/** What an error of the system means here. */
export function translated(cause: unknown, operation: string, file: string): GrpError {
  const problem = codeOf(cause) ?? String(cause);
  const context = { operation, file, problem };
  if (problem === 'ENOENT') return diskError('DISK_NOT_FOUND', { context, cause });
  // A sync that fails has lost bytes, whatever it says: nobody may take it for a matter of waiting.
  const isFull = (problem === 'ENOSPC' || problem === 'EDQUOT') && !operation.startsWith('sync');
  if (isFull) return diskError('DISK_FULL', { context, cause });
  return diskError('DISK_IO', { context, cause });
}

export function codeOf(cause: unknown): string | undefined {
  const { code } = (cause ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' ? code : undefined;
}
