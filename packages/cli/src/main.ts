import { fileURLToPath } from 'node:url';
import type { GrpError } from '@grp/core';
import { isOn, wantsJson } from './given.ts';
import { jsonText } from './output/json.ts';
import { exitCodeOf, toGrpError } from './report.ts';

/** Where the command line finds its commands. */
export interface CliOptions {
  /** The package's folder, with package.json and, when built, oclif.manifest.json. */
  readonly root: URL;
  /** Replaces package.json; then the manifest is ignored and commands are loaded as this says. */
  readonly pjson?: unknown;
}

/**
 * Runs one command line and gives its exit code: 0, or the code of the error's kind. Nothing is thrown; errors are
 * printed as text on stderr, or under `--json` as one document on stdout.
 */
export async function runCli(argv: readonly string[], { root, pjson }: CliOptions): Promise<number> {
  guardPipes();
  const { beforeEnd } = colourChoice(argv);
  const exitCodeBefore = process.exitCode;
  process.exitCode = undefined;
  try {
    const { run, settings } = await import('@oclif/core');
    settings.enableAutoTranspile = false; // needs a TypeScript API that there is none of; sources run as they are
    const options = { root: fileURLToPath(root), ...(pjson === undefined ? {} : { pjson, ignoreManifest: true }) };
    await run([...argv], options as Parameters<typeof run>[1]);
    return exitCodeSoFar();
  } catch (thrown) {
    const exit = oclifExit(thrown);
    if (exit !== undefined) return exit;
    const error = toGrpError(thrown);
    printError(error, wantsJson(argv, process.env));
    return exitCodeOf(error);
  } finally {
    beforeEnd();
    process.exitCode = exitCodeBefore;
    await flushed(process.stdout);
    await flushed(process.stderr);
  }
}

/** What the command has set besides returning, such as `doctor` with a finding. */
function exitCodeSoFar(): number {
  return Number(process.exitCode ?? 0);
}

/** `--no-color` reaches oclif's help, which looks at the environment only, and only when it is loaded. */
function colourChoice(argv: readonly string[]): { beforeEnd: () => void } {
  const end = argv.indexOf('--');
  const asked = argv.includes('--no-color') && (end === -1 || argv.indexOf('--no-color') < end);
  if (!asked && !isOn(process.env['GRP_NO_COLOR'])) return { beforeEnd() {} };
  const before = process.env['NO_COLOR'];
  process.env['NO_COLOR'] = '1';
  return {
    beforeEnd() {
      if (before === undefined) delete process.env['NO_COLOR'];
      else process.env['NO_COLOR'] = before;
    },
  };
}

/** `this.exit(code)` inside oclif is an exception too. */
function oclifExit(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || (thrown as { code?: unknown }).code !== 'EEXIT') return undefined;
  return (thrown as { oclif?: { exit?: number } }).oclif?.exit ?? 0;
}

function printError(error: GrpError, json: boolean): void {
  if (process.env['GRP_DEBUG'] !== undefined) process.stderr.write(`${String(error.stack)}\n`);
  if (process.env['GRP_DEBUG'] !== undefined && error.cause instanceof Error) {
    process.stderr.write(`caused by ${String(error.cause.stack)}\n`);
  }
  if (json) {
    process.stdout.write(`${jsonText({ error: error.toJSON() })}\n`);
    return;
  }
  const hint = error.hint === undefined ? '' : `  ${error.hint}\n`;
  process.stderr.write(`grp: ${error.message}\n${hint}`);
}

/** A reader that goes away (`grp … | head`) is no error: everything it wanted has been printed. */
function guardPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.listeners('error').some((listener) => listener === leaveQuietly)) continue;
    stream.prependListener('error', leaveQuietly);
  }
}

function leaveQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0);
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()));
}
