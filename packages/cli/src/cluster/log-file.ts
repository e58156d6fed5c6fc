import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { cliError } from '../errors.ts';

const tailBytesMax = 16 * 1_024 * 1_024;
const chunkBytes = 65_536;

export interface Tail {
  readonly lines: readonly string[];
  /** Where the file ended: what follows is new. */
  readonly end: number;
}

/** The last lines of a log; of a huge one, those within its last 16 MiB. @throws GrpError CLI_FILE_UNREADABLE */
export async function lastLines(file: string, count: number): Promise<Tail> {
  const handle = await openLog(file);
  try {
    const { size } = await handle.stat();
    const from = Math.max(0, size - tailBytesMax);
    const bytes = Buffer.alloc(size - from);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, from);
    const lines = bytes.toString('utf8', 0, bytesRead).split('\n');
    const end = from + bytesRead - Buffer.byteLength(lines.pop() ?? '');
    return { lines: count === 0 ? [] : lines.slice(-count), end };
  } finally {
    await handle.close();
  }
}

/** Gives whole lines from an offset on as they are written, until `signal`. */
export async function followLog(
  file: string,
  from: number,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<void> {
  const handle = await openLog(file);
  const chunk = Buffer.alloc(chunkBytes);
  let offset = from;
  let rest = Buffer.alloc(0);
  try {
    while (!signal.aborted) {
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, offset);
      offset += bytesRead;
      rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
        onLine(rest.toString('utf8', 0, end));
        rest = rest.subarray(end + 1);
      }
      if (rest.length > tailBytesMax) rest = Buffer.alloc(0); // a line that never ends is no line
      if (bytesRead === 0) await sleep(100, undefined, { signal }).catch(() => {});
    }
  } finally {
    await handle.close();
  }
}

async function openLog(file: string): Promise<Awaited<ReturnType<typeof open>>> {
  return open(file, 'r').catch((cause: NodeJS.ErrnoException) => {
    throw cliError('CLI_FILE_UNREADABLE', { context: { file, reason: cause.code ?? cause.message }, cause });
  });
}
