import { cliError } from '../errors.ts';

export interface PasswordOptions {
  readonly fromStdin: boolean;
  readonly message: string;
  /** Ask twice, because nobody sees what is typed. */
  readonly confirm?: boolean;
}

const passwordBytesMax = 65_536;

/**
 * A password from the first line of stdin, or typed at the terminal unseen.
 * @throws GrpError CHAT_PASSWORD_NEEDED without either, CHAT_PASSWORDS_DIFFER
 */
export async function readPassword({ fromStdin, message, confirm = false }: PasswordOptions): Promise<string> {
  if (fromStdin) return (await readLines(1))[0] as string;
  if (!process.stdin.isTTY) throw cliError('CHAT_PASSWORD_NEEDED');
  const password = await ask(message);
  if (confirm && (await ask(`${message}, again`)) !== password) throw cliError('CHAT_PASSWORDS_DIFFER');
  return password;
}

/** Old and new password: two lines of stdin, or two questions. */
export async function readPasswords(fromStdin: boolean): Promise<{ readonly old: string; readonly new: string }> {
  if (fromStdin) {
    const [old = '', fresh = ''] = await readLines(2);
    return { old, new: fresh };
  }
  const old = await readPassword({ fromStdin, message: 'Password so far' });
  return { old, new: await readPassword({ fromStdin, message: 'New password', confirm: true }) };
}

async function ask(message: string): Promise<string> {
  const { default: prompt } = await import('@inquirer/password');
  // The question is talk, so that stdout stays data.
  return prompt({ message, mask: '•' }, { output: process.stderr });
}

async function readLines(count: number): Promise<readonly string[]> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += String(chunk);
    if (text.length > passwordBytesMax) break;
  }
  const lines = text.split(/\r?\n/);
  if (lines.length < count || lines.slice(0, count).includes('')) throw cliError('CHAT_PASSWORD_NEEDED');
  return lines.slice(0, count);
}
