import { execFile, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

const sources = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', 'packages/cli/bin/dev.ts'];

/** Runs a command of grp from sources; its document. */
export async function grp(...argv: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout } = await promisify(execFile)(process.execPath, [...sources, ...argv, '--json'], { cwd: root });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Record<string, unknown>;
}

/** Starts one node in a process of its own; resolves when it serves. */
export async function startNode(
  ...argv: readonly string[]
): Promise<{ readonly http: string; readonly stop: () => void }> {
  const child = spawn(process.execPath, [...sources, 'node', 'start', ...argv, '--json'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const stop = (): void => void child.kill('SIGKILL');
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (text.includes('\n'))
        resolve({ http: (JSON.parse(text.split('\n', 1)[0] as string) as { http: string }).http, stop });
    });
    child.once('close', () => reject(new Error(`the node ended: ${text}`)));
  });
}
