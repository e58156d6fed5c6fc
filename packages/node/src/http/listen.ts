import type { AddressInfo } from 'node:net';
import { formatAddress, type HostPort } from '@grp/core';
import type { FastifyInstance } from 'fastify';
import { errorCode, nodeError, problemOf } from '../errors.ts';

/** Where HTTP came to listen. */
export interface Listening {
  readonly port: number;
  /** With an address that this host can reach, also when HTTP listens everywhere. */
  readonly url: string;
}

/** Starts to listen. @throws GrpError NODE_PORT_IN_USE, NODE_ADDRESS_UNUSABLE */
export async function listen(app: FastifyInstance, at: HostPort, scheme: 'http' | 'https'): Promise<Listening> {
  try {
    await app.listen({ host: at.host, port: at.port });
  } catch (cause) {
    throw listenError(cause, at);
  }
  const { port } = app.server.address() as AddressInfo;
  return { port, url: `${scheme}://${formatAddress(reachable(at.host), port)}` };
}

function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

const unusable: readonly string[] = ['EACCES', 'EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EAFNOSUPPORT'];

function listenError(cause: unknown, { host, port }: HostPort): unknown {
  const address = formatAddress(host, port);
  const code = errorCode(cause) ?? '';
  if (code === 'EADDRINUSE') return nodeError('NODE_PORT_IN_USE', { context: { address }, cause });
  if (!unusable.includes(code)) return cause;
  return nodeError('NODE_ADDRESS_UNUSABLE', { context: { address, problem: problemOf(cause) }, cause });
}
