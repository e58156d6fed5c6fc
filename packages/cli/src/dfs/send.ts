import { randomUUID } from 'node:crypto';
import { GrpError } from '@grp/core';
import type { NodeClient } from '../client/http-client.ts';
import type { PutDocument } from './documents.ts';
import { fileError } from './errors.ts';
import { filePath } from './paths.ts';
import type { Source } from './source.ts';

export interface SendOptions {
  /** Asked one after the other, when one cannot be reached and the source can be read again. */
  readonly clients: readonly NodeClient[];
  readonly name: string;
  readonly source: Source;
  readonly ifVersion?: number | undefined;
  readonly ifAbsent?: boolean | undefined;
  readonly replicas?: number | undefined;
  readonly keep?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: ((bytes: number) => void) | undefined;
  readonly onRestart?: (() => void) | undefined;
  /** Everything is with a node: whether there is a new version is now for the store to say. */
  readonly onSent?: (() => void) | undefined;
}

/**
 * Puts a source under a name, and compares what the store says it has with what was sent.
 * @throws GrpError DFS_SOURCE_CHANGED, DFS_ALTERED, and what the node says
 */
export async function sendFile(options: SendOptions): Promise<PutDocument> {
  const { clients, name, source, signal, ifVersion, ifAbsent, replicas, keep } = options;
  const path = filePath(name, {
    'if-version': ifVersion,
    'if-absent': ifAbsent === true ? 'true' : undefined,
    replicas,
    keep,
    // The same for every attempt: a put that has happened already is answered with its version.
    'request-id': randomUUID(),
  });
  const headers = {
    'content-type': 'application/octet-stream',
    ...(source.bytes !== undefined && { 'content-length': String(source.bytes) }),
  };
  for (const [index, client] of clients.entries()) {
    const { stream, sha256 } = source.read((bytes) => options.onBytes?.(bytes));
    stream.once('end', () => options.onSent?.());
    try {
      const put = await client.upload<PutDocument>(path, stream, { headers, ...(signal && { signal }) });
      const expected = sha256();
      if (put.sha256 !== expected) throw fileError('DFS_ALTERED', { context: { found: put.sha256, expected } });
      return put;
    } catch (cause) {
      const isLast = index === clients.length - 1 || !source.again || signal?.aborted === true;
      if (isLast || !(cause instanceof GrpError) || cause.kind !== 'unreachable') throw cause;
      options.onRestart?.();
    }
  }
  throw new Error('there is a node to ask');
}
