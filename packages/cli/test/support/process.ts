import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const entry = fileURLToPath(new URL('../../bin/dev.ts', import.meta.url));

/** A `grp` process from sources. */
export interface GrpProcess {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves when stdout has a line that matches. @throws Error when the process ends first */
  readonly line: (pattern: RegExp) => Promise<string>;
  /** The exit code, or the signal's name. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/** Starts one command line in a process of its own. */
export function startGrp(argv: readonly string[], environment: NodeJS.ProcessEnv = {}): GrpProcess {
  const args = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', entry, ...argv];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
    for (const look of waiting) look();
  });
  child.stderr.on('data', (chunk: Buffer) => void (stderr += chunk.toString('utf8')));
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? (signal as NodeJS.Signals)));
  });
  return {
    child,
    ended,
    stdout: () => stdout,
    stderr: () => stderr,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = stdout.split('\n').find((line) => pattern.test(line));
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
        void ended.then((code) =>
          reject(new Error(`ended with ${code} before ${String(pattern)}: ${stdout}${stderr}`)),
        );
      }),
  };
}

/** Runs one command line to its end, its documents parsed. */
export async function runGrp(
  ...argv: readonly string[]
): Promise<{ code: number | NodeJS.Signals; documents: Record<string, unknown>[]; stderr: string }> {
  const { ended, stdout, stderr } = startGrp([...argv, '--json']);
  const code = await ended;
  const lines = stdout()
    .split('\n')
    .filter((line) => line !== '');
  return { code, documents: lines.map((line) => JSON.parse(line) as Record<string, unknown>), stderr: stderr() };
}
