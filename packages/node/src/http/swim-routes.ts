import type { QueryOptions, Swim, Tags } from '@grp/swim';
import type { FastifyInstance } from 'fastify';
import type { NodeConfig } from '../config.ts';
import { httpError } from '../errors.ts';
import { parseKey } from '../secrets.ts';
import { isSeed } from '../seed.ts';
import { asDocument, payloadBytes, payloadFields } from './documents.ts';
import { goneSignal } from './gone-signal.ts';
import { bandwidthDocument, membersDocument, rttDocument } from './swim-documents.ts';
import { emptyBody, eventBody, joinBody, keysBody, queryBody, tagsBody } from './swim-schemas.ts';

export interface SwimRouteOptions {
  readonly swim: Swim;
  readonly config: Pick<NodeConfig, 'joinTimeoutMs'>;
  readonly onJoined: () => void;
}

/** `/v1/swim/…`, all but `leave`, which ends the node and so is the node's. */
export function swimRoutes(app: FastifyInstance, { swim, config, onJoined }: SwimRouteOptions): void {
  app.get('/v1/swim/members', async () => membersDocument(swim));
  app.get('/v1/swim/bandwidth', async () => bandwidthDocument(swim));
  app.get('/v1/swim/rtt', async () => rttDocument(swim));
  app.get('/v1/swim/health', async () => asDocument('swim.health', swim.health()));
  app.post('/v1/swim/reset', { schema: emptyBody }, async () => {
    swim.resetBandwidth();
    return bandwidthDocument(swim);
  });

  interface JoinBody {
    readonly seeds: readonly string[];
    readonly timeoutMs?: number;
  }
  app.post<{ Body: JoinBody }>('/v1/swim/join', { schema: joinBody }, async ({ body }, reply) => {
    const { seeds, timeoutMs = config.joinTimeoutMs } = body;
    const wrong = seeds.find((seed) => !isSeed(seed));
    if (wrong !== undefined) throw httpError('NODE_SEED_INVALID', { context: { seed: JSON.stringify(wrong) } });
    const result = await swim.join(seeds, { timeoutMs, signal: goneSignal(reply) });
    onJoined();
    return asDocument('swim.join', result);
  });
  tagRoutes(app, swim);
  keyRoutes(app, swim);
  messageRoutes(app, swim);
}

function tagRoutes(app: FastifyInstance, swim: Swim): void {
  const tagsDocument = () => asDocument('swim.tags', { tags: swim.self.tags });
  app.get('/v1/swim/tags', async () => tagsDocument());

  interface TagsBody {
    readonly set?: Tags;
    readonly delete?: readonly string[];
  }
  app.post<{ Body: TagsBody }>('/v1/swim/tags', { schema: tagsBody }, async ({ body }) => {
    const dropped = new Set(body.delete);
    const kept = Object.entries(swim.self.tags).filter(([name]) => !dropped.has(name));
    swim.setTags({ ...Object.fromEntries(kept), ...body.set });
    return tagsDocument();
  });
}

function keyRoutes(app: FastifyInstance, swim: Swim): void {
  app.get('/v1/swim/keys', async () => asDocument('swim.keys', await swim.keys.list()));

  interface KeysBody {
    readonly action: 'install' | 'use' | 'remove';
    readonly key: string;
  }
  app.post<{ Body: KeysBody }>('/v1/swim/keys', { schema: keysBody }, async ({ body }) => {
    const key = parseKey(body.key);
    if (key === undefined) {
      throw httpError('NODE_BODY_INVALID', { context: { problem: 'key must be base64 or hex of 16, 24 or 32 bytes' } });
    }
    return asDocument('swim.keys', await swim.keys[body.action](key));
  });
}

function messageRoutes(app: FastifyInstance, swim: Swim): void {
  interface EventBody {
    readonly name: string;
    readonly payload?: string;
    readonly payloadBase64?: string;
    readonly coalesce?: boolean;
  }
  app.post<{ Body: EventBody }>('/v1/swim/event', { schema: eventBody }, async ({ body }, reply) => {
    swim.sendEvent(body.name, payloadBytes(body), { coalesce: body.coalesce ?? false });
    return reply.code(202).send(asDocument('swim.event', { name: body.name }));
  });

  interface QueryBody extends EventBody {
    readonly names?: readonly string[];
    readonly tags?: Readonly<Record<string, string>>;
    readonly timeoutMs?: number;
  }
  app.post<{ Body: QueryBody }>('/v1/swim/query', { schema: queryBody }, async ({ body }, reply) => {
    const { name, names, tags, timeoutMs } = body;
    const options: QueryOptions = {
      payload: payloadBytes(body),
      acknowledge: true,
      signal: goneSignal(reply),
      ...(names === undefined ? {} : { names }),
      ...(tags === undefined ? {} : { tags }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    };
    const { acknowledgements, responses } = await swim.query(name, options);
    return asDocument('swim.query', {
      acknowledgements,
      responses: responses.map(({ from, payload }) => ({ from, ...payloadFields(payload) })),
    });
  });
}
