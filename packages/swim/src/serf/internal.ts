import type { Keyring } from '@grp/core';
import { encodeSerf } from '@grp/memberlist-wire';
import type { SerfContext } from './context.ts';
import { changeKeyring, listKeys } from './keys.ts';

export interface InternalOptions {
  readonly context: SerfContext;
  readonly keyring: Keyring | undefined;
  /** Is the payload short enough for one response of this node? */
  readonly fits: (payload: Uint8Array) => boolean;
}

/** The queries that agents ask of each other and no application sees (`_serf_…`). */
export class InternalQueries {
  readonly #context: SerfContext;
  readonly #keyring: Keyring | undefined;
  readonly #fits: (payload: Uint8Array) => boolean;

  constructor({ context, keyring, fits }: InternalOptions) {
    this.#context = context;
    this.#keyring = keyring;
    this.#fits = fits;
  }

  /** The payload of the answer; undefined when there is none. `name` comes without its prefix. */
  answer(name: string, payload: Uint8Array): Uint8Array | undefined {
    switch (name) {
      case 'ping':
        return undefined; // its acknowledgement is the answer
      case 'conflict':
        return this.#whoIs(new TextDecoder().decode(payload));
      case 'install-key':
        return changeKeyring(this.#keyring, 'install', payload);
      case 'use-key':
        return changeKeyring(this.#keyring, 'use', payload);
      case 'remove-key':
        return changeKeyring(this.#keyring, 'remove', payload);
      case 'list-keys':
        return listKeys(this.#keyring, this.#fits);
      default:
        this.#context.output({ type: 'dropped', reason: 'internal-query' });
        return undefined;
    }
  }

  /** Two nodes claim one name: where does this node see it? A claimant itself has no vote. */
  #whoIs(name: string): Uint8Array | undefined {
    const member = name === this.#context.name ? undefined : this.#context.member(name);
    if (member === undefined) return undefined;
    const { address, tags, versions } = member;
    return encodeSerf({ type: 'conflict', member: { name, address, tags, versions, status: statuses[member.status] } });
  }
}

/** Suspicion is memberlist's business: to Serf a suspect is alive. */
const statuses = { alive: 'alive', suspect: 'alive', down: 'failed', left: 'left' } as const;
