import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const entry = fileURLToPath(new URL('../../bin/dev.ts', import.meta.url));

/** Runs one command line with this on its stdin. */
export function grpWith(
  input: string,
  ...argv: readonly string[]
): Promise<{ readonly code: number; readonly document: Record<string, unknown> }> {
  const args = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', entry, ...argv, '--json'];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, (error, stdout) => {
      const [line = '{}'] = stdout.split('\n');
      resolve({ code: Number(error?.code ?? 0), document: JSON.parse(line) as Record<string, unknown> });
    });
    child.stdin?.end(input);
  });
}
