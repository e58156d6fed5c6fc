import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { serf, type CommandResult } from './serf-command.ts';
import { parseHandled, type Handled } from './serf-handler.ts';
import { parseLine, type LogLine } from './serf-log.ts';
import { until } from './serf-waiting.ts';

export interface AgentOptions {
  readonly name: string;
  readonly port: number;
  readonly rpcPort: number;
  /** Of this agent alone; what its event handler hears is written here. */
  readonly folder: string;
  /** Executable, from `writeHandler`. */
  readonly handler: string;
  /** Base64, of 16, 24 or 32 bytes. */
  readonly key?: string | undefined;
  readonly tags?: Readonly<Record<string, string>>;
  readonly onLine?: (agent: SerfAgent, line: LogLine) => void;
}

/** A member as `serf members -format=json` prints it. */
export interface AgentMember {
  readonly name: string;
  readonly addr: string;
  readonly status: 'alive' | 'leaving' | 'left' | 'failed';
  readonly tags: Readonly<Record<string, string>>;
}

/** One real Serf agent: a process that can be killed, and started again on the same ports under the same name. */
export class SerfAgent {
  readonly name: string;
  readonly address: string;
  /** Of all its lives, stamped as they came. */
  readonly lines: LogLine[] = [];
  readonly #options: AgentOptions;
  #child: ChildProcess | undefined;

  constructor(options: AgentOptions) {
    this.name = options.name;
    this.address = `127.0.0.1:${options.port}`;
    this.#options = options;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** Starts the process, which joins through this address; resolves when it answers. @throws Error with its last lines */
  async start({
    join: seed,
    key = this.#options.key,
  }: { join?: string; key?: string | undefined } = {}): Promise<void> {
    const child = spawn('serf', this.#arguments(seed, key), {
      env: { ...process.env, HANDLED_FILE: this.#handledFile },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const abandoned = (): void => void child.kill('SIGKILL');
    process.once('exit', abandoned);
    child.once('exit', () => {
      process.off('exit', abandoned);
      if (this.#child === child) this.#child = undefined;
    });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (text) => this.#onLine(text));
    }
    await until(`agent ${this.name} answers`, async () => {
      if (this.#child !== child) throw new Error(`agent ${this.name} ended at once:\n${this.tail()}`);
      return (await this.run('info')).code === 0 ? true : undefined;
    });
  }

  /** A `serf` command to this agent, as `run('members', '-format=json')`. */
  run(command: string, ...args: readonly string[]): Promise<CommandResult> {
    return serf([command, `-rpc-addr=127.0.0.1:${this.#options.rpcPort}`, ...args]);
  }

  /** @throws Error when the agent does not answer */
  async members(): Promise<readonly AgentMember[]> {
    const { code, stdout, stderr } = await this.run('members', '-format=json');
    if (code !== 0) throw new Error(`serf members at ${this.name}: ${stderr}${stdout}`);
    return (JSON.parse(stdout) as { members: readonly AgentMember[] }).members;
  }

  /** What its event handler has heard so far, in all its lives. */
  async handled(): Promise<readonly Handled[]> {
    return parseHandled(await readFile(this.#handledFile, 'utf8').catch(() => ''));
  }

  async kill(): Promise<void> {
    await this.#end(() => this.#child?.kill('SIGKILL'));
  }

  /** A graceful leave; resolves when the process is gone. */
  async leave(): Promise<void> {
    await this.#end(() => this.run('leave'));
  }

  tail(count = 20): string {
    return this.lines
      .slice(-count)
      .map(({ text }) => text)
      .join('\n');
  }

  get #handledFile(): string {
    return join(this.#options.folder, `${this.name}.handled`);
  }

  #arguments(seed: string | undefined, key: string | undefined): string[] {
    const { name, rpcPort, handler, tags = {} } = this.#options;
    return [
      'agent',
      `-node=${name}`,
      `-bind=${this.address}`,
      `-rpc-addr=127.0.0.1:${rpcPort}`,
      '-log-level=debug',
      `-event-handler=${handler}`,
      ...Object.entries(tags).map(([tag, value]) => `-tag=${tag}=${value}`),
      ...(key === undefined ? [] : [`-encrypt=${key}`]),
      ...(seed === undefined ? [] : [`-join=${seed}`]),
    ];
  }

  #onLine(text: string): void {
    const line = parseLine(text, performance.now());
    if (line === undefined) return;
    this.lines.push(line);
    this.#options.onLine?.(this, line);
  }

  async #end(how: () => unknown): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    await how();
    await gone;
  }
}
