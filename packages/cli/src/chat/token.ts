import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord } from '../errors.ts';
import { writeAtomically } from '../cluster/state.ts';
import { readSecret } from '../secret-file.ts';

/** Who is logged in from this folder. */
export interface Login {
  readonly name: string;
  readonly token: string;
}

function file(dir: string): string {
  return join(dir, 'chat-login.json');
}

/** The login kept in a folder; undefined when there is none. @throws GrpError CLI_KEY_FILE_OPEN when others may read it */
export async function readLogin(dir: string): Promise<Login | undefined> {
  let text: string;
  try {
    text = await readSecret(file(dir));
  } catch (cause) {
    if ((cause as { readonly code?: unknown }).code === 'CLI_FILE_UNREADABLE') return undefined;
    throw cause;
  }
  const value: unknown = JSON.parse(text);
  if (!isRecord(value) || typeof value['name'] !== 'string' || typeof value['token'] !== 'string') return undefined;
  return { name: value['name'], token: value['token'] };
}

export async function keepLogin(dir: string, login: Login): Promise<void> {
  await mkdir(dir, { recursive: true });
  await writeAtomically(file(dir), login, 0o600);
}

export async function forgetLogin(dir: string): Promise<void> {
  await rm(file(dir), { force: true });
}
