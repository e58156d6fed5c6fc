import { fromBinary } from '@bufbuild/protobuf';
import { silentLogger, type Address, type Clock, type Logger } from '@grp/core';
import {
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerUnaryCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { ChatMachine } from '../chat-machine.ts';
import { chatError } from '../errors.ts';
import { Chat, ConverseRequestSchema, type ConverseRequest } from '../gen/grp/chat/v1/chat_pb.ts';
import { decodeAskedSend, type AskedSend } from '../hot-codec.ts';
import type { PasswordHasher, ReplicatedLog } from '../ports.ts';
import { serverConfig, type ServerConfig } from './config.ts';
import { callerOf } from './caller.ts';
import { Conversation } from './conversation.ts';
import { converseInterceptor, type ConverseHost } from './converse.ts';
import { addHealth, addReflection } from './grpc-extras.ts';
import { grpcService, type MethodCodec } from './grpc-service.ts';
import { LoginLimits } from './login-limits.ts';
import { ChatOperations } from './operations.ts';
import { createPasswordHasher } from './passwords.ts';
import { grpcError } from './status.ts';
import { unaryHandlers } from './unary.ts';

/** The certificate of a server, in PEM. */
export interface ChatServerTls {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** With it, clients must show a certificate that it has signed. */
  readonly ca?: Buffer;
}

/** Where a server of the chat listens, and what it serves. */
export interface ChatServerOptions {
  /** `host:port`; port 0 takes a free one. */
  readonly bind: Address;
  readonly machine: ChatMachine;
  readonly log: ReplicatedLog;
  readonly clock: Clock;
  readonly hasher?: PasswordHasher;
  readonly logger?: Logger;
  readonly tls?: ChatServerTls;
  readonly config?: Partial<ServerConfig>;
}

/** What a server of the chat can be asked besides gRPC, by whoever has the token of a session. Changes nothing. */
export type ChatReads = Pick<ChatOperations, 'history' | 'rooms' | 'users'>;

/** One server of the chat, for clients. The log, and with it all other servers, is the caller's. */
export interface ChatServer {
  /** For another front end. Ask only while `log.serving`. */
  readonly reads: ChatReads;
  /** @throws GrpError CHAT_PORT_IN_USE */
  start(): Promise<{ readonly port: number }>;
  /** Call when `log.serving` may have changed: health follows it. */
  noteServing(): void;
  /** Lets calls end for `graceMs`, then cuts them. Bounded; may be called twice. */
  close(graceMs?: number): Promise<void>;
}

/** Makes the gRPC server of one chat node, with health and reflection. It listens from `start` on. */
export function createChatServer(options: ChatServerOptions): ChatServer {
  return new GrpcChatServer(options);
}

class GrpcChatServer implements ChatServer {
  readonly #options: ChatServerOptions;
  readonly #config: ServerConfig;
  readonly #logger: Logger;
  readonly #operations: ChatOperations;
  readonly #server: Server;
  readonly #health: ReturnType<typeof addHealth>;
  #streams = 0;
  #isServing = false;

  constructor(options: ChatServerOptions) {
    const { machine, log, clock, hasher = createPasswordHasher(), logger = silentLogger } = options;
    this.#options = options;
    this.#logger = logger;
    this.#config = serverConfig.resolve(options.config);
    const config = this.#config;
    this.#operations = new ChatOperations({
      log,
      hasher,
      config,
      view: () => machine.view,
      nowMs: () => clock.wallMs(),
    });
    this.#server = new Server({
      'grpc.max_receive_message_length': config.messageBytesMax,
      'grpc.max_send_message_length': config.messageBytesMax * 16,
      // A client that is gone without a word is found within a minute, and may not ask more often than that is worth.
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 20_000,
      interceptors: [converseInterceptor(`/${Chat.typeName}/${Chat.method.converse.name}`, this.#converse())],
    });
    this.#health = addHealth(this.#server, Chat.typeName);
    addReflection(this.#server);
    this.#server.addService(grpcService(Chat, { converse: converseCodec }), this.#implementation());
  }

  get reads(): ChatReads {
    return this.#operations;
  }

  async start(): Promise<{ readonly port: number }> {
    const { bind, tls } = this.#options;
    const credentials =
      tls === undefined
        ? ServerCredentials.createInsecure()
        : ServerCredentials.createSsl(
            tls.ca ?? null,
            [{ cert_chain: tls.cert, private_key: tls.key }],
            tls.ca !== undefined,
          );
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(bind, credentials, (error, bound) => {
        if (error === null) resolve(bound);
        else
          reject(chatError('CHAT_PORT_UNUSABLE', { context: { address: bind, problem: error.message }, cause: error }));
      });
    });
    this.noteServing();
    return { port };
  }

  noteServing(): void {
    const { serving } = this.#options.log;
    if (serving !== this.#isServing) this.#health.set(serving);
    this.#isServing = serving;
  }

  async close(graceMs = 1_000): Promise<void> {
    this.#isServing = false;
    this.#health.set(false);
    const graceful = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    const late = new Promise<void>((resolve) => {
      const { clock } = this.#options;
      clock.wakeAt(clock.now() + graceMs, resolve);
    });
    await Promise.race([graceful, late]);
    this.#server.forceShutdown();
  }

  #implementation(): UntypedServiceImplementation {
    const { clock } = this.#options;
    const { loginFailuresMax: failuresMax, loginWindowMs: windowMs } = this.#config;
    const limits = new LoginLimits({ failuresMax, windowMs, now: () => clock.now() });
    const unary = Object.entries(unaryHandlers(this.#operations, limits)).map(([name, handler]) => [
      name,
      (call: ServerUnaryCall<never, object>, done: sendUnaryData<object>) => {
        const gone = new AbortController();
        call.on('cancelled', () => gone.abort());
        const caller = callerOf(call.metadata, gone.signal);
        const serve = async (): Promise<object> => {
          if (!this.#options.log.serving) throw chatError('CHAT_RECOVERING');
          return handler({ request: call.request, caller, peer: hostOf(call.getPeer()) });
        };
        serve().then(
          (response) => done(null, response),
          (cause: unknown) => done(this.#error(cause, name)),
        );
      },
    ]);
    // The stream is served by an interceptor; grpc-js wants a handler all the same.
    return { ...Object.fromEntries(unary), converse: () => {} } as UntypedServiceImplementation;
  }

  #converse(): ConverseHost {
    const { machine, log } = this.#options;
    const { followsMax, streamsMax } = this.#config;
    return {
      begin: (options) => {
        if (!log.serving) throw chatError('CHAT_RECOVERING');
        if (this.#streams >= streamsMax) throw chatError('CHAT_BUSY', { context: { retryAfterMs: 5_000 } });
        this.#streams++;
        return new Conversation({ ...options, operations: this.#operations, machine, log, followsMax });
      },
      end: (conversation) => {
        this.#streams--;
        conversation.close();
      },
      errorOf: (cause) => this.#error(cause, 'converse'),
    };
  }

  #error(cause: unknown, method: string) {
    const error = grpcError(cause, this.#options.log.leader());
    if (error.metadata.get('grp-code')[0] === 'CHAT_INTERNAL') {
      const message = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
      this.#logger.log('error', 'chat.failed', { method, message });
    }
    return error;
  }
}

/** What an interactive client sends most, and what it gets. */
const converseCodec: MethodCodec = {
  requestDeserialize: (bytes: Buffer): ConverseRequest | AskedSend =>
    decodeAskedSend(bytes) ?? fromBinary(ConverseRequestSchema, bytes),
  responseSerialize: (bytes: Uint8Array): Buffer =>
    bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
};

/** Without the port, which changes with every connection. */
function hostOf(peer: string): string {
  return peer.slice(0, Math.max(0, peer.lastIndexOf(':')));
}
