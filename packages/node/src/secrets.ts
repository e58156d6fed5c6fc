import { nodeError } from './errors.ts';
import { readSecret } from './files.ts';

const keySizes: readonly number[] = [16, 24, 32];

/**
 * The cluster keys in a file, the primary first: one per line, base64 or hex, of 16, 24 or 32 bytes. Empty lines and
 * lines that start with `#` are skipped. Thirty-two hex digits are a key of 16 bytes, never base64 of 24.
 * @throws GrpError NODE_FILE_UNREADABLE, NODE_FILE_PERMISSIONS (others than the owner may read it), NODE_KEY_INVALID
 */
export async function readKeyFile(file: string): Promise<readonly Uint8Array[]> {
  const lines = (await readSecret(file)).split(/\r?\n/);
  const keys: Uint8Array[] = [];
  for (const [index, line] of lines.entries()) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    const key = parseKey(text);
    if (key === undefined) throw nodeError('NODE_KEY_INVALID', { context: { file, line: index + 1 } });
    keys.push(key);
  }
  if (keys.length === 0) throw nodeError('NODE_KEY_INVALID', { context: { file, line: 1 } });
  return keys;
}

/** Base64 (either alphabet, padding optional) or hex of a key; undefined for anything else. */
export function parseKey(text: string): Uint8Array | undefined {
  const hex = /^(?:[0-9a-f]{2})+$/i.test(text) ? Buffer.from(text, 'hex') : undefined;
  if (hex !== undefined && keySizes.includes(hex.length)) return new Uint8Array(hex);
  const digits = text
    .replace(/={0,2}$/, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/');
  const bytes = Buffer.from(digits, 'base64');
  // Node skips what is no base64: only what comes out the same was meant so.
  const exact = bytes.toString('base64').replace(/={0,2}$/, '') === digits;
  return exact && keySizes.includes(bytes.length) ? new Uint8Array(bytes) : undefined;
}

/**
 * The bearer token in a file: its first line, of 16 to 512 visible ASCII characters.
 * @throws GrpError NODE_FILE_UNREADABLE, NODE_FILE_PERMISSIONS, NODE_TOKEN_INVALID
 */
export async function readTokenFile(file: string): Promise<string> {
  const token = (await readSecret(file)).trim();
  if (!/^[\u0021-\u007E]{16,512}$/.test(token)) throw nodeError('NODE_TOKEN_INVALID', { context: { file } });
  return token;
}
