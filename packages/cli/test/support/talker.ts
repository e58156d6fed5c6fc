import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const entry = fileURLToPath(new URL('../../bin/dev.ts', import.meta.url));
const nodeArgs = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', entry];

/** A line of `messenger --json`. */
export interface Line {
  readonly type: string;
  readonly group?: string;
  readonly from?: string;
  readonly text?: string;
  readonly code?: string;
  readonly sequence?: number;
  readonly members?: readonly string[];
  readonly [other: string]: unknown;
}

/** A messenger in a process of its own, with a pipe on both ends. */
export interface Talker {
  readonly nick: string;
  readonly child: ChildProcess;
  readonly lines: readonly Line[];
  readonly stderr: () => string;
  readonly ended: Promise<number | NodeJS.Signals>;
  type(...lines: readonly string[]): void;
  /** The messages of the group, in the order of the screen. */
  transcript(): readonly string[];
}

export function startTalker(nick: string, tracker: string, ...more: readonly string[]): Talker {
  const argv = ['messenger', '--tracker', tracker, '--nick', nick, '--group', 'tea', '--json', ...more];
  const child = spawn(process.execPath, [...nodeArgs, ...argv], { stdio: ['pipe', 'pipe', 'pipe'] });
  const lines: Line[] = [];
  const transcript: string[] = [];
  let rest = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const line = JSON.parse(part) as Line;
      if (line.type === 'message') transcript.push(`${line.sequence} ${line.from}: ${line.text}`);
      lines.push(line);
    }
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => void (stderr += chunk));
  child.stdin.on('error', () => {}); // it was killed while it was told something
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? (signal as NodeJS.Signals)));
  });
  return {
    ...{ nick, child, lines, ended },
    stderr: () => stderr,
    type: (...typed) => void child.stdin.write(typed.map((line) => `${line}\n`).join('')),
    transcript: () => transcript,
  };
}

/** Members of the last view that it was told. */
export function membersOf({ lines }: Talker): readonly string[] {
  return lines.findLast(({ type }) => type === 'view')?.members ?? [];
}

/** Waits for a condition; on the way it looks often enough to be quick, and seldom enough for a busy machine. */
export async function until(condition: () => boolean, what: string, withinMs = 60_000): Promise<number> {
  const startedAt = performance.now();
  while (!condition()) {
    if (performance.now() - startedAt > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(20);
  }
  return performance.now() - startedAt;
}

/** A node with the role tracker, in a process of its own, which can be killed and started again in its place. */
export class TrackerNode {
  readonly #dir = mkdtempSync(join(tmpdir(), 'grp-tracker-'));
  #child: ChildProcess | undefined;
  #ports: { readonly tracker: number; readonly http: string } | undefined;

  get address(): string {
    return `127.0.0.1:${this.#ports?.tracker}`;
  }

  get http(): string {
    return this.#ports?.http ?? '';
  }

  async start(): Promise<void> {
    const ready = join(this.#dir, `ready-${Date.now()}`);
    // The same port again after a restart: role tracker is the base port and 3.
    const base = this.#ports === undefined ? 0 : this.#ports.tracker - 3;
    const argv = ['node', 'start', '--role', 'tracker', '--bind', `127.0.0.1:${base}`, '--http', '127.0.0.1:0'];
    const files = ['--data-dir', join(this.#dir, 'data'), '--ready-file', ready];
    const child = spawn(process.execPath, [...nodeArgs, ...argv, ...files], { stdio: 'ignore' });
    this.#child = child;
    const read = (): string | undefined => {
      try {
        return readFileSync(ready, 'utf8');
      } catch {
        return undefined;
      }
    };
    await until(() => read() !== undefined || child.exitCode !== null, 'the tracker is ready');
    const { ports, http } = JSON.parse(read() ?? '{}') as { ports: { tracker: number }; http: string };
    this.#ports = { tracker: ports.tracker, http };
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }
}
