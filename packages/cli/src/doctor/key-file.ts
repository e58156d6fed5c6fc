import { GrpError } from '@grp/core';
import { ok, problem, warning, type Finding } from './finding.ts';

/** A key file: nobody else's to read, keys of a good size, not made by hand. */
export async function checkKeyFile(file: string): Promise<Finding> {
  try {
    // The node's own reader: what passes here is what it will accept.
    const { readKeyFile } = await import('@grp/node');
    const keys = await readKeyFile(file);
    const short = keys.find((key) => key.length < 32);
    const fix = '(umask 077; head -c 32 /dev/urandom | base64 > new.key), then rotate with: grp swim keys';
    if (keys.some((key) => looksMade(key))) {
      return problem('key', `A key in ${file} does not look random: it can be guessed.`, `Make one: ${fix}`);
    }
    if (short !== undefined)
      return warning('key', `A key in ${file} has ${short.length} bytes; 32 are better.`, `Make one: ${fix}`);
    return ok(
      'key',
      `${file} holds ${keys.length === 1 ? 'a key' : `${keys.length} keys`} of 32 bytes, readable by its owner only.`,
    );
  } catch (cause) {
    if (!(cause instanceof GrpError)) throw cause;
    return problem('key', cause.message, cause.hint ?? 'Make a new key file.');
  }
}

/** Few different bytes, printable text, or counting up: hardly the work of a random source. */
function looksMade(key: Uint8Array): boolean {
  const different = new Set(key).size;
  const printable = key.every((byte) => byte >= 0x20 && byte < 0x7f);
  const counting = key.every((byte, index) => index === 0 || byte === (((key[index - 1] as number) + 1) & 0xff));
  return different < key.length / 3 || printable || counting;
}
