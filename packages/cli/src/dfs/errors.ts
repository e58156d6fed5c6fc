import { defineErrors } from '@grp/core';

/** What the file commands themselves can fail with; what the store says has its own codes. */
export const fileError = defineErrors({
  DFS_SOURCE_UNREADABLE: {
    kind: 'not-found',
    message: '$file cannot be put: $problem.',
    hint: 'Name a file that you may read, or - for stdin.',
  },
  DFS_SOURCE_CHANGED: {
    kind: 'failure',
    message: '$file changed while it was read: $problem.',
    hint: 'Nothing of this put is visible. Put it again when nobody writes to it.',
  },
  DFS_TARGET_UNWRITABLE: {
    kind: 'failure',
    message: '$file cannot be written: $problem.',
    hint: 'What was there before is unchanged. Name another target, or make room.',
  },
  DFS_TARGET_NAME: {
    kind: 'usage',
    message: 'The folder $folder is no target for "$name": it has no last part to be saved under.',
    hint: 'Name the file to write.',
  },
  DFS_CUT_SHORT: {
    kind: 'unreachable',
    message: 'The connection to the node ended after $received of $expected bytes.',
    hint: 'Nothing was saved under the final name. Try again, or name another node with --node.',
  },
  DFS_ALTERED: {
    kind: 'violated',
    message: 'What arrived is not what was put: its SHA-256 is $found instead of $expected.',
    hint: 'Nothing was saved under the final name. Try again, and report it if it stays so.',
  },
  DFS_JSON_TOO_LONG: {
    kind: 'usage',
    message: 'With --json at most $max bytes are shown, and there are $bytes.',
    hint: 'Leave --json out, ask for a --range, or save the file with: dfs get',
  },
  DFS_STDOUT_TAKEN: {
    kind: 'usage',
    message: 'Bytes and JSON cannot share stdout.',
    hint: 'Leave --json out, or name a file to write.',
  },
  DFS_RANGE: {
    kind: 'usage',
    message: '"$text" is no range.',
    hint: 'Write 0-99 for the first hundred bytes, 100- for all after them, or -100 for the last hundred.',
  },
});

const problems: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  ENAMETOOLONG: 'the name is too long',
};

/** What went wrong in a system call, in a few words for people. */
export function problemOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  return problems[code ?? ''] ?? code ?? message ?? 'unknown';
}
