import type { FastifyInstance, FastifyReply } from 'fastify';
import { httpError } from '../errors.ts';
import type { PageFile, PageFiles } from './page-files.ts';

/** What the page may do: run its own scripts, ask its own node, and nothing else; nobody may frame it. */
export const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const headers = {
  'content-security-policy': pagePolicy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

/** `/` and `/assets/…`: the console. The files hold no data, so they need no token; what they ask the API for does. */
export function pageRoutes(app: FastifyInstance, files: PageFiles): void {
  app.get('/', async (_request, reply) => {
    const page = await files.find('index.html');
    if (page === undefined) throw httpError('NODE_CONSOLE_NONE');
    return send(reply, page);
  });
  app.get<{ Params: { readonly '*': string } }>('/assets/*', async (request, reply) => {
    const { '*': name } = request.params;
    const file = await files.find(`assets/${name}`);
    if (file === undefined)
      throw httpError('NODE_ROUTE_UNKNOWN', { context: { method: 'GET', path: `/assets/${name.slice(0, 100)}` } });
    return send(reply, file);
  });
}

function send(reply: FastifyReply, { type, bytes, isNamedByContent }: PageFile): FastifyReply {
  reply.headers(headers);
  if (isNamedByContent) reply.header('cache-control', 'private, max-age=31536000, immutable');
  return reply.type(type).send(bytes);
}
