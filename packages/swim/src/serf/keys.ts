import { GrpError, type Keyring } from '@grp/core';
import { decodeSerf, encodeSerf, isMalformed } from '@grp/memberlist-wire';
import type { KeyReport, QueryResult } from '../api.ts';

export type KeyAction = 'list' | 'install' | 'use' | 'remove';

/** The internal query that carries each action, without its prefix. */
export const keyQueries: Readonly<Record<KeyAction, string>> = {
  list: 'list-keys',
  install: 'install-key',
  use: 'use-key',
  remove: 'remove-key',
};

interface KeyAnswer {
  readonly result: boolean;
  readonly message: string;
  readonly keys: readonly string[];
  readonly primaryKey?: string;
}

const noKeyring: KeyAnswer = { result: false, message: 'no keyring: this member does not encrypt', keys: [] };

/** Carries out a key request of another member. Always answers; the requester wants to hear of failure too. */
export function changeKeyring(
  keyring: Keyring | undefined,
  action: Exclude<KeyAction, 'list'>,
  request: Uint8Array,
): Uint8Array {
  if (keyring === undefined) return encodeAnswer(noKeyring);
  const decoded = decodeSerf(request);
  if (isMalformed(decoded) || decoded.type !== 'key-request') {
    return encodeAnswer({ result: false, message: 'the key request cannot be read', keys: [] });
  }
  try {
    keyring[action](decoded.key);
    return encodeAnswer({ result: true, message: '', keys: [] });
  } catch (cause) {
    if (!(cause instanceof GrpError)) throw cause;
    // As at Serf's agents: a removal that is repeated, because one member missed it, succeeds at all the others.
    if (action === 'remove' && cause.code === 'KEY_UNKNOWN')
      return encodeAnswer({ result: true, message: '', keys: [] });
    return encodeAnswer({ result: false, message: cause.message, keys: [] });
  }
}

/** This member's keys, the primary first: as many as fit into `roomBytes`. */
export function listKeys(keyring: Keyring | undefined, fits: (payload: Uint8Array) => boolean): Uint8Array {
  if (keyring === undefined) return encodeAnswer(noKeyring);
  const all = keyring.keys().map(toBase64);
  const primaryKey = all[0] ?? '';
  for (let count = all.length; count > 0; count--) {
    const message = count === all.length ? '' : `too long: only the first ${count} of ${all.length} keys`;
    const answer = encodeAnswer({ result: true, message, keys: all.slice(0, count), primaryKey });
    if (fits(answer)) return answer;
  }
  return encodeAnswer({ result: false, message: 'no key fits into an answer', keys: [] });
}

/** What the members answered to a key request, added up. */
export function reportKeys(responses: QueryResult['responses'], members: number): KeyReport {
  const keys = new Map<string, number>();
  const errors = new Map<string, string>();
  for (const { from, payload } of responses) {
    const answer = decodeSerf(payload);
    if (isMalformed(answer) || answer.type !== 'key-response') {
      errors.set(from, 'the answer cannot be read');
      continue;
    }
    if (!answer.result) errors.set(from, answer.message);
    for (const key of new Set(answer.keys)) keys.set(key, (keys.get(key) ?? 0) + 1);
  }
  return { answered: responses.length, members, keys: Object.fromEntries(keys), errors: Object.fromEntries(errors) };
}

function encodeAnswer(answer: KeyAnswer): Uint8Array {
  return encodeSerf({ type: 'key-response', ...answer });
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
