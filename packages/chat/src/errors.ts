import { defineErrors, type ErrorText } from '@grp/core';

const texts = {
  CHAT_NAME_INVALID: {
    kind: 'usage',
    message: 'This is no name for an account.',
    hint: '1 to 32 letters, digits, dots, dashes and underscores, beginning with a letter or digit.',
  },
  CHAT_NAME_TAKEN: { kind: 'conflict', message: 'There is an account with this name.', hint: 'Choose another name.' },
  CHAT_LOGIN_REFUSED: {
    kind: 'denied',
    message: 'The name or the password is wrong.',
    hint: 'Check both; after a few mistakes the server answers more slowly.',
  },
  CHAT_NOT_LOGGED_IN: { kind: 'denied', message: 'The session is unknown or has ended.', hint: 'Log in again.' },
  CHAT_PASSWORD_SIZE: {
    kind: 'usage',
    message: 'A password has $min to $max bytes.',
    hint: 'Choose one of another length.',
  },
  CHAT_PASSWORD_CHANGED: { kind: 'denied', message: 'The password has just been changed.', hint: 'Log in again.' },
  CHAT_ROOM_INVALID: {
    kind: 'usage',
    message: 'This is no name of a room.',
    hint: 'general (1 to 64 small letters, digits, dots, dashes, underscores), or @bob for a conversation.',
  },
  CHAT_ROOM_DENIED: { kind: 'denied', message: 'You are not in this room.', hint: 'Join it first.' },
  CHAT_USER_UNKNOWN: {
    kind: 'not-found',
    message: 'There is no such user.',
    hint: 'List the accounts, and check the name.',
  },
  CHAT_TEXT_EMPTY: { kind: 'usage', message: 'A message needs a text.', hint: 'Send at least one character.' },
  CHAT_TEXT_TOO_LONG: {
    kind: 'usage',
    message: 'A message has at most $max bytes.',
    hint: 'Send it in parts, or put it into a file.',
  },
  CHAT_MESSAGE_UNKNOWN: {
    kind: 'not-found',
    message: 'There is no such message.',
    hint: 'The history of the room has the ids of its messages.',
  },
  CHAT_MESSAGE_NOT_YOURS: {
    kind: 'denied',
    message: 'Only its sender may delete a message.',
    hint: 'Log in as its sender.',
  },
  CHAT_FULL: {
    kind: 'failure',
    message: 'The store is full: nothing more is taken, and nothing is lost.',
    hint: 'Make room on the disks of the servers.',
  },
  CHAT_REQUEST_INVALID: {
    kind: 'usage',
    message: 'The request is not understood: $problem.',
    hint: 'Use a client of this version.',
  },
  CHAT_BUSY: { kind: 'failure', message: 'Too much at once.', hint: 'Try again in $retryAfterMs ms.' },
  CHAT_PORT_UNUSABLE: {
    kind: 'conflict',
    message: 'The chat cannot listen on $address: $problem.',
    hint: 'Another server may run there; give another port.',
  },
  CHAT_RECOVERING: { kind: 'no-quorum', message: 'This server is still recovering.', hint: 'Try another server.' },
  CHAT_UNREACHABLE: {
    kind: 'unreachable',
    message: 'No server of the cluster could do this within $timeoutMs ms; the last said: $problem.',
    hint: 'Check the addresses in the cluster file; a majority of the servers must run.',
  },
  CHAT_NO_QUORUM: {
    kind: 'no-quorum',
    message: 'The servers asked found no majority of the cluster within $timeoutMs ms; the last said: $problem',
    hint: 'A majority of the servers must run and reach each other. Nothing that was not acknowledged is promised.',
  },
  CHAT_HASH_UNKNOWN: {
    kind: 'failure',
    message: 'This account has a password hash that this server cannot check.',
    hint: 'Run the same version of Node on all servers: hashes by argon2 need Node 24.7 or newer.',
  },
} as const satisfies Readonly<Record<string, ErrorText>>;

/** The errors of `@grp/chat`. Codes are stable; the kind gives exit code and gRPC status. */
export const chatError = defineErrors(texts);

/** What to do about an error of which only the code came over the network; undefined for other codes. */
export function hintOf(code: string): string | undefined {
  return Object.hasOwn(texts, code) ? (texts as Readonly<Record<string, ErrorText>>)[code]?.hint : undefined;
}

/** Codes that a client may meet, by what a command came to. */
export const outcomeCodes = {
  'name-invalid': 'CHAT_NAME_INVALID',
  'name-taken': 'CHAT_NAME_TAKEN',
  'not-logged-in': 'CHAT_NOT_LOGGED_IN',
  'password-changed': 'CHAT_PASSWORD_CHANGED',
  'room-invalid': 'CHAT_ROOM_INVALID',
  'room-denied': 'CHAT_ROOM_DENIED',
  'user-unknown': 'CHAT_USER_UNKNOWN',
  'text-empty': 'CHAT_TEXT_EMPTY',
  'text-too-long': 'CHAT_TEXT_TOO_LONG',
  'message-unknown': 'CHAT_MESSAGE_UNKNOWN',
  'message-not-yours': 'CHAT_MESSAGE_NOT_YOURS',
  full: 'CHAT_FULL',
  malformed: 'CHAT_REQUEST_INVALID',
} as const;
