import type { Message } from '../messages.ts';

/** The first byte of every message. A member that hears a greater one drops the message and counts it. */
export const wireVersion = 1;

/** The second byte. Numbers are for ever: a kind that goes leaves a hole. */
export const kinds: Readonly<Record<Message['type'], number>> = {
  data: 1,
  propose: 2,
  final: 3,
  ack: 4,
  stable: 5,
  state: 8,
  request: 9,
  prepare: 10,
  fetch: 11,
  refill: 12,
  ready: 13,
  install: 14,
};

/** Members of one view, and so the length of everything that is listed by member. */
export const membersMax = 256;
/** Payloads of one round. */
export const payloadsMax = 65_535;
/** Rounds, keys and proposals listed in one message; `holdBackRoundsMax` may not be set higher. */
export const roundsMax = 8_192;
