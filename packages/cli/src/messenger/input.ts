import { readFile } from 'node:fs/promises';
import type { OpenMessengerOptions } from '@grp/messenger';
import { readKeyFile } from '@grp/node';
import { cliError } from '../errors.ts';
import { readSecret } from '../secret-file.ts';

export interface MessengerFlags {
  readonly nick: string;
  readonly tracker?: string | undefined;
  readonly bind?: string | undefined;
  readonly advertise?: string | undefined;
  readonly 'key-file'?: string | undefined;
  readonly 'group-key-file'?: string | undefined;
  readonly 'tls-ca'?: string | undefined;
  readonly tls: boolean;
}

const trackerDefault = '127.0.0.1:7949';

/**
 * Flags as options, with what the files say.
 * @throws GrpError CLI_FILE_UNREADABLE, CLI_KEY_FILE_OPEN, NODE_KEY_INVALID, NODE_FILE_PERMISSIONS
 */
export async function messengerInput(
  flags: MessengerFlags,
): Promise<OpenMessengerOptions & { readonly key: string | undefined }> {
  const { nick, bind, advertise, tracker = trackerDefault } = flags;
  const [keyFile, groupKeyFile, caFile] = [flags['key-file'], flags['group-key-file'], flags['tls-ca']];
  const keys = keyFile === undefined ? undefined : await readKeyFile(keyFile);
  const key = groupKeyFile === undefined ? undefined : (await readSecret(groupKeyFile)).trim();
  const tls = flags.tls || caFile !== undefined ? { ca: caFile && (await readText(caFile)) } : undefined;
  return { nick, tracker, bind, advertise, keys, tls, key };
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw cliError('CLI_FILE_UNREADABLE', { context: { file, reason: cause.code ?? cause.message }, cause });
  });
}
