import { exitCodes, GrpError } from '@grp/core';
import { cliError } from './errors.ts';
import { nearest } from './nearest.ts';
import { exitCodeOfSignal } from './signals.ts';

/** What oclif's parser throws, as far as it is used here. */
interface ParserError extends Error {
  readonly oclif?: { readonly exit?: number };
  readonly flags?: readonly string[];
  readonly parse?: { readonly input?: { readonly flags?: Record<string, unknown> } };
}

/** Whatever was thrown, as an error with a code, a hint and an exit code. */
export function toGrpError(thrown: unknown): GrpError {
  if (thrown instanceof GrpError) return flagValueError(thrown) ?? thrown;
  const error = (thrown instanceof Error ? thrown : new Error(String(thrown))) as ParserError;
  const parsed = flagValueError(error) ?? parserError(error);
  if (parsed !== undefined) return parsed;
  if ('syscall' in error) return cliError('CLI_IO', { context: { what: error.message }, cause: error });
  return cliError('CLI_INTERNAL', { context: { what: error.message }, cause: error });
}

/** The exit code of an error, by its kind; of work that a signal cut short, by the signal. */
export function exitCodeOf(error: GrpError): number {
  if (error.code === 'CLI_INTERRUPTED') return exitCodeOfSignal(String(error.context['signal']));
  return exitCodes[error.kind];
}

/** oclif writes the flag's name and a remark about --help into the message of whatever a flag's parser threw. */
function flagValueError(error: Error): GrpError | undefined {
  const match = /^Parsing --(\S+) \n\t([\s\S]*)\nSee more help with --help$/.exec(error.message);
  if (match === null) return undefined;
  return cliError('CLI_FLAG_VALUE', {
    context: { flag: match[1] as string, what: match[2] as string },
    hint: error instanceof GrpError ? error.hint : undefined,
    cause: error,
  });
}

function parserError(error: ParserError): GrpError | undefined {
  const what = error.message.replace(/\nSee more help with --help$/, '').replaceAll(/\s*\n\s*/g, ' ');
  switch (error.constructor.name) {
    case 'NonExistentFlagsError':
      return unknownFlags(error);
    case 'RequiredArgsError':
    case 'UnexpectedArgsError':
    case 'ArgInvalidOptionError':
      return cliError('CLI_ARGUMENT', { context: { what: `${what}.` } });
    case 'FlagInvalidOptionError':
    case 'FailedFlagValidationError':
      return cliError('CLI_USAGE', { context: { what: `${what}.` }, hint: 'Add --help to see the flags.' });
    case 'CLIError': {
      const help = /^Command (\S+) not found\.$/.exec(error.message);
      if (help !== null) return cliError('CLI_UNKNOWN_COMMAND', { context: { command: spaced(help[1] as string) } });
      return cliError('CLI_USAGE', { context: { what: `${what}.` }, hint: 'Add --help to see the usage.' });
    }
    default:
      return undefined;
  }
}

function unknownFlags(error: ParserError): GrpError {
  const given = error.flags ?? [];
  const known = Object.keys(error.parse?.input?.flags ?? {}).map((name) => `--${name}`);
  const near = nearest((given[0] ?? '').split('=')[0] as string, known);
  return cliError('CLI_UNKNOWN_FLAG', {
    context: { flags: given.join(', ') },
    hint: near === undefined ? undefined : `Did you mean ${near}?`,
  });
}

function spaced(id: string): string {
  return id.replaceAll(':', ' ');
}
