import type { MessageList } from './message-list.ts';

/** What the state is made of. Times are Unix ms as agreed in the log; names are as their owners wrote them. */
export interface Account {
  readonly name: string;
  passwordHash: string;
  /** Log index of the registration: names this account even after another one has taken its name. */
  readonly index: number;
  /** Log index of the last change of the password. */
  passwordIndex: number;
  readonly createdAtMs: number;
}

export interface Session {
  /** As a key: see `keyOf`. */
  readonly tokenHash: string;
  readonly account: Account;
  readonly expiresAtMs: number;
}

export interface StoredMessage {
  readonly sequence: number;
  readonly index: number;
  /** The id of the request that sent it, in hexadecimal. */
  readonly id: string;
  readonly from: string;
  /** Empty once deleted: the place and the id stay. */
  readonly text: string;
  readonly atMs: number;
  readonly deleted: boolean;
}

export interface Room {
  /** `general`, or `@3:17` for the conversation of the accounts with these indices. */
  readonly name: string;
  readonly createdAtMs: number;
  readonly messages: MessageList;
  /** Account index → the highest sequence it has read. */
  readonly members: Map<number, number>;
}

/** What a command came to; the same on every server. */
export type Outcome =
  | {
      readonly ok: true;
      /** Log index of what came about. */
      readonly index: number;
      readonly atMs: number;
      /** For messages. */
      readonly sequence?: number;
      readonly room?: string;
    }
  | { readonly ok: false; readonly error: OutcomeError };

/** Why a command changed nothing. */
export type OutcomeError =
  | 'name-invalid'
  | 'name-taken'
  | 'not-logged-in'
  | 'password-changed'
  | 'room-invalid'
  | 'room-denied'
  | 'user-unknown'
  | 'text-empty'
  | 'text-too-long'
  | 'message-unknown'
  | 'message-not-yours'
  | 'full'
  | 'malformed';

/** Hexadecimal of a key of bytes, as clients see ids. */
export function hex(key: string): string {
  let text = '';
  for (let at = 0; at < key.length; at++) text += key.charCodeAt(at).toString(16).padStart(2, '0');
  return text;
}
