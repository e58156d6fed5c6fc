import type { FastifyInstance } from 'fastify';
import type { GroupFacts } from './gms-documents.ts';
import { multicastMany } from '../gms/multicast-many.ts';
import { asDocument, payloadBytes } from './documents.ts';
import type { EventHub } from './event-hub.ts';
import { streamEvents } from './event-routes.ts';
import { viewDocument, workerDocument } from './gms-documents.ts';
import { killBody, multicastBody, multicastBodyBytesMax, tailQuery } from './gms-schemas.ts';
import { goneSignal } from './gone-signal.ts';

export interface GmsRouteOptions {
  readonly facts: GroupFacts;
  /** The deliveries, as lines for `tail`. */
  readonly tail: EventHub;
  readonly tailClientsMax: number;
  readonly multicastTimeoutMs: number;
  /** Ends this process as a crash would, now or in the middle of the `afterSends`-th send from now. */
  readonly crash: (afterSends: number) => void;
}

/** `/v1/gms/…`. The deliveries come as lines over `tail`, and among other events over `/v1/events`. */
export function gmsRoutes(app: FastifyInstance, options: GmsRouteOptions): void {
  const { facts, tail, tailClientsMax: max, multicastTimeoutMs, crash } = options;
  app.get('/v1/gms/view', async () => viewDocument(facts));
  app.get('/v1/gms/workers', async () => workerDocument(facts));
  app.get('/v1/gms/tail', { schema: tailQuery, exposeHeadRoute: false }, async (_request, reply) => {
    streamEvents(reply, { subscribe: (sink) => tail.subscribe(sink, undefined), max, format: tail.format });
  });

  interface MulticastBody {
    readonly payload?: string;
    readonly payloadBase64?: string;
    readonly count?: number;
    readonly timeoutMs?: number;
  }
  app.post<{ Body: MulticastBody }>(
    '/v1/gms/mcast',
    { schema: multicastBody, bodyLimit: multicastBodyBytesMax },
    async ({ body }, reply) => {
      const { count = 1, timeoutMs = multicastTimeoutMs } = body;
      const signal = goneSignal(reply);
      const { first, last } = await multicastMany(facts.group, {
        payload: payloadBytes(body),
        count,
        timeoutMs,
        signal,
      });
      return asDocument('gms.mcast', { sender: facts.group.self.id, count, ...last, first });
    },
  );

  interface KillBody {
    readonly afterSends?: number;
  }
  app.post<{ Body: KillBody }>('/v1/gms/kill', { schema: killBody }, async ({ body }, reply) => {
    const { afterSends = 0 } = body;
    // After the answer is out: a crash says nothing.
    reply.raw.once('finish', () => crash(afterSends));
    return reply.code(202).send(asDocument('gms.kill', { self: facts.group.self.id, afterSends }));
  });
}
