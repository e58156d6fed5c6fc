import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { httpError } from '../errors.ts';
import { serverSentEvents, type EventSink, type StreamFormat } from './event-client.ts';
import type { EventHub, Subscription } from './event-hub.ts';

const knownKinds: readonly string[] = [
  ...['node', 'stopping', 'dropped'],
  ...[
    'swim',
    'join',
    'alive',
    'suspect',
    'down',
    'leave',
    'update',
    'forget',
    'user-event',
    'query',
    'conflict',
    'fault',
  ],
  ...['gms', 'message', 'view', 'blocked', 'unblocked', 'excluded'],
];

const schema = {
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: { kinds: { type: 'string', maxLength: 512 } },
  },
};

/** `/v1/events`: server-sent events, all of them or the nouns and types in `kinds`. */
export function eventRoutes(app: FastifyInstance, hub: EventHub, eventClientsMax: number): void {
  interface Query {
    readonly kinds?: string;
  }
  app.get<{ Querystring: Query }>('/v1/events', { schema, exposeHeadRoute: false }, async (request, reply) => {
    const kinds = parseKinds(request.query.kinds);
    streamEvents(reply, { subscribe: (sink) => hub.subscribe(sink, kinds), max: eventClientsMax });
  });
}

export interface EventStreamOptions {
  /** Undefined: there are `max` readers already. */
  readonly subscribe: (sink: EventSink) => Subscription | undefined;
  readonly max: number;
  /** Default: server-sent events. */
  readonly format?: StreamFormat;
}

/** Answers with a stream of events. @throws GrpError NODE_EVENTS_FULL */
export function streamEvents(reply: FastifyReply, { subscribe, max, format }: EventStreamOptions): void {
  const { raw } = reply;
  const subscription = subscribe({
    write: (text) => raw.write(text),
    end: () => raw.end(),
    destroy: () => raw.destroy(),
  });
  if (subscription === undefined) throw httpError('NODE_EVENTS_FULL', { context: { max } });
  reply.hijack(); // the stream is ours from here on
  raw.on('drain', () => subscription.drained());
  raw.on('close', () => subscription.cancel());
  raw.on('error', () => subscription.cancel());
  open(raw, format ?? serverSentEvents);
}

function open(raw: ServerResponse, { contentType, opening }: StreamFormat): void {
  raw.writeHead(200, {
    'content-type': contentType,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-accel-buffering': 'no', // nginx would hold events back
  });
  if (opening === '') raw.flushHeaders(); // so that the reader knows that nothing from now on is missed
  else raw.write(opening);
}

function parseKinds(text: string | undefined): ReadonlySet<string> | undefined {
  if (text === undefined || text === '') return undefined;
  const kinds = text.split(',').map((kind) => kind.trim());
  const unknown = kinds.find((kind) => !knownKinds.includes(kind));
  if (unknown !== undefined) {
    const problem = `${JSON.stringify(unknown.slice(0, 40))} is no kind of event`;
    throw httpError('NODE_REQUEST_INVALID', { context: { problem }, hint: `Kinds: ${knownKinds.join(', ')}.` });
  }
  return new Set(kinds);
}
