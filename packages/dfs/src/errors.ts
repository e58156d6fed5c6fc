import { defineErrors } from '@grp/core';

/** The errors of `@grp/dfs`, those of its data plane too. Codes are stable. */
export const dfsError = defineErrors({
  DFS_NAME_INVALID: {
    kind: 'usage',
    message: 'This is no name for a file: $problem.',
    hint: 'A name is 1 to 1,024 bytes of UTF-8, relative, without NUL and without parts "." and "..", such as logs/a.txt.',
  },
  DFS_REQUEST_INVALID: { kind: 'usage', message: 'The request is not understood: $problem.' },
  DFS_NOT_FOUND: {
    kind: 'not-found',
    message: 'There is no such file, or no such version of it.',
    hint: '`dfs ls` lists the files, `dfs versions NAME` the versions that are kept.',
  },
  DFS_CONFLICT: {
    kind: 'conflict',
    message: 'The condition did not hold: the newest version is $version.',
    hint: 'Read the newest version, decide again, and put with its number. Version 0: the file does not exist.',
  },
  DFS_NO_SERVERS: {
    kind: 'no-quorum',
    message: 'A put needs $needed file servers that take bytes; $usable of $known do.',
    hint: 'Start more nodes with the role dfs, free space on theirs, or put with fewer --replicas.',
  },
  DFS_NO_QUORUM: {
    kind: 'no-quorum',
    message: 'Only $acknowledged of the $needed file servers that a put needs have stored the bytes; $problem.',
    hint: 'Nothing of this put is visible. Try again; `dfs repair --status` shows which servers are up.',
  },
  DFS_META_UNREACHABLE: {
    kind: 'unreachable',
    message: 'No node answered for the metadata within $timeoutMs ms: $problem.',
    hint: 'A majority of the nodes that keep the metadata must run; a put may or may not have happened: the same request id tells.',
  },
  DFS_META_NO_QUORUM: {
    kind: 'no-quorum',
    message: 'The metadata has no leader with a majority at the moment.',
    hint: 'A majority of the nodes that keep the metadata must run and reach each other.',
  },
  DFS_UNREADABLE: {
    kind: 'unreachable',
    message: 'No server that holds version $version could be read: $problem.',
    hint: 'An older version is never given in its place. It is readable again when one of its holders returns.',
  },
  DFS_CORRUPT: {
    kind: 'violated',
    message: 'The bytes received are not those that were put: $problem.',
    hint: 'Nothing was saved under the final name. Try again: the altered replica has been reported and is repaired.',
  },
  DFS_SOURCE_CHANGED: {
    kind: 'failure',
    message: 'What was to be put changed or failed while it was read: $problem.',
    hint: 'Nothing of this put is visible. Put it again when nobody writes to it.',
  },
  DFS_ABORTED: { kind: 'failure', message: 'Given up on request.' },
  DFS_FULL: {
    kind: 'failure',
    message: 'The store takes no more: $problem.',
    hint: 'Remove files, keep fewer versions (--keep), or raise the limit in the configuration of every node.',
  },
  DFS_DISK_FULL: {
    kind: 'failure',
    message: 'No room is left on this file server.',
    hint: 'It is not chosen for new files until there is room; add disk or nodes.',
  },
  DFS_BUSY: { kind: 'failure', message: 'Too much at once.', hint: 'Try again in a moment.' },
  DFS_SERVER_EXPELLED: {
    kind: 'conflict',
    message: 'This life of file server $node was declared dead.',
    hint: 'The node joins again by itself, under a new incarnation.',
  },
  DFS_STORE_UNUSABLE: {
    kind: 'failure',
    message: 'The data folder cannot be used: $problem.',
    hint: 'Check that it exists, is writable, and that no other process uses it.',
  },
  DFS_SNAPSHOT_INVALID: {
    kind: 'failure',
    message: 'The snapshot of the metadata is not usable: $problem.',
    hint: 'Another node has a good one: start this one with an empty metadata folder.',
  },
});
