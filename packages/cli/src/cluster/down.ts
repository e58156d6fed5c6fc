import { setTimeout as sleep } from 'node:timers/promises';
import { clusterDocument, type ClusterDocument } from './observe.ts';
import { isAlive, lookUp, sendSignal, type ProcessMark } from './processes.ts';
import { readStateNow, requireState, updateState, type ClusterNode } from './state.ts';

/** Which cluster is stopped, and how long its nodes may take to leave. */
export interface DownOptions {
  readonly dir: string;
  /** How long a graceful leave may take before the process is killed. */
  readonly timeoutMs: number;
}

/**
 * Stops every node: gracefully, and what is not gone in time by SIGKILL.
 * @throws GrpError CLUSTER_NONE
 */
export async function bringDown({ dir, timeoutMs }: DownOptions): Promise<ClusterDocument> {
  const state = await requireState(dir);
  const running = state.nodes.filter((node) => isAlive(node));
  const stopping = new Set(running.map(({ id }) => id));
  await updateState(dir, (current) =>
    (current?.nodes ?? []).map((node): ClusterNode =>
      stopping.has(node.id) ? { ...node, intended: 'stopped' } : node,
    ),
  );
  await Promise.all(running.map((node) => stopProcess(node, timeoutMs)));
  return clusterDocument(dir, await requireState(dir));
}

/** Stops one process: SIGTERM (after SIGCONT when it is paused), then SIGKILL. Resolves when it is gone. */
export async function stopProcess(mark: ProcessMark, timeoutMs: number): Promise<void> {
  if (timeoutMs > 0) {
    sendSignal(mark, 'SIGTERM');
    if (lookUp(mark.pid)?.paused === true) sendSignal(mark, 'SIGCONT');
    if (await isGone(mark, timeoutMs)) return;
  }
  sendSignal(mark, 'SIGKILL');
  await isGone(mark, 5_000);
}

/** Kills the whole cluster now and without a word: for the moment before this process itself ends. */
export function killClusterNow(dir: string): void {
  for (const node of readStateNow(dir)?.nodes ?? []) sendSignal(node, 'SIGKILL');
}

/** Waits for a process to end; false when it still runs after `timeoutMs`. */
export async function isGone(mark: ProcessMark, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (isAlive(mark)) {
    if (performance.now() > deadline) return false;
    await sleep(20);
  }
  return true;
}
