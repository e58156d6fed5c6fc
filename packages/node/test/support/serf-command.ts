import { execFile, spawnSync } from 'node:child_process';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one `serf` command to its end; a command that fails is a result too. */
export function serf(args: readonly string[], timeoutMs = 30_000): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile('serf', args, { timeout: timeoutMs, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : 1;
      resolve({ code: error === null ? 0 : code, stdout, stderr });
    });
  });
}

/** What `serf version` says, or undefined where there is no `serf` on the PATH. */
export function serfVersion(): string | undefined {
  const { status, stdout } = spawnSync('serf', ['version'], { encoding: 'utf8', timeout: 10_000 });
  return status === 0 ? stdout.split('\n', 1)[0]?.trim() : undefined;
}
