import type { Address, Cancel, Keyring, Transport } from '@grp/core';
import type { RefusingTransport } from './links.ts';

/** Nonce and tag of AES-GCM. */
const overheadBytes = 28;
// Binds a seal to this use of the key: what another protocol sealed with it opens nothing here.
const purpose = new TextEncoder().encode('grp datagram 1');

/** Which datagrams are sealed, and with what keys. */
export interface SealOptions {
  readonly transport: Transport | RefusingTransport;
  readonly keyring: Keyring;
  /** Hears of each datagram that no key opens. */
  readonly onUnopened?: (from: Address) => void;
}

/**
 * Seals all that goes through a transport, and drops what no key of the ring opens, plaintext included. Replays pass the
 * seal, and the links above reject them: a packet number counts once per session.
 */
export function sealTransport(options: SealOptions): RefusingTransport {
  return new SealedTransport(options);
}

class SealedTransport implements RefusingTransport {
  readonly self: Address;
  readonly maxPayloadBytes: number;
  readonly delivery = 'best-effort';
  readonly #options: SealOptions;

  constructor(options: SealOptions) {
    this.#options = options;
    this.self = options.transport.self;
    this.maxPayloadBytes = options.transport.maxPayloadBytes - overheadBytes;
  }

  send(to: Address, payload: Uint8Array): void {
    const { transport, keyring } = this.#options;
    if (payload.length <= this.maxPayloadBytes) transport.send(to, keyring.seal(payload, purpose));
  }

  onReceive(listener: (from: Address, payload: Uint8Array) => void): Cancel {
    const { transport, keyring, onUnopened } = this.#options;
    return transport.onReceive((from, sealed) => {
      const payload = keyring.open(sealed, purpose);
      if (payload === undefined) onUnopened?.(from);
      else listener(from, payload);
    });
  }

  /** What the transport below knows of closed ports. */
  onRefused(listener: (peer: Address) => void): Cancel {
    const { transport } = this.#options;
    return 'onRefused' in transport ? transport.onRefused(listener) : () => {};
  }

  close(): Promise<void> {
    return this.#options.transport.close();
  }
}
