import { defineErrors } from '@grp/core';

/** The errors of `@grp/node`. Codes are stable; the kind gives exit code and HTTP status. */
export const nodeError = defineErrors({
  NODE_ROLES_EMPTY: { kind: 'usage', message: 'A node needs at least one role.', hint: 'Try --role swim.' },
  NODE_ROLE_UNKNOWN: { kind: 'usage', message: '$role is no role.', hint: 'Roles of this version: $available.' },
  NODE_ROLE_UNAVAILABLE: {
    kind: 'usage',
    message: 'The role $role is not in this version.',
    hint: 'Roles of this version: $available.',
  },
  NODE_OPTION_INVALID: { kind: 'usage', message: '$option: $problem.' },
  NODE_TOKEN_NEEDED: {
    kind: 'usage',
    message: 'HTTP on $host is reachable from other hosts and needs a token.',
    hint: 'Give a token file (and a certificate and key for TLS), or listen on 127.0.0.1.',
  },
  NODE_FILE_UNREADABLE: { kind: 'not-found', message: 'Cannot read $file: $problem.', hint: 'Check the path.' },
  NODE_FILE_PERMISSIONS: {
    kind: 'denied',
    message: '$file holds a secret, and others than its owner may read or write it (mode $mode).',
    hint: 'Run: chmod 600 $file',
  },
  NODE_KEY_INVALID: {
    kind: 'usage',
    message: '$file has no usable key in line $line: base64 or hex of 16, 24 or 32 bytes is needed.',
    hint: 'Make one with: (umask 077; head -c 32 /dev/urandom | base64 > $file)',
  },
  NODE_TOKEN_INVALID: {
    kind: 'usage',
    message: '$file holds no usable token: one line of 16 to 512 visible characters is needed.',
    hint: 'Make one with: (umask 077; head -c 32 /dev/urandom | base64 > $file)',
  },
  NODE_TLS_INVALID: {
    kind: 'usage',
    message: 'The TLS files do not fit: $problem.',
    hint: 'Certificate, key and authority are PEM files, and the key is that of the certificate.',
  },
  NODE_PORT_IN_USE: {
    kind: 'conflict',
    message: 'The HTTP address $address is taken.',
    hint: 'Another node may run there; give another --http address, or port 0 for any free one.',
  },
  NODE_ADDRESS_UNUSABLE: {
    kind: 'usage',
    message: 'HTTP cannot listen on $address: $problem.',
    hint: 'Use an address of this host and a port above 1023.',
  },
  NODE_RECORD_UNWRITABLE: {
    kind: 'failure',
    message: 'The recording $file cannot be written: $problem.',
    hint: 'Name a file in a folder that this process may write.',
  },
  NODE_DATA_DIR_LOCKED: {
    kind: 'conflict',
    message: 'The data folder $folder is in use by process $pid on $host.',
    hint: 'One process per folder. If that process is surely gone, remove $file.',
  },
  NODE_DATA_DIR_UNUSABLE: {
    kind: 'failure',
    message: 'The data folder $folder cannot be used: $problem.',
    hint: 'It must be a folder that this process may write.',
  },
  NODE_DATA_DIR_NEEDED: {
    kind: 'usage',
    message: 'The role $group keeps its log in a data folder.',
    hint: 'Give one with --data-dir: a server that forgets what it has promised would harm the others.',
  },
  RAFT_GROUP_UNKNOWN: {
    kind: 'not-found',
    message: 'This node is in no raft group $group.',
    hint: 'It is in: $groups.',
  },
  RAFT_STARTING: {
    kind: 'no-quorum',
    message: 'The server of the group $group is still starting.',
    hint: 'Try again.',
  },
  RAFT_SERVER_UNKNOWN: {
    kind: 'not-found',
    message: 'There is no server $id in the group $group.',
    hint: 'Its servers: $servers.',
  },
  RAFT_TRANSFER_FAILED: {
    kind: 'conflict',
    message: 'Leadership was not taken over by $to.',
    hint: 'It must be a voter that is up and caught up.',
  },
  RAFT_SNAPSHOT_SLOW: {
    kind: 'unreachable',
    message: 'The snapshot was not on disk within $timeoutMs ms.',
    hint: 'It goes on: snapshotIndex of the status tells when it is there.',
  },
  RAFT_LOG_NONE: {
    kind: 'not-found',
    message: 'There is no raft log$group in $folder.',
    hint: 'Name the data folder of a node with the role raft, chat or dfs; groups in this one: $groups.',
  },
  // As raft's own, which knows no HTTP.
  RAFT_NOT_LEADER: {
    kind: 'conflict',
    message: '$id does not lead; $leader does.',
    hint: 'Ask the leader. Nothing was done.',
  },
  NODE_FAILED: {
    kind: 'failure',
    message: 'The node failed: $problem.',
    hint: 'This is a bug in grp; the log has the details.',
  },
  NODE_STOPPED: {
    kind: 'conflict',
    message: 'The node is stopping or has stopped.',
    hint: 'Start it again, or ask another node.',
  },
  // The code is swim's: whoever learns of it through the node must see the same one.
  SWIM_NAME_TAKEN: {
    kind: 'conflict',
    message: 'Another living member, at $address, has the name $name already.',
    hint: 'Give this node another name, or stop the other one first.',
  },
});

/** The errors that only the HTTP API gives. Some have a status finer than that of their kind: see `httpStatusOf`. */
export const httpError = defineErrors({
  NODE_ROUTE_UNKNOWN: { kind: 'not-found', message: 'There is nothing at $method $path.', hint: 'See GET /v1.' },
  NODE_SEED_INVALID: {
    kind: 'usage',
    message: '$seed is not host:port.',
    hint: 'Write 10.0.0.1:7946, node.example:7946, [::1]:7946 or srv:_swim._udp.example.',
  },
  NODE_ROLE_ABSENT: {
    kind: 'not-found',
    message: 'This node does not run the role $role.',
    hint: 'Ask another node, or start this one with --role $role among its roles.',
  },
  NODE_METHOD_WRONG: {
    kind: 'usage',
    message: '$path takes $allowed, not $method.',
    hint: 'Reads are GET, changes are POST; GET /v1 lists them all.',
  },
  NODE_REQUEST_INVALID: {
    kind: 'usage',
    message: 'The request is not understood: $problem.',
    hint: 'GET /v1 lists all routes; README.md of @grp/node says what each takes.',
  },
  NODE_BODY_INVALID: {
    kind: 'usage',
    message: 'The body is wrong: $problem.',
    hint: 'Send one JSON object with the fields that the route takes, and no others.',
  },
  NODE_BODY_TOO_LARGE: {
    kind: 'usage',
    message: 'The body is longer than $max bytes.',
    hint: 'Send less at a time, or raise bodyBytesMax.',
  },
  NODE_RANGE_INVALID: {
    kind: 'usage',
    message: '$range is no range of the $bytes bytes of this file.',
    hint: 'Write bytes=0-99, bytes=100- or bytes=-100.',
  },
  NODE_MEDIA_TYPE: {
    kind: 'usage',
    message: 'The body must be JSON.',
    hint: 'Send content-type: application/json, and {} when there is nothing to say.',
  },
  NODE_HOST_REFUSED: {
    kind: 'denied',
    message: 'The Host header does not name this machine.',
    hint: 'Use 127.0.0.1, [::1] or localhost in the URL: this keeps web pages from reaching the node.',
  },
  NODE_ORIGIN_REFUSED: {
    kind: 'denied',
    message: 'Requests from web pages of other origins are refused.',
    hint: "Open the node's own page, or ask from a program.",
  },
  NODE_PAGE_READ_ONLY: {
    kind: 'denied',
    message: 'A page in a browser may change nothing on a node without a token.',
    hint: 'Start the node with --token-file, and open the console with: grp console --token-file FILE',
  },
  NODE_CONSOLE_NONE: {
    kind: 'not-found',
    message: 'The console is not here: it has not been built, or this node was started without it.',
    hint: 'grp console builds it where grp runs from sources. The API is at /v1.',
  },
  NODE_TOKEN_REFUSED: {
    kind: 'denied',
    message: 'A valid bearer token is needed.',
    hint: 'Send authorization: Bearer …, with the token of the file the node was started with.',
  },
  NODE_EVENTS_FULL: {
    kind: 'failure',
    message: 'The node already has $max event streams.',
    hint: 'Close one, or raise eventClientsMax.',
  },
  NODE_INTERNAL: {
    kind: 'failure',
    message: 'The node failed to answer.',
    hint: 'Its log says why: node.http-failed.',
  },
});

/** What went wrong in a system call, in a few words for people. */
export function problemOf(cause: unknown): string {
  const code = errorCode(cause);
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file or folder',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EISDIR: 'it is a folder',
    ENOTDIR: 'it is not a folder',
    EROFS: 'the file system is read-only',
    ENOSPC: 'the disk is full',
    EADDRNOTAVAIL: 'this host has no such address',
    ENOTFOUND: 'the name is unknown',
  };
  return (code === undefined ? undefined : known[code]) ?? code ?? (cause instanceof Error ? cause.message : 'unknown');
}

/** The system's error code, such as ENOENT. */
export function errorCode(cause: unknown): string | undefined {
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}
