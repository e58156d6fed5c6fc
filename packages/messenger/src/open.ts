import { isIP } from 'node:net';
import {
  Keyring,
  parseAddress,
  systemClock,
  systemRandom,
  tryParseAddress,
  type Address,
  type Streams,
} from '@grp/core';
import { sealTransport } from '@grp/link';
import { nodeCrypto, tlsStreams, type TlsClientOptions } from '@grp/tracker/node';
import { nodeAead, openNetwork, resolveSeeds } from '@grp/transport-udp';
import type { Messenger } from './api.ts';
import { messengerError } from './errors.ts';
import { createMessenger, type MessengerOptions } from './messenger.ts';

type Given = Omit<MessengerOptions, 'transport' | 'streams' | 'tracker' | 'address' | 'crypto' | 'signer' | 'defer'>;

/** How a messenger with sockets of its own is opened. */
export interface OpenMessengerOptions extends Given {
  /** `host:port`; without a port 7949, the tracker's when its node has the default base port. */
  readonly tracker: string;
  /** `host:port` of the UDP socket (default: a free port, on loopback when the tracker is there, else everywhere). */
  readonly bind?: string | undefined;
  /** Where others find it, when that is not what is bound. */
  readonly advertise?: string | undefined;
  /** 32 secret bytes: the same key is the same person. Default: a new one. */
  readonly seed?: Uint8Array | undefined;
  /** TLS to the tracker; without it the connection is plain. */
  readonly tls?: TlsClientOptions | undefined;
  /** Seals what members send each other; all members need the same. The first is used, all are understood. */
  readonly keys?: readonly Uint8Array[] | undefined;
}

/** A messenger on sockets of its own. */
export interface OpenedMessenger {
  readonly messenger: Messenger;
  readonly address: Address;
  /** Stops the messenger and closes its sockets. Idempotent. */
  close(options?: Parameters<Messenger['stop']>[0]): Promise<void>;
}

const trackerPort = 7_949;

/**
 * A messenger on this host's network.
 * @throws GrpError MESSENGER_TRACKER_UNKNOWN, CONFIG_INVALID, TRACKER_NICK_INVALID, NETWORK_*, KEY_*
 * @example
 * const { messenger, close } = await openMessenger({ tracker: 'localhost:7949', nick: 'ann' });
 */
export async function openMessenger(options: OpenMessengerOptions): Promise<OpenedMessenger> {
  const { tracker: wanted, bind, advertise, seed, tls, keys, ...given } = options;
  const { clock = systemClock(), random = systemRandom(), logger } = given;
  const tracker = await resolveTracker(wanted);
  const isLocal = isLoopback(parseAddress(tracker).host);
  const network = await openNetwork({
    bind: bind ?? (isLocal ? '127.0.0.1:0' : isIP(parseAddress(tracker).host) === 6 ? '[::]:0' : '0.0.0.0:0'),
    connect: true,
    ...{ advertise, clock, logger },
  });
  try {
    const crypto = nodeCrypto();
    const keyring = keys && new Keyring({ aead: nodeAead(), random: random.fork('nonces'), keys });
    const streams: Streams =
      tls === undefined ? network.streams : tlsStreams({ streams: network.streams, client: tls });
    const messenger = createMessenger({
      ...given,
      ...{ tracker, streams, address: network.self, crypto, clock, random },
      transport: keyring === undefined ? network.transport : sealTransport({ transport: network.transport, keyring }),
      ...(seed && { signer: crypto.signer(seed) }),
      defer: (callback) => void setImmediate(callback),
    });
    return {
      messenger,
      address: network.self,
      async close(how) {
        await messenger.stop(how);
        await network.close();
      },
    };
  } catch (cause) {
    await network.close();
    throw cause;
  }
}

async function resolveTracker(text: string): Promise<Address> {
  const exact = tryParseAddress(text);
  if (exact !== undefined && isIP(exact.host) !== 0) return text as Address;
  const { addresses, failures } = await resolveSeeds([text], { defaultPort: trackerPort });
  // Most trackers listen on IPv4 when a name has both.
  const address = addresses.find((one) => isIP(parseAddress(one).host) === 4) ?? addresses[0];
  if (address !== undefined) return address;
  const problem = failures[0]?.message ?? 'it has no address';
  throw messengerError('MESSENGER_TRACKER_UNKNOWN', { context: { tracker: text, problem } });
}

function isLoopback(host: string): boolean {
  return host.startsWith('127.') || host === '::1';
}
