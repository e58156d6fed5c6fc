import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatAddress, parseAddress } from '@grp/core';
import { NodeClient } from '../client/http-client.ts';
import { cliError } from '../errors.ts';
import { invocation } from '../invocation.ts';
import type { NodeSpec } from '../run-node.ts';
import { isGone, stopProcess } from './down.ts';
import { launch, untilReady } from './launch.ts';
import { observe, type ObservedNode } from './observe.ts';
import { isAlive, lookUp, sendSignal } from './processes.ts';
import { nextRecording } from './recordings.ts';
import {
  nodeFiles,
  readJsonFile,
  requireNode,
  requireState,
  updateNode,
  type ClusterNode,
  type ClusterState,
} from './state.ts';

/** A crash: SIGKILL. Resolves when the process is gone. @throws GrpError CLUSTER_NODE_UNKNOWN, CLUSTER_NODE_STATE */
export async function killNode(dir: string, id: string): Promise<ObservedNode> {
  const node = await aliveNode(dir, id);
  await updateNode(dir, id, { intended: 'killed' });
  sendSignal(node, 'SIGKILL');
  await isGone(node, 5_000);
  return observeNow(dir, id);
}

/** Freezes a node (SIGSTOP): to the others it looks dead. @throws GrpError CLUSTER_NODE_UNKNOWN, CLUSTER_NODE_STATE */
export async function pauseNode(dir: string, id: string): Promise<ObservedNode> {
  const node = await aliveNode(dir, id);
  await updateNode(dir, id, { intended: 'paused' });
  sendSignal(node, 'SIGSTOP');
  return observeUntil(dir, id, (seen) => seen.state === 'paused');
}

/** Lets a frozen node go on (SIGCONT). @throws GrpError CLUSTER_NODE_UNKNOWN, CLUSTER_NODE_STATE */
export async function resumeNode(dir: string, id: string): Promise<ObservedNode> {
  const node = await aliveNode(dir, id);
  await updateNode(dir, id, { intended: 'up' });
  sendSignal(node, 'SIGCONT');
  return observeUntil(dir, id, () => lookUp(node.pid)?.paused !== true);
}

/** How a node is started again. */
export interface RestartOptions {
  /** Start without the data of the last life. */
  readonly empty: boolean;
  readonly timeoutMs: number;
}

/**
 * A new life of the same member: same name, same ports. A node that still runs leaves first.
 * @throws GrpError CLUSTER_NODE_UNKNOWN, CLUSTER_START_FAILED, CLUSTER_START_TIMEOUT
 */
export async function restartNode(
  dir: string,
  id: string,
  { empty, timeoutMs }: RestartOptions,
): Promise<ObservedNode> {
  const state = await requireState(dir);
  const node = requireNode(state, id);
  if (isAlive(node)) {
    await updateNode(dir, id, { intended: 'stopped' });
    await stopProcess(node, Math.min(timeoutMs, 10_000));
  }
  const files = nodeFiles(dir, id);
  if (empty) await rm(files.data, { recursive: true, force: true });
  const spec = (await readJsonFile(files.options)) as unknown as NodeSpec | undefined;
  if (spec === undefined)
    throw cliError('CLI_FILE_UNREADABLE', { context: { file: files.options, reason: 'missing' } });
  const join = state.nodes.filter((other) => other.id !== id && isAlive(other)).map(({ bind }) => bind);
  // Without its log a raft server is a new one, which must not vote under the name that has voted before.
  const bootstrap = empty ? false : spec.options.bootstrap;
  const record = spec.options.record === undefined ? undefined : await nextRecording(resolve(dir), id);
  const mark = await launch(dir, id, { ...spec, options: { ...spec.options, join, bootstrap, record } });
  await updateNode(dir, id, { ...mark, intended: 'up' });
  await untilReady(dir, id, mark, { timeoutMs });
  return observeNow(dir, id);
}

/** Who was cut off from whom. */
export interface PartitionResult {
  readonly sides: readonly (readonly string[])[];
  /** Nodes that could not be told because they do not run. */
  readonly skipped: readonly string[];
}

/**
 * Cuts the cluster: from now on nothing passes between the sides, in either direction. Nodes of no side reach everybody.
 * Replaces an earlier cut; a node that restarts has forgotten it.
 * @throws GrpError CLUSTER_NODE_UNKNOWN and what a node answers
 */
export async function partition(dir: string, sides: readonly (readonly string[])[]): Promise<PartitionResult> {
  const state = await requireState(dir);
  const nodes = sides.map((side) => side.map((id) => requireNode(state, id)));
  const blockedFor = new Map<string, readonly string[]>();
  for (const [index, side] of nodes.entries()) {
    const others = nodes.filter((_, other) => other !== index).flat();
    for (const { id } of side)
      blockedFor.set(
        id,
        others.flatMap((other) => addressesOf(other)),
      );
  }
  const skipped = await block(state, (id) => blockedFor.get(id) ?? []);
  return { sides, skipped };
}

/** Ends every cut. */
export async function heal(dir: string): Promise<Pick<PartitionResult, 'skipped'>> {
  return { skipped: await block(await requireState(dir), () => []) };
}

async function block(state: ClusterState, addresses: (id: string) => readonly string[]): Promise<readonly string[]> {
  const reachable = state.nodes.filter((node) => isAlive(node) && lookUp(node.pid)?.paused !== true);
  await Promise.all(
    reachable.map(({ id, http }) => NodeClient.local(http, 5_000).post('/v1/node/faults', { block: addresses(id) })),
  );
  const told = new Set(reachable.map(({ id }) => id));
  return state.nodes.map(({ id }) => id).filter((id) => !told.has(id));
}

/** Every address from which a node speaks to others; HTTP is for its operators. */
function addressesOf({ bind, ports }: ClusterNode): readonly string[] {
  const { host } = parseAddress(bind);
  return Object.entries(ports)
    .filter(([role]) => role !== 'http')
    .map(([, port]) => formatAddress(host, port));
}

async function aliveNode(dir: string, id: string): Promise<ClusterNode> {
  const node = requireNode(await requireState(dir), id);
  if (isAlive(node)) return node;
  const { state } = await observe(dir, node);
  throw cliError('CLUSTER_NODE_STATE', {
    context: { id, state, wanted: 'alive' },
    hint: `Start it again with: ${invocation()} cluster restart ${id}`,
  });
}

async function observeNow(dir: string, id: string): Promise<ObservedNode> {
  return observe(dir, requireNode(await requireState(dir), id));
}

async function observeUntil(dir: string, id: string, holds: (seen: ObservedNode) => boolean): Promise<ObservedNode> {
  for (let attempt = 0; ; attempt++) {
    const seen = await observeNow(dir, id);
    if (holds(seen) || attempt === 100) return seen;
    await sleep(20);
  }
}
