import { setTimeout as sleep } from 'node:timers/promises';
import { NodeClient } from '../client/http-client.ts';
import type { MembersDocument } from '../client/documents.ts';
import { cliError } from '../errors.ts';

export interface ListTarget {
  readonly name: string;
  readonly http: string;
}

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Hears how many lists are complete, when that changes. */
  readonly onProgress?: (complete: number) => void;
}

/** Whether a list has exactly these members alive and none suspected. */
export function isComplete({ members }: Pick<MembersDocument, 'members'>, names: ReadonlySet<string>): boolean {
  const alive = members.filter(({ status }) => status === 'alive').map(({ name }) => name);
  return (
    alive.length === names.size &&
    alive.every((name) => names.has(name)) &&
    !members.some(({ status }) => status === 'suspect')
  );
}

/**
 * Waits until the list of each of these nodes is exactly these nodes.
 * @throws GrpError CLUSTER_WAIT_TIMEOUT naming the lists that were not
 */
export async function untilComplete(nodes: readonly ListTarget[], options: WaitOptions): Promise<void> {
  const names = new Set(nodes.map(({ name }) => name));
  await until('converged', nodes, options, async ({ http }) => {
    const list = await NodeClient.local(http, 2_000).get<MembersDocument>('/v1/swim/members');
    return isComplete(list, names);
  });
}

/** Waits until each of these nodes says that it is ready. @throws GrpError CLUSTER_WAIT_TIMEOUT */
export async function untilAllReady(nodes: readonly ListTarget[], options: WaitOptions): Promise<void> {
  await until('ready', nodes, options, ({ http }) => NodeClient.local(http, 2_000).ready());
}

async function until(
  goal: string,
  nodes: readonly ListTarget[],
  { timeoutMs, signal, onProgress }: WaitOptions,
  holds: (node: ListTarget) => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let told = -1;
  for (;;) {
    const done = await Promise.all(nodes.map((node) => holds(node).catch(() => false)));
    const complete = done.filter(Boolean).length;
    if (complete !== told) onProgress?.(complete);
    told = complete;
    if (complete === nodes.length) return;
    if (performance.now() > deadline) {
      const missing = nodes.filter((_, index) => done[index] !== true).map(({ name }) => name);
      throw cliError('CLUSTER_WAIT_TIMEOUT', { context: { goal, timeoutMs, reason: `not ${missing.join(', ')}` } });
    }
    await sleep(100, undefined, signal === undefined ? {} : { signal });
  }
}
