import { spawn, type ChildProcess } from 'node:child_process';
import { cliEntry } from '../entry.ts';
import { cliError } from '../errors.ts';
import { News } from './news.ts';

export interface TalkerOptions {
  readonly nick: string;
  readonly group: string;
  readonly tracker: string;
  readonly signal: AbortSignal;
}

interface Line {
  readonly type: string;
  readonly from?: string;
  readonly text?: string;
  readonly members?: readonly string[];
}

/** `grp messenger --json` as a process of its own, with a pipe on both ends. */
export class Talker {
  readonly nick: string;
  /** What it has read, in its order: `ann: hello`. */
  readonly transcript: string[] = [];
  /** In its view of the group. */
  members = 0;
  readonly #child: ChildProcess;
  readonly #signal: AbortSignal;
  readonly #ended: Promise<number>;
  #exitCode: number | undefined;
  readonly #news = new News();
  #rest = '';

  constructor({ nick, group, tracker, signal }: TalkerOptions) {
    this.nick = nick;
    this.#signal = signal;
    const argv = ['messenger', '--tracker', tracker, '--nick', nick, '--group', group, '--order', 'total', '--json'];
    const child = spawn(process.execPath, [...cliEntry(), ...argv], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#child = child;
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => this.#read(chunk));
    child.stdin.on('error', () => {}); // it was killed while it was told something
    this.#ended = new Promise((resolve) => {
      child.once('error', () => resolve(1));
      child.once('close', (code) => resolve(code ?? 1));
    });
    void this.#ended.then((code) => {
      this.#exitCode = code;
      this.#news.wake();
    });
    signal.addEventListener('abort', () => this.kill(), { once: true });
  }

  say(lines: readonly string[]): void {
    this.#child.stdin?.write(lines.map((line) => `${line}\n`).join(''));
  }

  /** Waits for something that this one is told. @throws GrpError DEMO_FAILED when it ends first, or time does */
  async until(condition: () => boolean, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!condition()) {
      this.#signal.throwIfAborted();
      const leftMs = deadline - performance.now();
      if (leftMs <= 0 || this.#exitCode !== undefined)
        throw cliError('DEMO_FAILED', {
          context: { reason: `the messenger ${this.nick} ${leftMs <= 0 ? 'is stuck' : 'ended'}.` },
        });
      await this.#news.next(leftMs);
    }
  }

  /** Its exit code. */
  quit(): Promise<number> {
    this.say(['!q']);
    return this.#ended;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #read(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const text of lines) {
      const line = JSON.parse(text) as Line;
      if (line.type === 'message') this.transcript.push(`${line.from}: ${line.text}`);
      if (line.type === 'view') this.members = line.members?.length ?? 0;
    }
    this.#news.wake();
  }
}
