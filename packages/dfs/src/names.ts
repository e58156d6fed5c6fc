import { dfsError } from './errors.ts';

/** In bytes of UTF-8, as S3's keys. */
export const nameBytesMax = 1_024;

const encoder = new TextEncoder();

/**
 * Why this is no name for a file, as a clause; undefined when it is one. A name is any text of 1 to 1,024 bytes of UTF-8,
 * such as `logs/2026/a b.txt`, but for those that could lead a client that saves under the name out of its folder:
 * absolute ones, and ones with a part `.` or `..` between slashes or backslashes. NUL is refused because no file system
 * takes it, a lone surrogate because it is no UTF-8. Names are compared byte by byte: nothing is normalised or folded.
 */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (!name.isWellFormed()) return 'it is not valid UTF-8';
  if (name.length > nameBytesMax || encoder.encode(name).length > nameBytesMax)
    return `it is longer than ${nameBytesMax} bytes`;
  if (name.includes('\0')) return 'it contains a NUL';
  if (/^[/\\]/.test(name) || /^[A-Za-z]:[/\\]/.test(name)) return 'it is absolute';
  if (/(?:^|[/\\])\.{1,2}(?:$|[/\\])/.test(name)) return 'it has a part . or ..';
  return undefined;
}

/** @throws GrpError DFS_NAME_INVALID */
export function assertName(name: string): void {
  const problem = nameProblem(name);
  if (problem !== undefined) throw dfsError('DFS_NAME_INVALID', { context: { problem } });
}

/**
 * A name from bytes, such as those of a file system or a URL.
 * @throws GrpError DFS_NAME_INVALID, also for bytes that are no UTF-8
 */
export function nameFromBytes(bytes: Uint8Array): string {
  let name: string;
  try {
    name = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw dfsError('DFS_NAME_INVALID', { context: { problem: 'it is not valid UTF-8' }, cause });
  }
  assertName(name);
  return name;
}

/** The order of the names' bytes in UTF-8, which is the order of their code points. */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const [x, y] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (x === y) continue;
    // Code units of surrogates stand for code points above all others, yet lie below U+E000 … U+FFFF.
    return rank(x) - rank(y);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit;
}
