import { readFile } from 'node:fs/promises';
import { Agent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as SecureAgent, request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { GrpError } from '@grp/core';
import { cliError, errorFromAnswer, isRecord } from '../errors.ts';
import { readSecret } from '../secret-file.ts';
import { readEvents, type NodeEvent } from './events.ts';

/** A larger answer is refused: 10,000 members take about 4 MB. */
const answerBytesMax = 64 * 1_024 * 1_024;

export interface NodeClientOptions {
  readonly url: string;
  readonly timeoutMs: number;
  readonly tokenFile?: string | undefined;
  readonly caFile?: string | undefined;
}

interface Connection {
  readonly url: string;
  readonly timeoutMs: number;
  readonly token?: string | undefined;
  readonly ca?: string | undefined;
}

interface CallOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly source?: Readable | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/** Speaks to one node's HTTP API. Every failure is a GrpError; what the node refuses comes back with its own code. */
export class NodeClient {
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Reads the token and the authority. @throws GrpError CLI_FILE_UNREADABLE, CLI_KEY_FILE_OPEN */
  static async open({ url, timeoutMs, tokenFile, caFile }: NodeClientOptions): Promise<NodeClient> {
    const token = tokenFile === undefined ? undefined : (await readSecret(tokenFile)).trim();
    const ca = caFile === undefined ? undefined : await readText(caFile);
    return new NodeClient({ url, timeoutMs, token, ca });
  }

  /** For a node of this machine, with neither token nor TLS. */
  static local(url: string, timeoutMs: number): NodeClient {
    return new NodeClient({ url, timeoutMs });
  }

  get url(): string {
    return this.#connection.url;
  }

  /** @throws GrpError CLI_NODE_UNREACHABLE, CLI_NODE_TIMEOUT, CLI_NODE_ANSWER, or what the node says */
  async get<Document extends object>(path: string, signal?: AbortSignal): Promise<Document> {
    return (await this.#call({ method: 'GET', path, signal })) as Document;
  }

  /** As `get`. `timeoutMs` replaces the client's for requests that the node itself takes long to answer. */
  async post<Document extends object>(path: string, body: object, timeoutMs?: number): Promise<Document> {
    return (await this.#call({ method: 'POST', path, body, timeoutMs })) as Document;
  }

  /** As `get`. */
  async delete<Document extends object>(path: string): Promise<Document> {
    return (await this.#call({ method: 'DELETE', path })) as Document;
  }

  /** Sends bytes as they come. What the source fails with is thrown as it is; the node then keeps nothing. */
  async upload<Document extends object>(
    path: string,
    source: Readable,
    { headers, signal }: { readonly headers: Readonly<Record<string, string>>; readonly signal?: AbortSignal },
  ): Promise<Document> {
    const call = { method: 'PUT', path, source, headers, signal } as const;
    return (await this.#call(call)) as Document;
  }

  /** The answer as it comes: its head is there, its bytes are to be read. @throws GrpError as `get` */
  async download(
    path: string,
    { headers, signal }: { readonly headers?: Readonly<Record<string, string>>; readonly signal?: AbortSignal } = {},
  ): Promise<IncomingMessage> {
    const answer = await this.#send({ method: 'GET', path, headers, signal });
    const status = answer.statusCode ?? 0;
    if (status < 200 || status > 299) throw await this.#refusal(answer);
    return answer;
  }

  /** Whether the node says that it is ready; false also when nothing answers. */
  async ready(): Promise<boolean> {
    try {
      await this.get('/readyz');
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Subscribes to the node's events; resolves once the node has accepted, so that nothing after that is missed.
   * Iterating ends with `signal` or when the node ends the stream.
   */
  async events(options: {
    readonly kinds?: readonly string[];
    readonly signal: AbortSignal;
  }): Promise<AsyncIterable<NodeEvent>> {
    const { kinds = [], signal } = options;
    const query = kinds.length === 0 ? '' : `?kinds=${kinds.map(encodeURIComponent).join(',')}`;
    const answer = await this.#send({ method: 'GET', path: `/v1/events${query}`, signal });
    if (answer.statusCode !== 200) throw await this.#refusal(answer);
    // The stream is open for as long as it takes: only its beginning was timed.
    answer.socket.setTimeout(0);
    return readEvents(answer, signal);
  }

  async #call(options: CallOptions): Promise<object> {
    const answer = await this.#send(options);
    const status = answer.statusCode ?? 0;
    if (status < 200 || status > 299) throw await this.#refusal(answer);
    const body = await this.#json(answer);
    if (!isRecord(body)) throw this.#badAnswer('no JSON object');
    return body;
  }

  async #refusal(answer: IncomingMessage): Promise<Error> {
    const body = await this.#json(answer).catch(() => undefined);
    return errorFromAnswer(answer.statusCode ?? 0, body, this.url);
  }

  #send(call: CallOptions): Promise<IncomingMessage> {
    const { method, path, body, source, signal, timeoutMs = this.#connection.timeoutMs } = call;
    const { url, token, ca } = this.#connection;
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers: Record<string, string> = {
      accept: 'application/json, text/event-stream',
      // A node that knows how long it is waited for can say in time why it has to wait itself.
      ...(timeoutMs > 0 && { 'grp-timeout-ms': String(Math.ceil(timeoutMs)) }),
      ...call.headers,
    };
    if (payload !== undefined) headers['content-type'] = 'application/json';
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    const isSecure = url.startsWith('https:');
    const send = isSecure ? httpsRequest : httpRequest;
    // A node that refuses an upload says so while bytes are still coming: it must not close the connection over that.
    const keepAlive = { keepAlive: true, maxSockets: 1 };
    const agent = source === undefined ? false : isSecure ? new SecureAgent(keepAlive) : new Agent(keepAlive);
    return new Promise((resolve, reject) => {
      const options = { method, headers, agent, signal, ...(ca === undefined ? {} : { ca }) } as const;
      const sent = send(new URL(path, url), options, (answer) => {
        if (agent !== false) answer.once('end', () => agent.destroy());
        resolve(answer);
      });
      const late = cliError('CLI_NODE_TIMEOUT', { context: { url, timeoutMs } });
      sent.setTimeout(timeoutMs, () => sent.destroy(late));
      sent.on('error', (cause: NodeJS.ErrnoException) => {
        if (agent !== false) agent.destroy();
        reject(cause === late || cause instanceof GrpError ? cause : this.#unreachable(cause));
      });
      if (source === undefined) sent.end(payload);
      else sendFrom(source, sent);
    });
  }

  #json(answer: IncomingMessage): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let size = 0;
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > answerBytesMax) answer.destroy(this.#badAnswer('too long an answer'));
        else chunks.push(chunk);
      });
      answer.on('error', (cause) => reject('kind' in cause ? cause : this.#unreachable(cause)));
      answer.on('end', () => {
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')));
        } catch {
          reject(this.#badAnswer('no JSON'));
        }
      });
    });
  }

  #badAnswer(reason: string): Error {
    return cliError('CLI_NODE_ANSWER', { context: { url: this.url, reason } });
  }

  #unreachable(cause: NodeJS.ErrnoException): Error {
    const reason = reasons[cause.code ?? ''] ?? cause.code ?? cause.message;
    return cliError('CLI_NODE_UNREACHABLE', { context: { url: this.url, reason }, cause });
  }
}

/** The source's failure is the request's; once there is an answer, the rest of the source is of no use. */
function sendFrom(source: Readable, sent: ClientRequest): void {
  source.once('error', (cause) => sent.destroy(cause));
  sent.once('response', () => {
    source.unpipe(sent);
    source.destroy();
  });
  sent.once('error', () => source.destroy());
  source.pipe(sent);
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name cannot be resolved now',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'no answer',
  ABORT_ERR: 'interrupted',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted: name the authority with --tls-ca',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted: name the authority with --tls-ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted: name the authority with --tls-ca',
};

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw cliError('CLI_FILE_UNREADABLE', { context: { file, reason: cause.code ?? cause.message }, cause });
  });
}
