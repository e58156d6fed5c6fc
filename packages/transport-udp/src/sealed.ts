import type { Address, Cancel, Keyring, Transport } from '@grp/core';

export interface SealOptions {
  readonly transport: Transport;
  readonly keyring: Keyring;
  /** Bytes that both sides must have in common, such as the name of the protocol; they do not travel. */
  readonly context: string;
  /** Hears of each datagram that no key opens. */
  readonly onRefused?: () => void;
}

const version = 1;
/** Version byte, 12-byte nonce, 16-byte tag. */
const overheadBytes = 29;

/**
 * Seals every datagram of a transport with AES-GCM under the keyring's primary key, and drops what no key of it opens.
 * A datagram that was recorded opens again: whoever runs over this must refuse repetitions itself, as links do.
 */
export function sealTransport(options: SealOptions): Transport {
  const { transport, keyring, onRefused } = options;
  const context = new TextEncoder().encode(options.context);
  return {
    self: transport.self,
    maxPayloadBytes: transport.maxPayloadBytes - overheadBytes,
    delivery: transport.delivery,
    send(to: Address, payload: Uint8Array) {
      const sealed = keyring.seal(payload, context);
      const datagram = new Uint8Array(1 + sealed.length);
      datagram[0] = version;
      datagram.set(sealed, 1);
      transport.send(to, datagram);
    },
    onReceive(listener): Cancel {
      return transport.onReceive((from, datagram) => {
        const opened = datagram[0] === version ? keyring.open(datagram.subarray(1), context) : undefined;
        if (opened === undefined) onRefused?.();
        else listener(from, opened);
      });
    },
    close: () => transport.close(),
  };
}
