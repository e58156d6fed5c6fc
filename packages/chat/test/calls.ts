import { systemClock, type Address } from '@grp/core';
import {
  credentials,
  makeClientConstructor,
  Metadata,
  status,
  type ChannelCredentials,
  type Client,
  type ClientDuplexStream,
  type ServiceError,
} from '@grpc/grpc-js';
import { ChatMachine } from '../src/chat-machine.ts';
import { Chat, type ConverseRequest, type ConverseResponse } from '../src/gen/grp/chat/v1/chat_pb.ts';
import { grpcService } from '../src/server/grpc-service.ts';
import { createChatServer, type ChatServer, type ChatServerOptions } from '../src/server/server.ts';
import { LocalLog } from './local-log.ts';

type CodeName =
  | 'OK'
  | 'INTERNAL'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'RESOURCE_EXHAUSTED'
  | 'UNAUTHENTICATED'
  | 'UNAVAILABLE'
  | 'UNIMPLEMENTED';

/** gRPC's codes as plain numbers, which is what comes over the wire. */
export const codes: Readonly<Record<CodeName, number>> = {
  OK: status.OK,
  INTERNAL: status.INTERNAL,
  INVALID_ARGUMENT: status.INVALID_ARGUMENT,
  DEADLINE_EXCEEDED: status.DEADLINE_EXCEEDED,
  RESOURCE_EXHAUSTED: status.RESOURCE_EXHAUSTED,
  UNAUTHENTICATED: status.UNAUTHENTICATED,
  UNAVAILABLE: status.UNAVAILABLE,
  UNIMPLEMENTED: status.UNIMPLEMENTED,
};

export type Stream = ClientDuplexStream<ConverseRequest, ConverseResponse>;

type Method = (
  request: object,
  metadata: Metadata,
  options: { readonly deadline?: number },
  done: (error: ServiceError | null, response: Record<string, unknown>) => void,
) => void;

/** One server with a log in memory, and a bare gRPC client of it: what goes over the wire is the test's business. */
export class TestServer {
  readonly machine = new ChatMachine();
  readonly log = new LocalLog(this.machine);
  readonly #server: ChatServer;
  readonly #clients: Client[] = [];
  #request = 0;
  port = 0;

  constructor(options: Partial<ChatServerOptions> = {}) {
    const bind = '127.0.0.1:0' as Address;
    this.#server = createChatServer({ bind, machine: this.machine, log: this.log, clock: systemClock(), ...options });
  }

  async start(): Promise<this> {
    this.port = (await this.#server.start()).port;
    return this;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.#server.close(100);
  }

  client(creds: ChannelCredentials = credentials.createInsecure()): Client {
    const client = new (makeClientConstructor(grpcService(Chat), 'Chat'))(`localhost:${this.port}`, creds);
    this.#clients.push(client);
    return client;
  }

  /** 16 bytes that were not used before. */
  id(): Uint8Array {
    const id = new Uint8Array(16);
    new DataView(id.buffer).setUint32(12, ++this.#request);
    return id;
  }

  async call(
    method: string,
    body: object,
    { token, client = this.#client, deadline }: CallOptions = {},
  ): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      const run = (client as unknown as Record<string, Method>)[method]?.bind(client);
      const options = deadline === undefined ? {} : { deadline };
      run?.({ requestId: this.id(), ...body }, metadataOf(token), options, (error, response) =>
        error === null ? resolve(response) : reject(error),
      );
    });
  }

  /** What a call fails with: gRPC's code and ours. */
  async failure(method: string, body: object, options: CallOptions = {}): Promise<readonly [number, string?]> {
    const error = await this.call(method, body, options).then(
      () => undefined,
      (cause: ServiceError) => cause,
    );
    const [ours] = error?.metadata.get('grp-code') ?? [];
    return ours === undefined ? [error?.code ?? 0] : [error?.code ?? 0, String(ours)];
  }

  /** Registers and logs in; the token. */
  async arrive(name: string): Promise<string> {
    await this.call('register', { name, password: passwordOf(name) });
    return this.login(name);
  }

  async login(name: string): Promise<string> {
    return String((await this.call('login', { name, password: passwordOf(name) }))['token']);
  }

  converse(token: string | undefined, client = this.#client): Stream {
    const stream = (client as unknown as { converse(metadata: Metadata): Stream }).converse(metadataOf(token));
    stream.on('error', () => {}); // each test looks for itself
    return stream;
  }

  /** What was said in a room. */
  async texts(room: string, token: string): Promise<readonly string[]> {
    const { messages } = await this.call('history', { room }, { token });
    return (messages as readonly { readonly text: string }[]).map(({ text }) => text);
  }

  get #client(): Client {
    return this.#clients[0] ?? this.client();
  }
}

export interface CallOptions {
  readonly token?: string;
  readonly client?: Client;
  /** Unix ms. */
  readonly deadline?: number;
}

export function passwordOf(name: string): string {
  return `password of ${name}`;
}

export function metadataOf(token: string | undefined): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}
