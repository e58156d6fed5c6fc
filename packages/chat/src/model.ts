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
  text: string;
  readonly atMs: number;
  deleted: boolean;
}

export interface Room {
  /** `general`, or `@3:17` for the conversation of the accounts with these indices. */
  readonly name: string;
  readonly createdAtMs: number;
  /** By sequence − 1, without gaps. */
  readonly messages: StoredMessage[];
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

/** Hexadecimal of bytes: ids and hashes are keys of maps. */
export function hex(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at++) text += hexOf[bytes[at] as number] as string;
  return text;
}

const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function unhex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(index * 2, index * 2 + 2), 16),
  );
}
