import { readFile, stat } from 'node:fs/promises';
import { cliError } from './errors.ts';

/**
 * Reads a file that must be nobody else's to read.
 * @throws GrpError CLI_FILE_UNREADABLE, CLI_KEY_FILE_OPEN when group or others may read it
 */
export async function readSecret(file: string): Promise<string> {
  const unreadable = (cause: NodeJS.ErrnoException): never => {
    throw cliError('CLI_FILE_UNREADABLE', { context: { file, reason: cause.code ?? cause.message }, cause });
  };
  const { mode } = await stat(file).catch(unreadable);
  // Windows has no such bits: its access lists are beyond this check.
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw cliError('CLI_KEY_FILE_OPEN', { context: { file, mode: (mode & 0o777).toString(8) } });
  }
  return readFile(file, 'utf8').catch(unreadable);
}
