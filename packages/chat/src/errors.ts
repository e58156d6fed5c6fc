import { defineErrors } from '@grp/core';

/** The errors of `@grp/chat`. Codes are stable; the kind gives exit code and gRPC status. */
export const chatError = defineErrors({
  CHAT_NAME_INVALID: {
    kind: 'usage',
    message: 'This is no name for an account.',
    hint: '1 to 32 letters, digits, dots, dashes and underscores, beginning with a letter or digit.',
  },
  CHAT_NAME_TAKEN: { kind: 'conflict', message: 'There is an account with this name.', hint: 'Choose another name.' },
  CHAT_LOGIN_REFUSED: { kind: 'denied', message: 'The name or the password is wrong.' },
  CHAT_NOT_LOGGED_IN: { kind: 'denied', message: 'The session is unknown or has ended.', hint: 'Log in again.' },
  CHAT_PASSWORD_SIZE: { kind: 'usage', message: 'A password has $min to $max bytes.' },
  CHAT_PASSWORD_CHANGED: { kind: 'denied', message: 'The password has just been changed.', hint: 'Log in again.' },
  CHAT_ROOM_INVALID: {
    kind: 'usage',
    message: 'This is no name of a room.',
    hint: 'general (1 to 64 small letters, digits, dots, dashes, underscores), or @bob for a conversation.',
  },
  CHAT_ROOM_DENIED: { kind: 'denied', message: 'You are not in this room.', hint: 'Join it first.' },
  CHAT_USER_UNKNOWN: { kind: 'not-found', message: 'There is no such user.' },
  CHAT_TEXT_EMPTY: { kind: 'usage', message: 'A message needs a text.' },
  CHAT_TEXT_TOO_LONG: { kind: 'usage', message: 'A message has at most $max bytes.' },
  CHAT_MESSAGE_UNKNOWN: { kind: 'not-found', message: 'There is no such message.' },
  CHAT_MESSAGE_NOT_YOURS: { kind: 'denied', message: 'Only its sender may delete a message.' },
  CHAT_FULL: { kind: 'failure', message: 'The store is full: nothing more is taken, and nothing is lost.' },
  CHAT_REQUEST_INVALID: { kind: 'usage', message: 'The request is not understood: $problem.' },
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
});

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
