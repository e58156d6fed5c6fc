import type { Socket } from 'node:net';
import type { Clock, Logger } from '@grp/core';
import fastify, { type FastifyInstance } from 'fastify';
import type { NodeConfig } from '../config.ts';
import { httpError } from '../errors.ts';
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
    requestTimeout: config.requestTimeoutMs,
    forceCloseConnections: true,
    return503OnClosing: false,
    exposeHeadRoutes: true,
    // A body means what it says: nothing is converted, nothing unknown is dropped in silence.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: true, allErrors: false } },
    frameworkErrors: frameworkFailure,
    clientErrorHandler: refuseUnreadable,
  } as const;
  if (tls === undefined) return fastify(common);
  const https = {
    cert: tls.cert,
    key: tls.key,
    minVersion: 'TLSv1.2' as const,
    ...(tls.ca === undefined ? {} : { ca: tls.ca, requestCert: true, rejectUnauthorized: true }),
  };
  return fastify({ ...common, https });
}

/** Bytes that are not HTTP get one answer in our form, and the connection ends. */
function refuseUnreadable(cause: Error, socket: Socket): void {
  if (!socket.writable) return;
  const body = JSON.stringify(
    errorDocument(httpError('NODE_REQUEST_INVALID', { context: { problem: cause.message } })),
  );
  const head = `HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8`;
  socket.end(`${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}
