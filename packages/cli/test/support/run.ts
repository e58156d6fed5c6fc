import { createRequire, registerHooks } from 'node:module';
import { vi } from 'vitest';
import type * as Main from '../../src/main.ts';
import type * as SourceOptions from '../../src/source-options.ts';

// oclif imports the commands itself, past the test runner: it must find the sources of our packages too, and all of the
// command line must be of one instance.
registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier, { ...context, conditions: [...context.conditions, '@grp/source'] }),
});
const native = createRequire(import.meta.url);
const { runCli } = native('../../src/main.ts') as typeof Main;
const { sourceOptions } = native('../../src/source-options.ts') as typeof SourceOptions;

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as JSON, one value per line. */
  readonly lines: readonly Record<string, unknown>[];
}

/** Runs one command line in this process, from sources, and gives what it printed. */
export async function grp(...argv: readonly string[]): Promise<Outcome> {
  const out = capture(process.stdout);
  const err = capture(process.stderr);
  let code: number;
  try {
    code = await runCli(argv, sourceOptions());
  } finally {
    out.restore();
    err.restore();
  }
  const stdout = out.text();
  return {
    code,
    stdout,
    stderr: err.text(),
    get lines() {
      return stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    },
  };
}

function capture(stream: NodeJS.WriteStream): { text: () => string; restore: () => void } {
  const chunks: string[] = [];
  const spy = vi.spyOn(stream, 'write').mockImplementation((chunk, encoding?: unknown, callback?: unknown) => {
    chunks.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'));
    const done = typeof encoding === 'function' ? encoding : callback;
    if (typeof done === 'function') queueMicrotask(done as () => void);
    return true;
  });
  return { text: () => chunks.join(''), restore: () => spy.mockRestore() };
}
