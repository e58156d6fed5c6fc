import { defineErrors, exitCodes, GrpError, sanitizeText, type ErrorKind } from '@grp/core';

const table = {
  TRACKER_ADDRESS_FOREIGN: {
    kind: 'denied',
    message: 'The address $address is not the one this connection comes from.',
    hint: 'Name a private address or the one in `observed`: a group sends its messages there.',
  },
  TRACKER_ADMIN_ONLY: {
    kind: 'denied',
    message: '$command is for administrators.',
    hint: 'Send `admin` with the token that the tracker was started with.',
  },
  TRACKER_ANSWER_INVALID: {
    kind: 'failure',
    message: 'The tracker gave an answer to $command that makes no sense.',
    hint: 'Tracker and client may be of different versions.',
  },
  TRACKER_BANNED: {
    kind: 'denied',
    message: 'You are banned from $group.',
    hint: 'A new nick does not help; ask one of its moderators.',
  },
  TRACKER_BUSY: { kind: 'failure', message: 'The tracker has too many $what.', hint: 'Try again later.' },
  TRACKER_CLIENT_BUSY: { kind: 'failure', message: 'Too many requests wait here.', hint: 'Wait for some answers.' },
  TRACKER_CLIENT_STOPPED: { kind: 'failure', message: 'The tracker client has been stopped.' },
  TRACKER_COMMAND_INVALID: {
    kind: 'usage',
    message: 'The field $field of $command is missing or wrong.',
    hint: 'PROTOCOL.md lists the fields of every command with their bounds.',
  },
  TRACKER_COMMAND_UNKNOWN: {
    kind: 'usage',
    message: 'This tracker knows no such command.',
    hint: 'It may be older than the client.',
  },
  TRACKER_DISK: {
    kind: 'failure',
    message: 'The journal cannot be written: $problem.',
    hint: 'The tracker has stopped, so that it promises nothing that it would forget. See to the disk and start it again.',
  },
  TRACKER_GROUP_FULL: { kind: 'conflict', message: '$group is full.', hint: 'Its owner can raise the limit.' },
  TRACKER_GROUP_INVALID: {
    kind: 'usage',
    message: 'This is no name for a group ($problem).',
    hint: 'One to 32 letters and digits of one script, and . _ - after the first.',
  },
  TRACKER_GROUP_KEY: { kind: 'denied', message: '$group wants another key.', hint: 'Ask a member for it.' },
  TRACKER_GROUP_TAKEN: { kind: 'conflict', message: 'There is a group like $group already.', hint: 'Join it.' },
  TRACKER_GROUP_UNKNOWN: {
    kind: 'not-found',
    message: 'There is no group $group.',
    hint: 'Create it, or check the name.',
  },
  TRACKER_HELLO_TIMEOUT: {
    kind: 'unreachable',
    message: 'Nobody said hello on this connection in time.',
    hint: 'Send `hello` or `resume` right after the greeting.',
  },
  TRACKER_INVITE_ONLY: { kind: 'denied', message: '$group is for invited members.', hint: 'Ask to be invited.' },
  TRACKER_JOURNAL_CORRUPT: {
    kind: 'failure',
    message: 'The journal is damaged at byte $offset, before records that were safely written.',
    hint: 'Restore the data folder from a copy, or move it away to begin anew.',
  },
  TRACKER_JOURNAL_NEWER: {
    kind: 'failure',
    message: 'The journal was written by a newer version ($format).',
    hint: 'Start the version that wrote it.',
  },
  TRACKER_KEY_CHANGED: {
    kind: 'denied',
    message: 'This is another tracker: its key is $found.',
    hint: 'If it was set up anew on purpose, tell the client its new key.',
  },
  TRACKER_LIMIT: { kind: 'conflict', message: 'No more than $max $what.', hint: 'Give one up first.' },
  TRACKER_LINE_INVALID: {
    kind: 'usage',
    message: 'This line is no JSON object in UTF-8.',
    hint: 'One object per line, ended by a newline.',
  },
  TRACKER_LINE_TIMEOUT: {
    kind: 'unreachable',
    message: 'A line was begun and not finished in time.',
    hint: 'Write whole lines.',
  },
  TRACKER_LINE_TOO_LONG: {
    kind: 'usage',
    message: 'A line has at most $max bytes.',
    hint: 'Split what you have to say.',
  },
  TRACKER_LOST: {
    kind: 'unreachable',
    message: 'The tracker at $address cannot be reached; whether it has done this is not known.',
    hint: 'Members go on talking to each other; the client tries again by itself.',
  },
  TRACKER_MEMBER_UNKNOWN: {
    kind: 'not-found',
    message: 'Nobody of that name is in $group.',
    hint: 'List its members.',
  },
  TRACKER_METRICS_INVALID: {
    kind: 'usage',
    message: 'The report has an impossible $field.',
    hint: 'Counts are whole numbers from 0 to 2^53 − 1; NaN, infinities and negatives are refused.',
  },
  TRACKER_NICK_INVALID: {
    kind: 'usage',
    message: 'This is no nick ($problem).',
    hint: 'One to 32 letters and digits of one script, and . _ - after the first.',
  },
  TRACKER_NICK_OWNED: {
    kind: 'conflict',
    message: 'The nick $nick is reserved.',
    hint: 'Its owner gives the token or uses the key that it was reserved with.',
  },
  TRACKER_NICK_TAKEN: {
    kind: 'conflict',
    message: 'Somebody is called $nick already, or something that looks the same.',
    hint: 'Take another nick; after a crash yours is free again within a minute, at once with the same key.',
  },
  TRACKER_NOT_ALLOWED: {
    kind: 'denied',
    message: 'Your role in $group does not allow this.',
    hint: 'Ask its owner or a moderator.',
  },
  TRACKER_NOT_MEMBER: { kind: 'conflict', message: 'You are not in $group.', hint: 'Join it first.' },
  TRACKER_NOT_REGISTERED: { kind: 'denied', message: 'Say hello first.', hint: 'Send `hello` or `resume`.' },
  TRACKER_OWNER_TOKEN: { kind: 'denied', message: 'This is not the owner token of $group.' },
  TRACKER_PROOF_INVALID: {
    kind: 'denied',
    message: 'The signature does not prove it ($problem).',
    hint: 'Sign exactly what PROTOCOL.md says, with the key that was registered.',
  },
  TRACKER_RATE: {
    kind: 'failure',
    message: 'Too many $what; try again in $retryAfterMs ms.',
    hint: 'Wait, and then go slower.',
  },
  TRACKER_RECLAIMED: {
    kind: 'conflict',
    message: 'Another client has taken the nick over, with its key or its token.',
    hint: 'One client for one key: start the second with a key of its own.',
  },
  TRACKER_REGISTERED: { kind: 'conflict', message: 'This connection said hello already.' },
  TRACKER_SESSION_UNKNOWN: {
    kind: 'not-found',
    message: 'There is no such session any more.',
    hint: 'Say `hello` again and rejoin the groups.',
  },
  TRACKER_STOPPED: { kind: 'failure', message: 'The tracker has been stopped.' },
  TRACKER_TIMEOUT: {
    kind: 'unreachable',
    message: 'The tracker at $address gave no answer to $command within $timeoutMs ms.',
    hint: 'Whether it has done it is not known.',
  },
  TRACKER_VERSION: {
    kind: 'usage',
    message: 'This tracker speaks version $version of the protocol.',
    hint: 'Use a client and a tracker of the same major version.',
  },
} as const;

/** Every code that tracker and client give, on the wire as well. */
export type TrackerErrorCode = keyof typeof table;

/** Makes the errors of this package. */
export const trackerError = defineErrors<TrackerErrorCode>(table);

/** An error as it stands in an answer. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly kind?: string;
  readonly retryAfterMs?: number;
}

export function toWire(error: GrpError): WireError {
  const { retryAfterMs } = error.context;
  return { ...error.toJSON(), kind: error.kind, ...(typeof retryAfterMs === 'number' && { retryAfterMs }) };
}

/** What came over the wire, as an error for the caller. Its words are made safe to print; unknown kinds are `failure`. */
export function fromWire({ code, message, hint, kind, retryAfterMs }: WireError): GrpError {
  const isKind = (text: string | undefined): text is ErrorKind => text !== undefined && Object.hasOwn(exitCodes, text);
  return new GrpError({
    code: /^TRACKER_[A-Z_]{1,40}$/.test(code) ? code : 'TRACKER_FAILED',
    message: sanitizeText(message, { lengthMax: 400 }),
    kind: isKind(kind) ? kind : 'failure',
    ...(hint !== undefined && { hint: sanitizeText(hint, { lengthMax: 400 }) }),
    ...(retryAfterMs !== undefined && { context: { retryAfterMs } }),
  });
}
