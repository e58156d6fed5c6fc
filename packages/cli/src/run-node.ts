import { writeFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { mkdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import type { Node, NodeOptions } from '@grp/node';
import { consoleFolder } from './console/folder.ts';
import { cliError } from './errors.ts';
import { armSignals } from './signals.ts';

/**
 * Garbage is collected when there is so much of it, as a share of what is kept. V8 lets the heap grow to a multiple first,
 * as long as the machine has room; a node shares the machine, and what it keeps changes slowly.
 */
const garbagePercent = 20;
/** These make much garbage of what is kept for a moment, and would look through all that they keep several times a second. */
const busyRoles: readonly string[] = ['chat', 'raft'];

/** A node process in one JSON document: no secrets, only the names of their files. */
export interface NodeSpec {
  readonly options: Omit<NodeOptions, 'logger' | 'keyring'>;
  readonly logFormat: 'pretty' | 'json';
  /** Written when the node serves. */
  readonly readyFile?: string | undefined;
  /** How long seeds may stay silent before the node gives up; 0: it never does. */
  readonly joinTimeoutMs: number;
}

/** What the ready file holds, and what `node start --json` prints. */
export interface ReadyDocument {
  readonly pid: number;
  readonly name: string;
  readonly http: string;
  readonly ports: Readonly<Record<string, number>>;
}

/**
 * Runs one node in this process until it is told to stop: by a first SIGINT or SIGTERM, over HTTP, or by an error of its
 * own. `onReady` is called once it serves; the signals are armed by then.
 * @throws GrpError what ended the node; CLI_JOIN_TIMEOUT when no seed answered in time
 */
export async function runNode(spec: NodeSpec, onReady: (ready: ReadyDocument) => void): Promise<void> {
  if (!spec.options.roles.some((role) => busyRoles.includes(role)))
    setFlagsFromString(`--heap-growing-percent=${garbagePercent}`);
  const interruption = armSignals();
  try {
    const { createNode, createLogger } = await import('@grp/node');
    const logger = createLogger({ format: spec.logFormat });
    const node = await createNode({ console: consoleFolder(), ...spec.options, logger });
    const stopped = new Promise<void>((resolve, reject) => {
      node.onStopped((cause) => (cause === undefined ? resolve() : reject(cause)));
    });
    stopped.catch(() => {}); // it is awaited below, perhaps after it has happened
    const asked = interruption.wait();
    try {
      const serving = await Promise.race([
        untilReady(node, spec).then(() => true),
        Promise.race([asked, stopped]).then(() => false),
      ]);
      if (serving) {
        const ready = readyDocument(node);
        if (spec.readyFile !== undefined) await writeReady(spec.readyFile, ready);
        onReady(ready);
        await Promise.race([asked, stopped]);
      }
    } finally {
      await node.stop();
    }
    await stopped;
  } finally {
    interruption.disarm();
  }
}

async function untilReady(node: Node, { options, joinTimeoutMs }: NodeSpec): Promise<void> {
  await node.start();
  let timer: NodeJS.Timeout | undefined;
  const seeds = (options.join ?? []).join(', ');
  const late = new Promise<never>((_, reject) => {
    if (joinTimeoutMs === 0) return;
    const giveUp = (): void => reject(cliError('CLI_JOIN_TIMEOUT', { context: { seeds, timeoutMs: joinTimeoutMs } }));
    timer = setTimeout(giveUp, joinTimeoutMs);
  });
  try {
    await Promise.race([node.ready(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function readyDocument(node: Node): ReadyDocument {
  return { pid: process.pid, name: node.name, http: node.http, ports: node.status().ports };
}

async function writeReady(file: string, ready: ReadyDocument): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  const part = `${file}.${process.pid}.part`;
  await writeFile(part, `${JSON.stringify(ready)}\n`);
  await rename(part, file);
}
