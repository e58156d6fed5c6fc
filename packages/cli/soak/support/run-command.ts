import { spawn } from 'node:child_process';

export interface CommandOptions {
  readonly cwd?: string;
  readonly timeoutMs: number;
  /** Asks it to end after so long, as Ctrl-C and systemd do (default: never). */
  readonly endAfterMs?: number;
  readonly env?: NodeJS.ProcessEnv;
}

export interface CommandResult {
  /** Null when it was killed, as after its time. */
  readonly code: number | null;
  readonly stdout: string;
  /** Both streams, in the order in which they came. */
  readonly output: string;
  readonly tookMs: number;
}

/** Runs a command to its end, or kills it after its time. Never rejects for what the command does. */
export function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const { cwd, timeoutMs, endAfterMs, env = process.env } = options;
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let output = '';
    child.stdout.on('data', (bytes: Buffer) => {
      stdout += bytes.toString();
      output += bytes.toString();
    });
    child.stderr.on('data', (bytes: Buffer) => {
      output += bytes.toString();
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const asked = endAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGTERM'), endAfterMs);
    const end = (code: number | null): void => {
      clearTimeout(timer);
      clearTimeout(asked);
      resolve({ code, stdout, output, tookMs: Math.round(performance.now() - startedAt) });
    };
    child.on('error', (cause) => {
      output += cause.message;
      end(127);
    });
    child.on('close', end);
  });
}
