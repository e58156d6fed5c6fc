import { systemClock, systemRandom, type Clock, type Random } from '@grp/core';
import type { ChannelCredentials } from '@grpc/grpc-js';
import type {
  HistoryResponse,
  ListRoomsResponse,
  ListUsersResponse,
  LoginResponse,
  Message,
  SendResponse,
  UnreadResponse,
} from '../gen/grp/chat/v1/chat_pb.ts';
import { Channels } from './channels.ts';
import { clientConfig, type ClientConfig } from './config.ts';
import { Failover } from './failover.ts';
import { messageOf, roomOf, type ChatMessage, type ChatRoom } from './messages.ts';
import { watchRoom } from './watch.ts';

/** Which servers a client asks, and how. */
export interface ChatClientOptions {
  /** `host:port` of every server; one that runs is enough to begin. */
  readonly servers: readonly string[];
  /** Servers that are asked only when one of the above names them as the leader. */
  readonly leaders?: readonly string[] | undefined;
  /** Default: no TLS. */
  readonly credentials?: ChannelCredentials;
  /** From an earlier `login`. */
  readonly token?: string | undefined;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly config?: Partial<ClientConfig>;
}

/** How long a call waits. */
export interface CallOptions {
  /** Default 30 s: longer than any change of leaders takes. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Calls for which a server hashes a password. */
const hashing: readonly string[] = ['register', 'login', 'changePassword', 'deleteAccount'];

/**
 * Speaks to a chat of several servers as if it were one: finds the leader, repeats what may have been lost, and never does
 * anything twice, because each request has an id. What the servers refuse is thrown as a GrpError with their code.
 */
export class ChatClient {
  readonly #channels: Channels;
  readonly #failover: Failover;
  readonly #config: ClientConfig;
  readonly #random: Random;
  readonly #clock: Clock;
  #token: string | undefined;

  constructor(options: ChatClientOptions) {
    const { servers, leaders, credentials, token, clock = systemClock(), random = systemRandom() } = options;
    this.#config = clientConfig.resolve(options.config);
    this.#channels = new Channels(credentials);
    this.#failover = new Failover({ servers, leaders, clock, random, ...this.#config });
    this.#random = random;
    this.#clock = clock;
    this.#token = token;
  }

  /** Of the session; keep it like a password. */
  get token(): string | undefined {
    return this.#token;
  }

  /** @throws GrpError CHAT_NAME_INVALID, CHAT_NAME_TAKEN, CHAT_PASSWORD_SIZE, CHAT_UNREACHABLE */
  async register(name: string, password: string, options?: CallOptions): Promise<void> {
    await this.#call('register', { requestId: this.#id(), name, password }, options);
  }

  /** Resolves with the token, which this client uses from now on. @throws GrpError CHAT_LOGIN_REFUSED, CHAT_UNREACHABLE */
  async login(name: string, password: string, options?: CallOptions): Promise<string> {
    const { token } = await this.#call<LoginResponse>('login', { name, password }, options);
    this.#token = token;
    return token;
  }

  async logout(options?: CallOptions): Promise<void> {
    await this.#call('logout', {}, options);
    this.#token = undefined;
  }

  async changePassword(oldPassword: string, newPassword: string, options?: CallOptions): Promise<void> {
    await this.#call('changePassword', { requestId: this.#id(), oldPassword, newPassword }, options);
  }

  async deleteAccount(password: string, options?: CallOptions): Promise<void> {
    await this.#call('deleteAccount', { requestId: this.#id(), password }, options);
    this.#token = undefined;
  }

  /** Names that match `*` and `?`, in alphabetical order, in as many requests as it takes. */
  async users(pattern = '*', options?: CallOptions): Promise<readonly string[]> {
    const names: string[] = [];
    for (let more = true; more;) {
      const page = await this.#call<ListUsersResponse>('listUsers', { pattern, after: names.at(-1) ?? '' }, options);
      names.push(...page.names);
      more = page.more && page.names.length > 0;
    }
    return names;
  }

  async rooms(options?: CallOptions): Promise<readonly ChatRoom[]> {
    return (await this.#call<ListRoomsResponse>('listRooms', {}, options)).rooms.map(roomOf);
  }

  async unread(options?: CallOptions): Promise<readonly ChatRoom[]> {
    return (await this.#call<UnreadResponse>('unread', {}, options)).rooms.map(roomOf);
  }

  async join(room: string, options?: CallOptions): Promise<void> {
    await this.#call('joinRoom', { requestId: this.#id(), room }, options);
  }

  async leave(room: string, options?: CallOptions): Promise<void> {
    await this.#call('leaveRoom', { requestId: this.#id(), room }, options);
  }

  /** Resolves when a majority of the servers has it on disk. @throws GrpError CHAT_TEXT_TOO_LONG, CHAT_USER_UNKNOWN, … */
  async send(room: string, text: string, options?: CallOptions): Promise<ChatMessage> {
    const { message } = await this.#call<SendResponse>('send', { requestId: this.#id(), room, text }, options);
    return messageOf(message as Message);
  }

  async deleteMessage(room: string, sequence: number, options?: CallOptions): Promise<void> {
    await this.#call('deleteMessage', { requestId: this.#id(), room, sequence: BigInt(sequence) }, options);
  }

  async markRead(room: string, sequence: number, options?: CallOptions): Promise<void> {
    await this.#call('markRead', { requestId: this.#id(), room, sequence: BigInt(sequence) }, options);
  }

  /** The last `limit` messages (all when 0), or those from `from` on; linearizable unless `local`. */
  async history(
    room: string,
    {
      from = 0,
      limit = 0,
      local = false,
      ...options
    }: CallOptions & { readonly from?: number; readonly limit?: number; readonly local?: boolean } = {},
  ): Promise<readonly ChatMessage[]> {
    const all: ChatMessage[] = [];
    // Without a limit everything is wanted, from the first one on, page by page.
    let next = from === 0 && limit === 0 ? 1 : from;
    for (;;) {
      const wanted = limit === 0 ? 0 : limit - all.length;
      const request = { room, fromSequence: BigInt(next), limit: wanted, local };
      const { messages, more } = await this.#call<HistoryResponse>('history', request, options);
      all.push(...messages.map(messageOf));
      if (!more || messages.length === 0 || (limit > 0 && all.length >= limit)) return all;
      next = (all.at(-1) as ChatMessage).sequence + 1;
    }
  }

  /**
   * The messages of a room after `after`, then the new ones as they come, each once and in order, through any failover,
   * until `signal`. @throws GrpError what ends it for good: CHAT_NOT_LOGGED_IN, CHAT_ROOM_INVALID, …
   */
  watch(
    room: string,
    { after = 0, signal }: { readonly after?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<ChatMessage, void> {
    const parts = { channels: this.#channels, failover: this.#failover, clock: this.#clock, random: this.#random };
    return watchRoom({ ...parts, config: this.#config, token: this.#token, room, after, signal });
  }

  /** Closes all connections. What is under way fails. */
  close(): void {
    this.#channels.close();
  }

  #call<Response extends object>(
    method: string,
    request: object,
    { timeoutMs = this.#config.timeoutMs, signal }: CallOptions = {},
  ): Promise<Response> {
    const token = this.#token;
    const attemptMs = Math.min(this.#config.attemptMs, timeoutMs);
    return this.#failover.call<Response>(
      (server, attemptSignal) =>
        this.#channels.unary<Response>(
          { server, method, request, token },
          { timeoutMs: attemptMs, signal: attemptSignal },
        ),
      { timeoutMs, signal, isHeavy: hashing.includes(method) },
    );
  }

  /** Names one request for ever, through all its repetitions. */
  #id(): Uint8Array {
    const id = new Uint8Array(16);
    const view = new DataView(id.buffer);
    for (let offset = 0; offset < 16; offset += 4) view.setUint32(offset, this.#random.nextU32());
    return id;
  }
}
