import { defineErrors } from '@grp/core';

export const messengerError = defineErrors({
  MESSENGER_NOT_JOINED: {
    kind: 'not-found',
    message: 'You are not in $group.',
    hint: 'Join it first: `!j $group`.',
  },
  MESSENGER_JOINED: { kind: 'conflict', message: 'You are in $group already.' },
  MESSENGER_TEXT_EMPTY: { kind: 'usage', message: 'There is nothing to send.' },
  MESSENGER_TEXT_TOO_LONG: {
    kind: 'usage',
    message: 'The text has $bytes bytes; at most $max fit.',
    hint: 'Send it as several messages.',
  },
  MESSENGER_MUTED: {
    kind: 'denied',
    message: '$group is moderated, and you have no voice in it.',
    hint: 'Ask one of its moderators for `voice`.',
  },
  MESSENGER_BUSY: {
    kind: 'failure',
    message: 'Too many messages to $group wait to be sent.',
    hint: 'Wait until the others have taken some.',
  },
  MESSENGER_TRACKER_UNKNOWN: {
    kind: 'unreachable',
    message: 'The tracker $tracker cannot be found: $problem',
    hint: 'Name it as host:port, as `grp node start --role tracker` prints it.',
  },
  MESSENGER_STOPPED: { kind: 'failure', message: 'The messenger has been stopped.' },
});
