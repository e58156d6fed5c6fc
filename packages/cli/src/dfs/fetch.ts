import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { GrpError } from '@grp/core';
import type { NodeClient } from '../client/http-client.ts';
import { fileError } from './errors.ts';
import { filePath } from './paths.ts';

export interface FetchOptions {
  /** Asked one after the other, when one breaks off in the middle. */
  readonly clients: readonly NodeClient[];
  readonly name: string;
  readonly version?: number | undefined;
  /** As HTTP writes it: `bytes=0-99`. */
  readonly range?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What will come; called once, before any bytes. */
  readonly onFound: (found: Found) => Promise<void> | void;
  /** The next bytes; the following ones wait for it. */
  readonly write: (bytes: Buffer) => Promise<void>;
}

/** What the node says before the bytes. */
export interface Found {
  readonly version: number;
  /** Of the whole version. */
  readonly sha256: string;
  /** That will come: of the range, or of everything. */
  readonly bytes: number;
}

interface Begun extends Found {
  /** Place of the first byte in the file. */
  readonly from: number;
  readonly isWhole: boolean;
}

/**
 * Reads a file, or a part of it, through a node; goes on through the next one where a node breaks off. A whole file is
 * compared with the SHA-256 that its put was acknowledged with.
 * @throws GrpError DFS_CUT_SHORT, DFS_ALTERED, what the node says, and what `write` throws
 */
export async function fetchFile(options: FetchOptions): Promise<Found> {
  const { clients, onFound } = options;
  const hash = createHash('sha256');
  let begun: Begun | undefined;
  let received = 0;
  let problem: unknown;
  for (const [index, client] of clients.entries()) {
    try {
      const answer = await client.download(filePath(options.name, { version: begun?.version ?? options.version }), {
        headers: rangeHeader(options, begun, received),
        ...(options.signal && { signal: options.signal }),
      });
      if (begun === undefined) {
        begun = begunOf(answer, options.range === undefined);
        await onFound(begun);
      }
      for await (const bytes of answer as AsyncIterable<Buffer>) {
        received += bytes.length;
        if (begun.isWhole) hash.update(bytes);
        await written(options, bytes);
      }
    } catch (cause) {
      if (cause instanceof WriteFailed) throw cause.cause;
      problem = cause;
      if (options.signal?.aborted === true || isFinal(cause) || (begun === undefined && index === clients.length - 1))
        throw cause;
    }
    if (begun !== undefined && received >= begun.bytes) return checked(begun, hash.digest('hex'));
  }
  const context = { received, expected: begun?.bytes ?? 0 };
  throw fileError('DFS_CUT_SHORT', { context, cause: problem });
}

class WriteFailed extends Error {}

async function written({ write }: FetchOptions, bytes: Buffer): Promise<void> {
  try {
    await write(bytes);
  } catch (cause) {
    throw new WriteFailed('', { cause }); // not the node's fault: another one would not help
  }
}

/** What a node has said; only that nobody could be reached may be different elsewhere. */
function isFinal(cause: unknown): boolean {
  return cause instanceof GrpError && cause.kind !== 'unreachable' && cause.kind !== 'no-quorum';
}

function rangeHeader({ range }: FetchOptions, begun: Begun | undefined, received: number): Record<string, string> {
  if (begun === undefined) return range === undefined ? {} : { range };
  if (received === 0 && begun.isWhole) return {};
  return { range: `bytes=${begun.from + received}-${begun.from + begun.bytes - 1}` };
}

function begunOf({ headers }: IncomingMessage, isWhole: boolean): Begun {
  const from = Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? 0);
  return {
    version: Number(headers['grp-version'] ?? 0),
    sha256: /^"([0-9a-f]{64})"$/.exec(headers.etag ?? '')?.[1] ?? '',
    bytes: Number(headers['content-length'] ?? 0),
    from,
    isWhole,
  };
}

function checked({ version, sha256, bytes, isWhole }: Begun, found: string): Found {
  if (isWhole && found !== sha256) throw fileError('DFS_ALTERED', { context: { found, expected: sha256 } });
  return { version, sha256, bytes };
}
