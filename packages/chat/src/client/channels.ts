import { GrpError, type ErrorKind } from '@grp/core';
import {
  credentials as grpcCredentials,
  makeClientConstructor,
  Metadata,
  status,
  type ChannelCredentials,
  type Client,
  type ClientDuplexStream,
  type ServiceError,
} from '@grpc/grpc-js';
import { Chat, type ConverseRequest, type ConverseResponse } from '../gen/grp/chat/v1/chat_pb.ts';
import { grpcService } from '../server/grpc-service.ts';
import { hintOf } from '../errors.ts';
import { trailers } from '../server/status.ts';
import type { Setback } from './failover.ts';

type Unary = (
  request: object,
  metadata: Metadata,
  options: { readonly deadline: number },
  done: (error: ServiceError | null, response: object) => void,
) => { cancel(): void };

/** One channel per server, made when it is first used. */
export class Channels {
  readonly #credentials: ChannelCredentials;
  readonly #clients = new Map<string, Client>();
  readonly #Constructor = makeClientConstructor(grpcService(Chat), 'Chat');

  constructor(credentials: ChannelCredentials = grpcCredentials.createInsecure()) {
    this.#credentials = credentials;
  }

  /** Asks one server. What another server might do better is a setback; any other refusal is thrown. */
  unary<Response extends object>(
    {
      server,
      method,
      request,
      token,
    }: {
      readonly server: string;
      readonly method: string;
      readonly request: object;
      readonly token: string | undefined;
    },
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<Response | Setback> {
    return new Promise((resolve, reject) => {
      const client = this.#client(server) as unknown as Record<string, Unary>;
      // gRPC deadlines are points in wall-clock time.
      const call = (client[method] as Unary).call(
        client,
        request,
        metadataOf(token),
        { deadline: Date.now() + timeoutMs },
        (error, response) => {
          signal.removeEventListener('abort', onAbort);
          if (error === null) resolve(response as Response);
          else settle(error, server, resolve, reject);
        },
      );
      const onAbort = (): void => call.cancel();
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  converse(server: string, token: string | undefined): ClientDuplexStream<ConverseRequest, ConverseResponse> {
    type Converse = (metadata: Metadata) => ClientDuplexStream<ConverseRequest, ConverseResponse>;
    const client = this.#client(server) as unknown as { readonly converse: Converse };
    return client.converse(metadataOf(token));
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  #client(server: string): Client {
    const known = this.#clients.get(server);
    if (known !== undefined) return known;
    const client = new this.#Constructor(server, this.#credentials, {
      // A server that is back is found at once: the failover has its own pauses.
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 1_000,
      // One that vanished without a word is found within seconds.
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 3_000,
    });
    this.#clients.set(server, client);
    return client;
  }
}

function metadataOf(token: string | undefined): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}

function settle(
  error: ServiceError,
  server: string,
  resolve: (setback: Setback) => void,
  reject: (cause: unknown) => void,
): void {
  const outcome = setbackOrError(error, server);
  if ('type' in outcome) resolve(outcome);
  else reject(outcome);
}

/** What a gRPC error means to a client that has other servers. */
export function setbackOrError(error: ServiceError, server: string): Setback | GrpError {
  const text = (name: string): string | undefined => {
    const [value] = error.metadata?.get(name) ?? [];
    return value === undefined ? undefined : String(value);
  };
  const retryable = [status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.CANCELLED, status.ABORTED, status.UNKNOWN];
  const problem = `${server}: ${error.details}`;
  const code = text(trailers.code);
  if (retryable.includes(error.code)) {
    const noQuorum = noQuorumCodes.includes(code ?? '');
    return { type: 'setback', problem, leader: text(trailers.leader), noQuorum, retryAfterMs: 0 };
  }
  const retryAfterMs = text(trailers.retryAfterMs);
  if (code === 'CHAT_BUSY' || retryAfterMs !== undefined) {
    return { type: 'setback', problem, retryAfterMs: Math.min(Number(retryAfterMs ?? 1_000) || 1_000, 10_000) };
  }
  return new GrpError({
    code: code ?? 'CHAT_INTERNAL',
    kind: kindOfStatus[error.code] ?? 'failure',
    message: error.details,
    hint: hintOf(code ?? ''),
  });
}

/** What a server says that works, and finds no majority. */
const noQuorumCodes = ['RAFT_NO_LEADER', 'CHAT_RECOVERING'];

const kindOfStatus: Readonly<Partial<Record<status, ErrorKind>>> = {
  [status.INVALID_ARGUMENT]: 'usage',
  [status.NOT_FOUND]: 'not-found',
  [status.PERMISSION_DENIED]: 'denied',
  [status.UNAUTHENTICATED]: 'denied',
  [status.ALREADY_EXISTS]: 'conflict',
};
