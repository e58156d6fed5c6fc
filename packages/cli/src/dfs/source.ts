import { createHash, type Hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { fileError, problemOf } from './errors.ts';

const pieceBytes = 1_048_576;

/** What is to be put. */
export interface Source {
  /** For people: the path, or `stdin`. */
  readonly label: string;
  /** Known of files, not of pipes. */
  readonly bytes: number | undefined;
  /** Reads from the beginning; `onBytes` hears of every piece. A pipe can be read once. */
  read(onBytes: (bytes: number) => void): { readonly stream: Readable; readonly sha256: () => string };
  /** It can be read again, for a put that is sent to another node. */
  readonly again: boolean;
  close(): Promise<void>;
}

/** Opens a file, or stdin for `-`. @throws GrpError DFS_SOURCE_UNREADABLE */
export async function openSource(path: string): Promise<Source> {
  if (path === '-') return pipeSource('stdin', process.stdin, async () => {});
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const stat = await handle.stat();
    if (stat.isDirectory()) throw Object.assign(new Error('EISDIR'), { code: 'EISDIR' });
    return stat.isFile() ? fileSource(path, handle, stat.size) : pipeOf(path, handle);
  } catch (cause) {
    await handle?.close();
    const problem = problemOf(cause);
    throw fileError('DFS_SOURCE_UNREADABLE', { context: { file: path, problem }, cause });
  }
}

function pipeOf(path: string, handle: FileHandle): Source {
  return pipeSource(path, handle.createReadStream({ autoClose: false, highWaterMark: pieceBytes }), () =>
    handle.close(),
  );
}

function pipeSource(label: string, pipe: Readable, close: () => Promise<void>): Source {
  return {
    label,
    bytes: undefined,
    again: false,
    close,
    read: (onBytes) => hashed((hash) => pieces(pipe, hash, onBytes)),
  };
}

function fileSource(label: string, handle: FileHandle, bytes: number): Source {
  return {
    label,
    bytes,
    again: true,
    close: () => handle.close(),
    read: (onBytes) => hashed((hash) => filePieces({ label, handle, bytes }, hash, onBytes)),
  };
}

function hashed(read: (hash: Hash) => AsyncIterable<Buffer>): ReturnType<Source['read']> {
  const hash = createHash('sha256');
  const stream = Readable.from(read(hash), { objectMode: false, highWaterMark: 2 * pieceBytes });
  let digest: string | undefined;
  return { stream, sha256: () => (digest ??= hash.digest('hex')) };
}

async function* pieces(pipe: Readable, hash: Hash, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const piece of pipe as AsyncIterable<Buffer>) {
    hash.update(piece);
    onBytes(piece.length);
    yield piece;
  }
}

interface OpenFile {
  readonly label: string;
  readonly handle: FileHandle;
  readonly bytes: number;
}

/** The last piece is handed out only when the file has stayed as it was: without it there is no put. */
async function* filePieces(
  { label, handle, bytes }: OpenFile,
  hash: Hash,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const changed = (problem: string): Error => fileError('DFS_SOURCE_CHANGED', { context: { file: label, problem } });
  const before = await handle.stat();
  if (before.size !== bytes) throw changed(`it had ${bytes} bytes and has ${before.size}`);
  for (let at = 0; at < bytes;) {
    const piece = Buffer.allocUnsafe(Math.min(pieceBytes, bytes - at));
    let filled = 0;
    while (filled < piece.length) {
      const { bytesRead } = await handle.read(piece, filled, piece.length - filled, at + filled);
      if (bytesRead === 0) throw changed(`it ended after ${at + filled} of ${bytes} bytes`);
      filled += bytesRead;
    }
    at += piece.length;
    if (at === bytes) {
      const { size, mtimeMs, nlink } = await handle.stat();
      if (nlink === 0) throw changed('it was removed');
      if (size !== bytes) throw changed(`it had ${bytes} bytes and has ${size}`);
      if (mtimeMs !== before.mtimeMs) throw changed('somebody wrote to it');
    }
    hash.update(piece);
    onBytes(piece.length);
    yield piece;
  }
}
