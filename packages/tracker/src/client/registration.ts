import { sanitizeText, type Address, type NodeId } from '@grp/core';
import { helloDomain, welcomeDomain } from '../domains.ts';
import { fromBase64, sameBytes, statement, toBase64 } from '../encoding.ts';
import type { Signer, TrackerCrypto } from '../ports.ts';
import { textLimits, type Command } from '../wire/messages.ts';
import type { TrackerSession } from './api.ts';

/** What a resume needs. */
interface Credentials {
  readonly id: NodeId;
  readonly token: string;
}

/** What hello and resume come to. */
interface WelcomeResult {
  readonly session: NodeId;
  readonly nick: string;
  readonly observed: Address;
  readonly wallMs: number;
  readonly proof: string;
  readonly token?: string;
  readonly n?: number;
  readonly nickToken?: string;
}

/** One connection's challenge. */
interface Challenge {
  readonly trackerKey: Uint8Array;
  readonly nonce: Uint8Array;
}

export interface RegistrationOptions {
  readonly nick: string;
  /** Where datagrams of this member come from. */
  readonly address: Address;
  readonly signer: Signer;
  readonly crypto: TrackerCrypto;
  readonly nickToken?: string | undefined;
  readonly reserve?: boolean | undefined;
  /** Refuses a tracker with another key. */
  readonly trackerKey?: Uint8Array | undefined;
}

/** Who we are to the tracker, over all connections. */
export class Registration {
  readonly #options: RegistrationOptions;
  #challenge: Challenge = { trackerKey: new Uint8Array(0), nonce: new Uint8Array(0) };
  #credentials: Credentials | undefined;
  #session: TrackerSession | undefined;
  #motd = '';
  /** Somebody has taken our nick with our key: it is not taken back as long as that one is there. */
  isYielding = false;

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  /** Undefined before the first welcome. */
  get session(): TrackerSession | undefined {
    return this.#session;
  }

  /** Takes a connection's challenge; false: this is not the tracker that was asked for. */
  greet({ nonce, key, motd }: { readonly nonce: string; readonly key: string; readonly motd: string }): boolean {
    const trackerKey = fromBase64(key) ?? new Uint8Array(0);
    const { trackerKey: wanted } = this.#options;
    if (wanted !== undefined && !sameBytes(wanted, trackerKey)) return false;
    this.#challenge = { trackerKey, nonce: fromBase64(nonce) ?? new Uint8Array(0) };
    this.setMotd(motd);
    return true;
  }

  /** Hello, or a resume when there is a session to resume. */
  command(seen: number): Command {
    if (this.#credentials === undefined) {
      const hello = helloCommand(this.#options, this.#challenge);
      return this.isYielding ? ({ ...hello, yields: true } as Command) : hello;
    }
    return resumeCommand(this.#options.signer, this.#challenge, { ...this.#credentials, seen });
  }

  /** The session; undefined when whoever answered does not hold the key in the greeting. */
  welcome(result: Readonly<Record<string, unknown>>): (WelcomeResult & { readonly now: TrackerSession }) | undefined {
    const welcome = result as unknown as WelcomeResult;
    if (!isGenuine(welcome, this.#challenge, this.#options)) return undefined;
    const { session: id, nick, observed, token, nickToken } = welcome;
    if (token !== undefined) this.#credentials = { id, token };
    this.isYielding = false;
    const { trackerKey } = this.#challenge;
    this.#session = {
      ...{ id, nick: sanitizeText(nick, { lengthMax: 64 }), observed, trackerKey, motd: this.#motd },
      nickToken: nickToken ?? this.#session?.nickToken,
    };
    return { ...welcome, now: this.#session };
  }

  yieldNick(): void {
    this.forget();
    this.isYielding = true;
  }

  /** The tracker does not know the session any more. */
  forget(): void {
    this.#credentials = undefined;
  }

  /** Gives it as it may be shown. */
  setMotd(text: string): string {
    this.#motd = sanitizeText(text, { lengthMax: textLimits.motd, lines: true });
    return this.#motd;
  }
}

function helloCommand(options: RegistrationOptions, { trackerKey, nonce }: Challenge): Command {
  const { nick, address, signer, nickToken, reserve } = options;
  const proof = signer.sign(statement(helloDomain, [trackerKey, nonce, nick, address]));
  return {
    ...{ do: 'hello', nick, address, key: toBase64(signer.publicKey), proof: toBase64(proof) },
    ...(nickToken !== undefined && { nickToken }),
    ...(reserve === true && { reserve }),
  };
}

function resumeCommand(
  signer: Signer,
  { trackerKey, nonce }: Challenge,
  { id, token, seen }: Credentials & { readonly seen: number },
): Command {
  const proof = signer.sign(statement(helloDomain, [trackerKey, nonce, id]));
  return { do: 'resume', session: id, token, proof: toBase64(proof), seen };
}

/** Did the holder of the key in the greeting say this, to us and just now? */
function isGenuine(
  { session, proof }: WelcomeResult,
  { trackerKey, nonce }: Challenge,
  { signer, crypto }: { readonly signer: Signer; readonly crypto: TrackerCrypto },
): boolean {
  const signature = fromBase64(proof) ?? new Uint8Array(0);
  return crypto.verify(trackerKey, statement(welcomeDomain, [nonce, signer.publicKey, session]), signature);
}
