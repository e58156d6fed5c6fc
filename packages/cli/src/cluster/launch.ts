import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GrpError, type ErrorKind } from '@grp/core';
import { nodeEntry } from '../entry.ts';
import { cliError, isRecord } from '../errors.ts';
import type { NodeSpec, ReadyDocument } from '../run-node.ts';
import { isAlive, lookUp, type ProcessMark } from './processes.ts';
import { nodeFiles, readJsonFile, writeAtomically } from './state.ts';

/** V8 would give up to 96 MiB to what has just been made, in a process that keeps far less. */
const youngSpace = '--max-semi-space-size=8';

/** Starts one node as a process that outlives this one, and returns at once; its words go to its log. */
export async function launch(dir: string, id: string, spec: NodeSpec): Promise<ProcessMark> {
  const files = nodeFiles(dir, id);
  await mkdir(files.folder, { recursive: true });
  await mkdir(dirname(files.log), { recursive: true });
  await Promise.all([rm(files.ready, { force: true }), rm(files.exit, { force: true })]);
  await writeAtomically(files.options, spec);
  const log = openSync(files.log, 'a');
  try {
    const child = spawn(process.execPath, [youngSpace, ...nodeEntry(), files.options, files.exit], {
      // Its own process group: Ctrl-C in the terminal must reach the command only, which then stops nodes in order.
      detached: true,
      stdio: ['ignore', log, log],
      env: childEnvironment(),
    });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', () => resolve(child.pid as number));
    });
    child.unref();
    return { pid, startTicks: lookUp(pid)?.startTicks ?? null };
  } catch (cause) {
    throw cliError('CLUSTER_START_FAILED', {
      context: { id, reason: (cause as Error).message, log: files.log },
      cause,
    });
  } finally {
    closeSync(log);
  }
}

/** What is meant for this command is not meant for the nodes: their options are all in one file. */
function childEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('GRP_') && name !== 'NODE_OPTIONS');
  return { ...Object.fromEntries(kept), NO_COLOR: '1' };
}

export interface ReadyOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits until a launched node has written its ready file.
 * @throws GrpError CLUSTER_START_TIMEOUT, CLUSTER_START_FAILED or the error that the node itself ended with
 */
export async function untilReady(
  dir: string,
  id: string,
  mark: ProcessMark,
  { timeoutMs, signal }: ReadyOptions,
): Promise<ReadyDocument> {
  const files = nodeFiles(dir, id);
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const ready = await readJsonFile(files.ready);
    if (ready?.['pid'] === mark.pid) return ready as unknown as ReadyDocument;
    if (!isAlive(mark)) throw await startError(dir, id);
    if (performance.now() > deadline) {
      throw cliError('CLUSTER_START_TIMEOUT', { context: { id, timeoutMs, log: files.log } });
    }
    await sleep(25, undefined, signal === undefined ? {} : { signal });
  }
}

async function startError(dir: string, id: string): Promise<GrpError> {
  const { exit, log } = nodeFiles(dir, id);
  const left = await readJsonFile(exit);
  const error = isRecord(left?.['error']) ? left['error'] : {};
  if (typeof error['code'] !== 'string' || typeof error['message'] !== 'string') {
    const reason =
      left === undefined ? 'its process died without a word.' : `it exited with code ${String(left['code'])}.`;
    return cliError('CLUSTER_START_FAILED', { context: { id, reason, log } });
  }
  return new GrpError({
    code: error['code'],
    message: `Node ${id}: ${error['message']}`,
    kind: kinds[Number(left?.['code'])] ?? 'failure',
    hint: typeof error['hint'] === 'string' ? error['hint'] : `Its log is ${log}`,
  });
}

const kinds: Readonly<Record<number, ErrorKind>> = {
  2: 'usage',
  3: 'not-found',
  4: 'denied',
  5: 'unreachable',
  6: 'conflict',
};
