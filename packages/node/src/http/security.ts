import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { tryParseAddress } from '@grp/core';
import type { FastifyInstance } from 'fastify';
import { httpError } from '../errors.ts';

export interface SecurityOptions {
  /** The host HTTP listens on, as given. */
  readonly host: string;
  readonly token: string | undefined;
}

// Orchestrators probe these without credentials; they tell nothing but yes or no.
const openPaths: ReadonlySet<string> = new Set(['/livez', '/readyz']);

/** True for `localhost`, 127.0.0.0/8 and ::1. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

/**
 * Guards every route, unknown ones too. A web page that the operator has open must not reach the node: pages of other
 * origins are refused by Origin and Sec-Fetch-Site, and on a loopback port also whoever got here by another name (DNS
 * rebinding). Where a token is set, everything but the probes needs it.
 */
export function guard(app: FastifyInstance, { host, token }: SecurityOptions): void {
  const checkHost = isLoopback(host);
  const expected = token === undefined ? undefined : digest(token);
  app.addHook('onRequest', async (request, reply) => {
    const { headers } = request;
    if (checkHost && !isLocalName(headers.host)) throw httpError('NODE_HOST_REFUSED');
    if (!isSameOrigin(headers.origin, headers.host) || isCrossSite(headers['sec-fetch-site'])) {
      throw httpError('NODE_ORIGIN_REFUSED');
    }
    if (expected === undefined || openPaths.has(request.routeOptions.url ?? '')) return;
    const given = /^Bearer ([\u0021-\u007E]{1,512})$/i.exec(headers.authorization ?? '')?.[1];
    // Digests have one length, so that the comparison takes the same time whatever was sent.
    if (given === undefined || !timingSafeEqual(digest(given), expected)) {
      reply.header('www-authenticate', 'Bearer realm="grp"');
      throw httpError('NODE_TOKEN_REFUSED');
    }
  });
}

function isLocalName(header: string | undefined): boolean {
  const parsed = header === undefined ? undefined : tryParseAddress(header, 80);
  return parsed !== undefined && isLoopback(parsed.host);
}

function isSameOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true;
  const match = /^https?:\/\/([^/]+)$/i.exec(origin);
  return match?.[1] !== undefined && match[1].toLowerCase() === host?.toLowerCase();
}

function isCrossSite(header: string | string[] | undefined): boolean {
  return header !== undefined && header !== 'same-origin' && header !== 'none';
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
