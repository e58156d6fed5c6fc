import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { networkError, systemCode } from './errors.ts';
import type { Endpoint, Family } from './endpoints.ts';

/** A datagram socket and a stream server on the same number. */
export interface BoundPair {
  readonly udp: Socket;
  readonly tcp: Server;
  readonly port: number;
}

/** Opens the two sockets; replaced in tests. */
export interface Binders {
  readonly udp: (endpoint: Endpoint) => Promise<Socket>;
  readonly tcp: (endpoint: Endpoint) => Promise<Server>;
}

// With port 0 the system picks for UDP alone, and the number may be taken for TCP: one chance in several even on a
// host with many connections, so 32 attempts fail about never.
const attemptsMax = 32;

/**
 * Binds UDP and TCP to one port; port 0 means any that is free for both.
 * @throws GrpError NETWORK_PORT_IN_USE, NETWORK_PERMISSION, NETWORK_ADDRESS_UNAVAILABLE, NETWORK_FAMILY_UNSUPPORTED,
 * NETWORK_BIND_FAILED
 */
export async function bindPair(wanted: Endpoint, binders: Binders = ownPort): Promise<BoundPair> {
  for (let attempt = 1; ; attempt++) {
    const udp = await binders.udp(wanted).catch((cause: unknown) => {
      throw bindError('UDP', wanted, cause);
    });
    const { port } = udp.address();
    try {
      return { udp, tcp: await binders.tcp({ ...wanted, port }), port };
    } catch (cause) {
      const closed = once(udp, 'close');
      udp.close();
      await closed;
      const another = wanted.port === 0 && systemCode(cause) === 'EADDRINUSE' && attempt < attemptsMax;
      if (!another) throw bindError('TCP', { ...wanted, port }, cause);
    }
  }
}

const ownPort: Binders = { udp: bindUdp, tcp: listenTcp };

/**
 * As usual, but sockets of this host may be bound to the same UDP port later: the connected ones, each for one peer.
 * Whether the port is free is found out first, because a shared bind takes a port that is in use without a word.
 */
export const sharedPort: Binders = {
  tcp: listenTcp,
  async udp(endpoint) {
    const claim = await bindUdp(endpoint);
    const { port } = claim.address();
    const closed = once(claim, 'close');
    claim.close();
    await closed;
    return bindUdp({ ...endpoint, port }, { isShared: true });
  },
};

async function bindUdp(
  { host, port, family }: Endpoint,
  { isShared = false }: { readonly isShared?: boolean } = {},
): Promise<Socket> {
  const socket = makeUdp(family, { isShared });
  try {
    const listening = once(socket, 'listening');
    socket.bind({ port, address: host, exclusive: true });
    await listening;
    return socket;
  } catch (cause) {
    socket.close();
    throw cause;
  }
}

/** A socket that is not bound yet and asks no resolver. */
export function makeUdp(family: Family, { isShared }: { readonly isShared: boolean }): Socket {
  return createSocket({
    type: family === 4 ? 'udp4' : 'udp6',
    ipv6Only: family === 6,
    reuseAddr: isShared,
    lookup: sameAddress(family),
  });
}

async function listenTcp({ host, port, family }: Endpoint): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  const listening = once(server, 'listening');
  server.listen({ port, host, exclusive: true, ipv6Only: family === 6 });
  await listening;
  return server;
}

type Lookup = (
  host: string,
  options: unknown,
  callback: (error: null, address: string, family: number) => void,
) => void;

/**
 * Node asks the resolver for every datagram, even for an IP address, and then sends a tick later. Every host that
 * reaches the socket is an IP address already, so the answer is the question.
 */
function sameAddress(family: Family): Lookup {
  return (host, _options, callback) => callback(null, host, family);
}

function bindError(protocol: 'UDP' | 'TCP', { host, port, family }: Endpoint, cause: unknown): Error {
  const code = systemCode(cause);
  const details = { cause, context: { protocol, host, port, family: family === 4 ? 'IPv4' : 'IPv6', reason: code } };
  if (code === 'EADDRINUSE') return networkError('NETWORK_PORT_IN_USE', details);
  if (code === 'EACCES' || code === 'EPERM') return networkError('NETWORK_PERMISSION', details);
  if (code === 'EADDRNOTAVAIL') return networkError('NETWORK_ADDRESS_UNAVAILABLE', details);
  if (code === 'EAFNOSUPPORT') return networkError('NETWORK_FAMILY_UNSUPPORTED', details);
  return networkError('NETWORK_BIND_FAILED', details);
}
