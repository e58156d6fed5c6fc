import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { tryParseAddress } from '@grp/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { httpError } from '../errors.ts';

export interface SecurityOptions {
  /** The host HTTP listens on, as given. */
  readonly host: string;
  readonly token: string | undefined;
}

// Orchestrators probe these without credentials; they tell nothing but yes or no. The files of the console are the same
// for everybody, and a browser that opens a URL has no way to send a token.
const openPaths: ReadonlySet<string> = new Set(['/livez', '/readyz', '/', '/assets/*']);

/** True for `localhost`, 127.0.0.0/8 and ::1. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

/**
 * Guards every route, unknown ones too. A web page that the operator has open must not reach the node: pages of other
 * origins are refused by Origin and Sec-Fetch-Site, and on a loopback port also whoever got here by another name (DNS
 * rebinding). Where a token is set, everything but the probes and the files of the console needs it; where none is set,
 * a page in a browser may look, and change nothing.
 */
export function guard(app: FastifyInstance, { host, token }: SecurityOptions): void {
  const checkHost = isLoopback(host);
  const expected = token === undefined ? undefined : digest(token);
  app.addHook('onRequest', async (request, reply) => {
    const { headers } = request;
    if (checkHost && !isLocalName(headers.host)) throw httpError('NODE_HOST_REFUSED');
    if (!isSameOrigin(headers.origin, headers.host) || (isCrossSite(headers['sec-fetch-site']) && !isLink(request))) {
      throw httpError('NODE_ORIGIN_REFUSED');
    }
    if (expected === undefined && isChangeByPage(request)) throw httpError('NODE_PAGE_READ_ONLY');
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

/** Somebody followed a link to the console: the page opens by itself, and whoever linked to it sees nothing of it. */
function isLink({ method, headers, routeOptions }: FastifyRequest): boolean {
  const isTop = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  return isTop && method === 'GET' && routeOptions.url === '/';
}

function isChangeByPage({ method, headers }: FastifyRequest): boolean {
  const isPage = headers.origin !== undefined || headers['sec-fetch-site'] === 'same-origin';
  return isPage && method !== 'GET' && method !== 'HEAD';
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
