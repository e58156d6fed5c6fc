import type { Socket } from 'node:net';
import type { Clock, Logger } from '@grp/core';
import fastify, { type FastifyInstance } from 'fastify';
import type { NodeConfig } from '../config.ts';
import { errorCode, httpError } from '../errors.ts';
import type { TlsFiles } from '../options.ts';
import { settlesWithin } from '../waiting.ts';
import { errorDocument, frameworkFailure, handleFailures } from './failures.ts';
import { guard } from './security.ts';

export interface ServerOptions {
  readonly host: string;
  readonly token: string | undefined;
  readonly tls: TlsFiles | undefined;
  readonly config: NodeConfig;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The HTTP server of a node, without routes yet. */
export interface HttpServer {
  readonly app: FastifyInstance;
  /** Lets answers under way go out for at most `graceMs`, then cuts what is left. Idempotent. */
  close(graceMs: number): Promise<void>;
}

/** Makes the server: strict JSON bodies, one shape of errors, limits on everything, and the guard before every route. */
export function createServer(options: ServerOptions): HttpServer {
  const { config, clock, logger } = options;
  const app = build(options);
  app.removeContentTypeParser('text/plain');
  guard(app, options);
  handleFailures(app, { logger, bodyBytesMax: config.bodyBytesMax });

  let openCount = 0;
  let onIdle = (): void => {};
  app.addHook('onRequest', async (_request, reply) => {
    openCount++;
    reply.raw.once('close', () => {
      openCount--;
      if (openCount === 0) onIdle();
    });
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions } = request;
    logger.log('debug', 'node.http', { method, route: routeOptions.url ?? '', status: reply.statusCode });
  });
  app.server.maxConnections = config.connectionsMax;
  app.server.headersTimeout = config.requestTimeoutMs;
  timeBodies(app, config.requestTimeoutMs);

  let closing: Promise<void> | undefined;
  return {
    app,
    close(graceMs) {
      closing ??= (async () => {
        const idle = new Promise<void>((resolve) => (onIdle = resolve));
        if (openCount > 0) await settlesWithin(clock, idle, { ms: graceMs });
        await app.close();
      })();
      return closing;
    },
  };
}

function build({ tls, config }: ServerOptions): FastifyInstance {
  const common = {
    bodyLimit: config.bodyBytesMax,
    // Files take as long as they take, so bodies are timed by `timeBodies`, and heads alone by the server.
    requestTimeout: 0,
    forceCloseConnections: true,
    return503OnClosing: false,
    exposeHeadRoutes: true,
    // A body means what it says: nothing is converted, nothing unknown is dropped in silence.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: true, allErrors: false } },
    frameworkErrors: frameworkFailure,
    clientErrorHandler: refuseUnreadable,
  } as const;
  // Node looks for late requests only so often, by default every 30 s.
  const connectionsCheckingInterval = Math.min(5_000, Math.ceil(config.requestTimeoutMs / 2));
  if (tls === undefined) return fastify({ ...common, http: { connectionsCheckingInterval } });
  const https = {
    connectionsCheckingInterval,
    cert: tls.cert,
    key: tls.key,
    minVersion: 'TLSv1.2' as const,
    ...(tls.ca === undefined ? {} : { ca: tls.ca, requestCert: true, rejectUnauthorized: true }),
  };
  return fastify({ ...common, https });
}

/** A client that sends a body slower than this is cut off, but for routes that say `config: { streams: true }`. */
function timeBodies(app: FastifyInstance, timeoutMs: number): void {
  app.addHook('onRequest', async ({ raw, routeOptions }) => {
    const { streams } = routeOptions.config as { readonly streams?: boolean };
    const hasBody = raw.headers['transfer-encoding'] !== undefined || Number(raw.headers['content-length'] ?? 0) > 0;
    if (streams === true || !hasBody) return;
    const late = setTimeout(() => {
      const cause = Object.assign(new Error('it came too slowly'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
      refuseUnreadable(cause, raw.socket);
    }, timeoutMs);
    for (const event of ['end', 'close']) raw.once(event, () => clearTimeout(late));
  });
}

const refusals: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

/** Bytes that are not HTTP, or come too slowly, get one answer in our form, and the connection ends. */
function refuseUnreadable(cause: Error, socket: Socket): void {
  if (!socket.writable) return;
  const body = JSON.stringify(
    errorDocument(httpError('NODE_REQUEST_INVALID', { context: { problem: cause.message } })),
  );
  const status = refusals[errorCode(cause) ?? ''] ?? '400 Bad Request';
  const head = `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8`;
  socket.end(`${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}
