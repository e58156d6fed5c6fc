import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import type { FaultChange, FaultSet } from '../faults.ts';
import type { NodeStatus } from '../status.ts';
import { asDocument } from './documents.ts';

/** What the routes need of a node. */
export interface NodeHandle {
  status(): NodeStatus;
  /** Begins to stop; the answer goes out before HTTP closes. */
  stop(options: { readonly leave: boolean; readonly timeoutMs?: number }): void;
  readonly faults: FaultSet;
  readonly registry: Registry;
}

const probability = { type: 'number', minimum: 0, maximum: 1 } as const;
const delay = { type: 'number', minimum: 0, maximum: 60_000 } as const;
const timeoutMs = { type: 'integer', minimum: 0, maximum: 120_000 } as const;

const stopBody = {
  body: { type: 'object', additionalProperties: false, properties: { leave: { type: 'boolean' }, timeoutMs } },
};
const leaveBody = { body: { type: 'object', additionalProperties: false, properties: { timeoutMs } } };
const faultsBody = {
  body: {
    type: 'object',
    additionalProperties: false,
    properties: {
      loss: probability,
      lossIncoming: probability,
      delayMs: delay,
      delayJitterMs: delay,
      duplicate: probability,
      block: { type: 'array', maxItems: 1_024, items: { type: 'string', minLength: 1, maxLength: 300 } },
    },
  },
};

/** The probes, `/metrics`, `/v1` (what there is), `/v1/node/…`, and `/v1/swim/leave`, which ends the node. */
export function nodeRoutes(app: FastifyInstance, node: NodeHandle): void {
  listRoutes(app);
  app.get('/livez', async () => asDocument('node.livez', { status: 'live' }));
  app.get('/readyz', async (_request, reply) => {
    const { ready, state } = node.status();
    return reply.code(ready ? 200 : 503).send(asDocument('node.readyz', { status: ready ? 'ready' : state }));
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(node.registry.contentType).send(await node.registry.metrics()),
  );
  app.get('/v1/node/status', async () => asDocument('node.status', node.status()));

  interface StopBody {
    readonly leave?: boolean;
    readonly timeoutMs?: number;
  }
  app.post<{ Body: StopBody }>('/v1/node/stop', { schema: stopBody }, async ({ body }, reply) => {
    const { leave = true, ...rest } = body;
    node.stop({ leave, ...rest });
    return reply.code(202).send(asDocument('node.stopping', { state: 'stopping', leave }));
  });
  app.post<{ Body: StopBody }>('/v1/swim/leave', { schema: leaveBody }, async ({ body }, reply) => {
    node.stop({ ...body, leave: true });
    return reply.code(202).send(asDocument('swim.leave', { state: 'stopping' }));
  });

  const faultsDocument = () => asDocument('node.faults', node.faults.get());
  app.get('/v1/node/faults', async () => faultsDocument());
  app.post<{ Body: FaultChange }>('/v1/node/faults', { schema: faultsBody }, async ({ body }) => {
    node.faults.set(body);
    return faultsDocument();
  });
}

function listRoutes(app: FastifyInstance): void {
  const routes: { readonly method: string; readonly path: string }[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) if (one !== 'HEAD') routes.push({ method: one, path: url });
  });
  app.get('/v1', async () => asDocument('node.routes', { routes }));
}
