import { readFileSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cliError, isRecord } from '../errors.ts';
import { lookUp, type ProcessMark } from './processes.ts';

const schema = 'grp.cluster.state/1';

/** What the operator last wanted of a node. What it does is looked up: see `observe`. */
export type Intention = 'up' | 'paused' | 'killed' | 'stopped';

export interface ClusterNode extends ProcessMark {
  /** `n1` … `nN`; also its name in the membership. */
  readonly id: string;
  readonly intended: Intention;
  readonly roles: readonly string[];
  /** `host:port` of the base port; kept over restarts. */
  readonly bind: string;
  readonly http: string;
  readonly ports: Readonly<Record<string, number>>;
}

export interface ClusterState {
  readonly schema: typeof schema;
  /** ISO time of `cluster up`. */
  readonly startedAt: string;
  readonly nodes: readonly ClusterNode[];
}

/** The files of one node below the cluster's folder. */
export interface NodeFiles {
  readonly folder: string;
  readonly options: string;
  readonly ready: string;
  readonly exit: string;
  readonly log: string;
  readonly data: string;
}

export function stateFile(dir: string): string {
  return join(dir, 'state.json');
}

export function nodeFiles(dir: string, id: string): NodeFiles {
  const folder = join(dir, 'nodes', id);
  return {
    folder,
    options: join(folder, 'options.json'),
    ready: join(folder, 'ready.json'),
    exit: join(folder, 'exit.json'),
    log: join(dir, 'logs', `${id}.log`),
    data: join(folder, 'data'),
  };
}

/** The state in a folder; undefined when there is no cluster. @throws GrpError CLUSTER_STATE_INVALID */
export async function readState(dir: string): Promise<ClusterState | undefined> {
  const file = stateFile(dir);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
  const value = parseJson(text);
  if (!isState(value)) throw cliError('CLUSTER_STATE_INVALID', { context: { file } });
  return value;
}

/** As `readState`, without waiting; undefined also for a file that cannot be read. */
export function readStateNow(dir: string): ClusterState | undefined {
  try {
    const value = parseJson(readFileSync(stateFile(dir), 'utf8'));
    return isState(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** As `readState`. @throws GrpError CLUSTER_NONE too */
export async function requireState(dir: string): Promise<ClusterState> {
  const state = await readState(dir);
  if (state === undefined) throw cliError('CLUSTER_NONE', { context: { dir } });
  return state;
}

/** The node with an id. @throws GrpError CLUSTER_NODE_UNKNOWN */
export function requireNode(state: ClusterState, id: string): ClusterNode {
  const node = state.nodes.find((one) => one.id === id);
  if (node !== undefined) return node;
  const ids = state.nodes.map((one) => one.id).join(', ');
  throw cliError('CLUSTER_NODE_UNKNOWN', { context: { id: id.slice(0, 80), ids } });
}

/**
 * Replaces the state, one command at a time: readers see the old or the new file, never half of one.
 * @throws GrpError CLUSTER_BUSY when another command holds the folder for 5 s
 */
export async function updateState(
  dir: string,
  change: (state: ClusterState | undefined) => readonly ClusterNode[],
): Promise<ClusterState> {
  await mkdir(dir, { recursive: true });
  const unlock = await lock(dir);
  try {
    const before = await readState(dir);
    // A cluster begins when none of its nodes has a process yet.
    const nodes = change(before);
    const fresh = before === undefined || nodes.every(({ pid }) => pid === 0);
    const startedAt = fresh ? new Date().toISOString() : before.startedAt;
    const state: ClusterState = { schema, startedAt, nodes };
    await writeAtomically(stateFile(dir), state);
    return state;
  } finally {
    await unlock();
  }
}

/** Changes one node's entry. */
export async function updateNode(dir: string, id: string, change: Partial<ClusterNode>): Promise<ClusterState> {
  return updateState(dir, (state) =>
    (state?.nodes ?? []).map((node) => (node.id === id ? { ...node, ...change } : node)),
  );
}

/** Writes a document so that a reader finds it whole or not at all. */
export async function writeAtomically(file: string, value: unknown, mode = 0o666): Promise<void> {
  const part = `${file}.${process.pid}.part`;
  await writeFile(part, `${JSON.stringify(value, null, 2)}\n`, { mode });
  await rename(part, file);
}

/** A JSON file that another process writes; undefined while it is not there or not whole. */
export async function readJsonFile(file: string): Promise<Record<string, unknown> | undefined> {
  const value = parseJson(await readFile(file, 'utf8').catch(() => ''));
  return isRecord(value) ? value : undefined;
}

async function lock(dir: string): Promise<() => Promise<void>> {
  const file = join(dir, 'state.lock');
  const deadline = performance.now() + 5_000;
  for (;;) {
    try {
      const handle = await open(file, 'wx');
      await handle.writeFile(String(process.pid));
      await handle.close();
      return () => rm(file, { force: true });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    }
    const holder = Number(await readFile(file, 'utf8').catch(() => ''));
    // A command that was killed leaves its lock behind. An empty file is one that is being written.
    if (holder > 0 && lookUp(holder) === undefined) await rm(file, { force: true });
    else if (performance.now() > deadline) throw cliError('CLUSTER_BUSY', { context: { file } });
    else await sleep(20);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isState(value: unknown): value is ClusterState {
  if (!isRecord(value) || value['schema'] !== schema || !Array.isArray(value['nodes'])) return false;
  return value['nodes'].every(
    (node) =>
      isRecord(node) &&
      typeof node['id'] === 'string' &&
      typeof node['pid'] === 'number' &&
      typeof node['http'] === 'string',
  );
}
