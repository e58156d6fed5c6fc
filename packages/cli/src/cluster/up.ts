import { formatAddress, parseAddress } from '@grp/core';
import { resolve } from 'node:path';
import { cliError } from '../errors.ts';
import type { NodeSpec } from '../run-node.ts';
import { bringDown } from './down.ts';
import { launch, untilReady } from './launch.ts';
import { untilComplete } from './lists.ts';
import { clusterDocument, type ClusterDocument } from './observe.ts';
import { freeBasePorts, portsPerNode, takenPort } from './ports.ts';
import { isAlive } from './processes.ts';
import { clusterConfigFile, hasRaft, writeClusterConfig } from './cluster-config.ts';
import { clearRecordings, nextRecording } from './recordings.ts';
import { nodeFiles, readState, requireState, updateNode, updateState, type ClusterNode } from './state.ts';

const host = '127.0.0.1';

/** What the nodes of a cluster have in common. */
export type NodeTemplate = Omit<
  NodeSpec['options'],
  'name' | 'bind' | 'advertise' | 'join' | 'http' | 'dataDir' | 'record'
>;

/** Which cluster is started, and how. */
export interface UpOptions {
  readonly dir: string;
  readonly count: number;
  /** The first node's; 0 takes free ones. */
  readonly basePort: number;
  readonly template: NodeTemplate;
  /** Each node writes what it sends, receives and decides below the folder; what is there of an earlier cluster goes. */
  readonly record?: boolean | undefined;
  readonly logFormat: NodeSpec['logFormat'];
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: UpProgress) => void;
}

/** How far the start of a cluster has come. */
export type UpProgress =
  | { readonly type: 'launched' | 'ready'; readonly id: string }
  | { readonly type: 'lists'; readonly complete: number; readonly count: number };

/**
 * Starts a cluster on this machine and waits until every list is complete. When that fails, nothing is left running.
 * @throws GrpError CLUSTER_EXISTS, CLUSTER_PORT_IN_USE, CLUSTER_START_FAILED, CLUSTER_START_TIMEOUT, CLUSTER_WAIT_TIMEOUT
 */
export async function bringUp(options: UpOptions): Promise<ClusterDocument> {
  const { dir, count } = options;
  await refuseSecond(dir);
  const ports = await basePorts(options);
  const planned = ports.map((port, index) => plan(options, `n${index + 1}`, port));
  await updateState(dir, () => planned);
  if (hasRaft(options.template)) await writeClusterConfig(dir, planned);
  if (options.record === true) await clearRecordings(dir);
  try {
    await startAll(options, planned);
    const targets = planned.map(({ id, http, roles }) => ({ name: id, http, roles }));
    await untilComplete(targets, {
      timeoutMs: options.timeoutMs,
      signal: options.signal,
      onProgress: (complete) => options.onProgress?.({ type: 'lists', complete, count }),
    });
    return await clusterDocument(dir, await requireState(dir));
  } catch (cause) {
    await bringDown({ dir, timeoutMs: 0 });
    throw cause;
  }
}

async function refuseSecond(dir: string): Promise<void> {
  const state = await readState(dir);
  const running = state?.nodes.filter((node) => isAlive(node)).length ?? 0;
  if (state !== undefined && running > 0) {
    throw cliError('CLUSTER_EXISTS', { context: { dir, running, count: state.nodes.length } });
  }
}

async function basePorts({ dir, basePort, count }: UpOptions): Promise<readonly number[]> {
  if (basePort === 0) return (await formerPorts(dir, count)) ?? freeBasePorts(host, count);
  const ports = Array.from({ length: count }, (_, index) => basePort + index * portsPerNode);
  for (const base of ports) {
    const port = await takenPort(host, base);
    if (port !== undefined) throw cliError('CLUSTER_PORT_IN_USE', { context: { host, port } });
  }
  return ports;
}

/** The ports of the last cluster in this folder, if they are free: its servers know each other by them. */
async function formerPorts(dir: string, count: number): Promise<readonly number[] | undefined> {
  const nodes = (await readState(dir))?.nodes ?? [];
  const ports = nodes.map(({ bind }) => parseAddress(bind).port);
  if (ports.length !== count) return undefined;
  for (const port of ports) if ((await takenPort(host, port)) !== undefined) return undefined;
  return ports;
}

function plan({ template }: UpOptions, id: string, port: number): ClusterNode {
  const ports = { swim: port, http: port + portsPerNode - 1 };
  const http = `http://${host}:${ports.http}`;
  // Process 0 is nobody's: the node is planned, not running.
  return {
    id,
    pid: 0,
    startTicks: -1,
    intended: 'up',
    roles: template.roles,
    bind: formatAddress(host, port),
    http,
    ports,
  };
}

/** The first node alone, since the others join through it; then all the others at once. */
async function startAll(options: UpOptions, planned: readonly ClusterNode[]): Promise<void> {
  const [first, ...others] = planned;
  if (first === undefined) return;
  await startOne(options, first, []);
  const started = await Promise.allSettled(others.map((node) => startOne(options, node, [first.bind])));
  // Only now, when nothing is being launched any more, can a failure be cleaned up after.
  const failure = started.find((result) => result.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

async function startOne(options: UpOptions, node: ClusterNode, seeds: readonly string[]): Promise<void> {
  const { dir, timeoutMs, signal } = options;
  const record = options.record === true ? await nextRecording(resolve(dir), node.id) : undefined;
  const mark = await launch(dir, node.id, specOf(options, { ...node, record }, seeds));
  await updateNode(dir, node.id, mark);
  options.onProgress?.({ type: 'launched', id: node.id });
  const ready = await untilReady(dir, node.id, mark, { timeoutMs, signal });
  await updateNode(dir, node.id, { ports: ready.ports, http: ready.http });
  options.onProgress?.({ type: 'ready', id: node.id });
}

function specOf(
  { dir, template, logFormat, timeoutMs }: UpOptions,
  node: ClusterNode & { readonly record: string | undefined },
  seeds: readonly string[],
): NodeSpec {
  const files = nodeFiles(resolve(dir), node.id);
  return {
    options: {
      ...template,
      name: node.id,
      bind: node.bind,
      http: new URL(node.http).host,
      join: seeds,
      dataDir: files.data,
      record: node.record,
      ...(hasRaft(template) ? { clusterConfig: clusterConfigFile(resolve(dir)) } : {}),
    },
    logFormat,
    readyFile: files.ready,
    joinTimeoutMs: timeoutMs,
  };
}
