import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { NodeOptions } from '../../src/options.ts';

export interface GrpNodeOptions {
  readonly name: string;
  readonly port: number;
  readonly httpPort: number;
  readonly node: Partial<NodeOptions>;
  readonly onEvent?: (node: GrpNode, event: NodeEvent) => void;
}

/** A member as `GET /v1/swim/members` gives it. */
export interface GrpMember {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly status: 'alive' | 'suspect' | 'down' | 'left';
  readonly incarnation: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** One event of `GET /v1/events`. */
export interface NodeEvent {
  readonly type: string;
  /** When it came here, in ms of `performance.now()`. */
  readonly receivedAt: number;
  readonly member?: GrpMember;
  readonly name?: string;
  readonly payload?: string;
  readonly from?: string;
}

const program = fileURLToPath(new URL('serf-process.ts', import.meta.url));
const sources = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning'];

/** One grp node in a process of its own, driven over its HTTP API as anybody would. */
export class GrpNode {
  readonly name: string;
  readonly address: string;
  readonly http: string;
  /** Of all its lives. */
  readonly events: NodeEvent[] = [];
  /** What it logged, one JSON object a line. */
  readonly lines: string[] = [];
  readonly #options: GrpNodeOptions;
  #child: ChildProcess | undefined;

  constructor(options: GrpNodeOptions) {
    this.name = options.name;
    this.address = `127.0.0.1:${options.port}`;
    this.http = `http://127.0.0.1:${options.httpPort}`;
    this.#options = options;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** Starts the process; resolves when it has joined through these seeds. @throws Error with its last lines */
  async start(seeds: readonly string[] = [], changes: Partial<NodeOptions> = {}): Promise<void> {
    const options: NodeOptions = {
      roles: ['swim'],
      name: this.name,
      bind: this.address,
      http: this.http.slice('http://'.length),
      join: seeds,
      ...this.#options.node,
      ...changes,
    };
    const child = spawn(process.execPath, [...sources, program, JSON.stringify(options)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    child.stdin.on('error', () => {}); // it may be gone before its stdin is closed
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined;
    });
    createInterface({ input: child.stderr }).on('line', (line) => this.lines.push(line));
    const ready = once(createInterface({ input: child.stdout }), 'line');
    const ended = once(child, 'exit').then(() => {
      throw new Error(`node ${this.name} ended before it was ready:\n${this.lines.slice(-20).join('\n')}`);
    });
    await Promise.race([ready, ended]);
    ended.catch(() => {}); // how it ends later is not this start's business
    await this.#listen();
  }

  async members(): Promise<readonly GrpMember[]> {
    const { members } = (await this.get('/v1/swim/members')) as { members: readonly GrpMember[] };
    return members;
  }

  /** @throws Error with the document when the answer is not a success */
  async get(path: string): Promise<unknown> {
    return answered(path, await fetch(this.http + path));
  }

  /** @throws Error with the document when the answer is not a success */
  async post(path: string, body: object = {}): Promise<unknown> {
    const headers = { 'content-type': 'application/json' };
    return answered(path, await fetch(this.http + path, { method: 'POST', headers, body: JSON.stringify(body) }));
  }

  async kill(): Promise<void> {
    await this.#end(() => this.#child?.kill('SIGKILL'));
  }

  /** A graceful leave; resolves when the process is gone. */
  async leave(): Promise<void> {
    await this.#end(() => this.post('/v1/swim/leave'));
  }

  async #end(how: () => unknown): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    await how();
    await gone;
  }

  /** Follows the node's event stream; resolves when it has begun. */
  async #listen(): Promise<void> {
    const { body } = await fetch(`${this.http}/v1/events`);
    if (body === null) throw new Error(`node ${this.name} gave no event stream`);
    void this.#follow(body).catch(() => {}); // a killed node cuts its stream
  }

  async #follow(body: ReadableStream<Uint8Array>): Promise<void> {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('data:')) this.#onEvent(line.slice('data:'.length));
    }
  }

  #onEvent(text: string): void {
    const event = { ...(JSON.parse(text) as NodeEvent), receivedAt: performance.now() };
    this.events.push(event);
    this.#options.onEvent?.(this, event);
  }
}

async function answered(path: string, response: Response): Promise<unknown> {
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}
