import { GrpError, httpStatuses, type Logger } from '@grp/core';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { httpError } from '../errors.ts';

// Where HTTP has a finer word than the kind of the error.
const finerStatuses: Readonly<Record<string, number>> = {
  NODE_TOKEN_REFUSED: 401,
  NODE_METHOD_WRONG: 405,
  NODE_BODY_TOO_LARGE: 413,
  NODE_MEDIA_TYPE: 415,
  NODE_EVENTS_FULL: 429,
  NODE_RANGE_INVALID: 416,
  DFS_BUSY: 429,
  DFS_FULL: 507,
  DFS_DISK_FULL: 507,
};

/** The HTTP status of an error: by its code where HTTP has a finer word, else by its kind. */
export function httpStatusOf(error: GrpError): number {
  return finerStatuses[error.code] ?? httpStatuses[error.kind];
}

/** The document every failed request gets. */
export function errorDocument(error: GrpError): { readonly error: ReturnType<GrpError['toJSON']> } {
  return { error: error.toJSON() };
}

/** Turns everything that can go wrong into `{"error":{code,message,hint}}` with the right status. */
export function handleFailures(
  app: FastifyInstance,
  options: { readonly logger: Logger; readonly bodyBytesMax: number },
): void {
  const { logger, bodyBytesMax } = options;
  app.setErrorHandler((cause: FastifyError | GrpError, request, reply) => {
    const error = asGrpError(cause, bodyBytesMax);
    if (error.code === 'NODE_INTERNAL') {
      const { method, url } = request;
      const detail = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
      logger.log('error', 'node.http-failed', { method, url: url.slice(0, 200), detail });
    }
    return send(reply, error);
  });
  app.setNotFoundHandler((request, reply) => send(reply, notFound(app, request)));
}

/** For what fails before there is a route: a URL that cannot be decoded. */
export function frameworkFailure(cause: FastifyError, request: { readonly url?: string }, reply: unknown): void {
  if (request.url?.startsWith('/v1/dfs/files/') === true) void nameFailure(reply as FastifyReply);
  else void send(reply as FastifyReply, asGrpError(cause, 0));
}

async function nameFailure(reply: FastifyReply): Promise<void> {
  const { dfsError } = await import('@grp/dfs');
  void send(reply, dfsError('DFS_NAME_INVALID', { context: { problem: 'it is not valid UTF-8, URL-encoded' } }));
}

function send(reply: FastifyReply, error: GrpError): FastifyReply {
  return reply.code(httpStatusOf(error)).type('application/json; charset=utf-8').send(errorDocument(error));
}

function asGrpError(cause: FastifyError | GrpError, bodyBytesMax: number): GrpError {
  if (cause instanceof GrpError) return cause;
  const { code, statusCode, validation } = cause;
  if (validation !== undefined) {
    const where = cause.validationContext === 'body' ? 'NODE_BODY_INVALID' : 'NODE_REQUEST_INVALID';
    return httpError(where, { context: { problem: cause.message } });
  }
  if (statusCode === 413) return httpError('NODE_BODY_TOO_LARGE', { context: { max: bodyBytesMax } });
  if (statusCode === 415) return httpError('NODE_MEDIA_TYPE');
  if (code === 'FST_ERR_CTP_EMPTY_JSON_BODY') {
    return httpError('NODE_BODY_INVALID', {
      context: { problem: 'it is empty' },
      hint: 'Send {} when there is nothing to say.',
    });
  }
  if (code === 'FST_ERR_CTP_INVALID_JSON_BODY' || cause instanceof SyntaxError) {
    return httpError('NODE_BODY_INVALID', { context: { problem: 'it is not JSON' } });
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return httpError('NODE_REQUEST_INVALID', { context: { problem: cause.message } });
  }
  return httpError('NODE_INTERNAL', { cause });
}

/** A route that every node with the role has. */
const routeOfRole: Readonly<Record<string, string>> = {
  swim: '/v1/swim/members',
  gms: '/v1/gms/view',
  raft: '/v1/raft/status',
  dfs: '/v1/dfs/store',
  chat: '/v1/chat/rooms',
  tracker: '/v1/tracker/groups',
};

/** That a whole noun is missing has a better reason than that one of its routes is. */
function absentRole(app: FastifyInstance, path: string): GrpError | undefined {
  const role = /^\/v1\/([a-z]+)(?:\/|$)/.exec(path)?.[1] ?? '';
  const url = Object.hasOwn(routeOfRole, role) ? routeOfRole[role] : undefined;
  if (url === undefined || app.hasRoute({ method: 'GET', url })) return undefined;
  return httpError('NODE_ROLE_ABSENT', { context: { role } });
}

function notFound(app: FastifyInstance, request: FastifyRequest): GrpError {
  const { method } = request;
  const path = request.url.split('?', 1)[0]?.slice(0, 200) ?? '';
  const allowed = (['GET', 'POST'] as const).filter((other) => app.hasRoute({ method: other, url: path }));
  if (allowed.length === 0)
    return absentRole(app, path) ?? httpError('NODE_ROUTE_UNKNOWN', { context: { method, path } });
  return httpError('NODE_METHOD_WRONG', { context: { method, path, allowed: allowed.join(' and ') } });
}
