import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeClient } from '../client/http-client.ts';
import { cliError } from '../errors.ts';
import type { PutDocument, RepairDocument, StatDocument } from './documents.ts';
import { fetchFile, type Found } from './fetch.ts';
import { withQuery } from './paths.ts';
import { sendFile, type SendOptions } from './send.ts';
import type { Source } from './source.ts';

// Files in memory, for the demo and for tests.

/** Puts bytes under a name. @throws GrpError as `sendFile` */
export async function putBytes(
  clients: readonly NodeClient[],
  name: string,
  bytes: Buffer,
  options: Pick<SendOptions, 'ifVersion' | 'ifAbsent' | 'keep' | 'signal'> = {},
): Promise<PutDocument> {
  return sendFile({ clients, name, source: sourceOf(bytes), ...options });
}

/** The bytes of a file. @throws GrpError as `fetchFile` */
export async function getBytes(
  clients: readonly NodeClient[],
  name: string,
  version?: number,
): Promise<Found & { readonly content: Buffer }> {
  const parts: Buffer[] = [];
  const onFound = (): void => {};
  const found = await fetchFile({ clients, name, version, onFound, write: async (bytes) => void parts.push(bytes) });
  return { ...found, content: Buffer.concat(parts) };
}

/** A file and its replicas, asked of the first node that answers. */
export async function statOf(clients: readonly NodeClient[], name: string): Promise<StatDocument> {
  return firstAnswer(clients, (client) => client.get<StatDocument>(withQuery('/v1/dfs/stat', { name })));
}

export async function repairOf(clients: readonly NodeClient[]): Promise<RepairDocument> {
  return firstAnswer(clients, (client) => client.get<RepairDocument>('/v1/dfs/repair'));
}

export interface RepairedOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** What must be so besides that nothing is left to repair. */
  readonly also?: (status: RepairDocument) => boolean;
}

/**
 * Waits until every replica that is wanted is there, and no node is being waited for.
 * @throws GrpError CLUSTER_WAIT_TIMEOUT
 */
export async function untilRepaired(clients: readonly NodeClient[], options: RepairedOptions): Promise<void> {
  const { timeoutMs, signal, also = () => true } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const status = await repairOf(clients).catch(() => undefined);
    if (status?.idle === true && also(status)) return;
    if (performance.now() > deadline) {
      const reason = status === undefined ? 'no node answers' : `under-replicated: ${status.underReplicated}`;
      throw cliError('CLUSTER_WAIT_TIMEOUT', { context: { goal: 'repaired', timeoutMs, reason } });
    }
    await sleep(50, undefined, signal === undefined ? {} : { signal });
  }
}

async function firstAnswer<Document>(
  clients: readonly NodeClient[],
  ask: (client: NodeClient) => Promise<Document>,
): Promise<Document> {
  for (const client of clients.slice(0, -1)) {
    try {
      return await ask(client);
    } catch (cause) {
      if ((cause as { readonly kind?: string }).kind !== 'unreachable') throw cause;
    }
  }
  return ask(clients.at(-1) as NodeClient);
}

function sourceOf(bytes: Buffer): Source {
  return {
    label: 'memory',
    bytes: bytes.length,
    again: true,
    close: async () => {},
    read: () => ({ stream: Readable.from([bytes]), sha256: () => createHash('sha256').update(bytes).digest('hex') }),
  };
}
