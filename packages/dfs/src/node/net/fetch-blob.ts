import { defineErrors } from '@grp/core';
import type { BlobWriter } from '../store/blob-writer.ts';
import { frameBytes } from '../store/config.ts';
import type { WireCopy } from './bodies.ts';
import { IncomingGet } from './incoming-get.ts';
import type { Peer } from './peer.ts';
import { memoryOf, storable, type ServerParts } from './server-parts.ts';

/** Why a copy from another server failed. */
export const copyError = defineErrors({
  DFS_COPY_SOURCE_BAD: { kind: 'violated', message: 'The source has no good copy: $problem.' },
  DFS_COPY_SOURCE_UNREACHABLE: { kind: 'unreachable', message: 'The source cannot be read: $problem.' },
});

/**
 * Fetches a blob from another server into the store here, each frame under the CRC with which its writer sent it.
 * Resolves when it is durable. @throws GrpError DFS_COPY_SOURCE_BAD, DFS_COPY_SOURCE_UNREACHABLE, DFS_DISK_FULL, DFS_STORE_FAILED
 */
export async function fetchBlob(parts: ServerParts, source: Peer, order: WireCopy): Promise<void> {
  const writer = parts.store.create(order.blob, order.epoch, order.bytes);
  try {
    await new Promise<void>((resolve, reject) => receive(parts, { source, order, writer, resolve, reject }));
    await writer.finish(order.sha256);
  } catch (cause) {
    await writer.abort();
    throw cause;
  }
  parts.counters.add('copied');
  parts.counters.add('copy-bytes', order.bytes);
}

interface Receiving {
  readonly source: Peer;
  readonly order: WireCopy;
  readonly writer: BlobWriter;
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

function receive(parts: ServerParts, { source, order, writer, resolve, reject }: Receiving): void {
  const { config, budget, buffers } = parts;
  const { blob, bytes, sha256 } = order;
  const windowBytes = config.windowBytes / 2;
  let movedAt = parts.now();
  let writes: Promise<unknown> = Promise.resolve();
  const over = (): void => clearInterval(timer);
  const fail = (cause: unknown): void => {
    over();
    get.cancel();
    reject(cause);
  };
  const timer = setInterval(() => {
    if (parts.now() - movedAt > config.stallMs)
      fail(copyError('DFS_COPY_SOURCE_UNREACHABLE', { context: { problem: 'it has stalled' } }));
  }, config.stallMs / 4);
  const get = new IncomingGet(
    source,
    { blob, offset: 0, length: 0, windowBytes },
    {
      onContent(content) {
        movedAt = parts.now();
        if (content.bytes !== bytes || content.sha256 !== sha256)
          fail(copyError('DFS_COPY_SOURCE_BAD', { context: { problem: 'it holds other content' } }));
      },
      onFrame(frame) {
        movedAt = parts.now();
        const content = storable(frame, Math.floor(frame.offset / frameBytes), buffers);
        budget.take(memoryOf(content));
        const written = writer.write(content).finally(() => budget.release(memoryOf(content)));
        writes = Promise.all([writes, written]);
        written.then(() => get.credit(frame.bytes), fail);
      },
      onEnd() {
        over();
        writes.then(() => resolve(), reject);
      },
      onFailed(problem, { isDamaged }) {
        over();
        const code = isDamaged ? 'DFS_COPY_SOURCE_BAD' : 'DFS_COPY_SOURCE_UNREACHABLE';
        writes.catch(() => {});
        reject(copyError(code, { context: { problem } }));
      },
    },
    bytes <= 262_144,
  );
}
