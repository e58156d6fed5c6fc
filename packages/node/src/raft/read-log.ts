import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Payload } from '@grp/raft';
import type { Damage } from '@grp/storage';
import { nodeError } from '../errors.ts';
import { logFolder } from './log-folder.ts';

/** One entry of a raft log, without what only its state machine understands. */
export interface LoggedEntry {
  readonly index: number;
  readonly term: number;
  readonly type: Payload['type'] | 'unreadable';
  /** Of the payload. */
  readonly bytes: number;
  /** Of an entry that changes who takes part. */
  readonly voters?: readonly string[];
  readonly learners?: readonly string[];
  /** Of a command in a client session. */
  readonly session?: number;
  readonly sequence?: number;
}

/** What a raft log holds, read from its files. */
export interface LoggedGroup {
  readonly group: string;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly snapshotIndex: number;
  /** What a crash or rot has left of it; null: it is whole. */
  readonly damage: Damage | null;
  readonly entries: (from: number, to: number) => AsyncGenerator<LoggedEntry>;
}

const pageBytes = 1_048_576;
/** As the table of roles has those that keep them. */
const groupOrder: readonly string[] = ['raft', 'chat', 'dfs-meta'];

/**
 * Opens the raft log of a group for reading; changes nothing, also beside a running node, of which it is then a moment.
 * Without `wanted` it is the first one of the node, in the order that a running node has them.
 * @throws GrpError RAFT_LOG_NONE, DISK_IO, STORAGE_NEWER
 */
export async function readRaftLog(dataDir: string, wanted?: string): Promise<LoggedGroup> {
  const groups: readonly string[] = await readdir(join(dataDir, 'raft')).catch(() => []);
  const group = wanted ?? groupOrder.find((name) => groups.includes(name)) ?? groups[0];
  if (group === undefined || !groups.includes(group)) {
    const of = wanted === undefined ? '' : ` of the group ${wanted}`;
    const context = { group: of, folder: dataDir, groups: groups.join(', ') || 'none' };
    throw nodeError('RAFT_LOG_NONE', { context });
  }
  const [{ PayloadCodec }, { inspectLog }, { nodeDisk }] = await Promise.all([
    import('@grp/raft'),
    import('@grp/storage'),
    import('@grp/storage/node'),
  ]);
  const { recovered, entries, snapshots } = await inspectLog({ disk: nodeDisk(logFolder(dataDir, group)) });
  const payloads = new PayloadCodec();
  return {
    group,
    firstIndex: entries.firstIndex,
    lastIndex: entries.lastIndex,
    snapshotIndex: snapshots.latest?.index ?? 0,
    damage: recovered.damage ?? null,
    async *entries(from, to) {
      const last = Math.min(to, entries.lastIndex);
      for (let next = Math.max(from, entries.firstIndex); next <= last;) {
        const page = await entries.read(next, last, pageBytes);
        if (page.length === 0) return;
        for (const { index, term, payload } of page)
          yield { index, term, bytes: payload.length, ...factsOf(payloads.decode(payload)) };
        next = (page.at(-1)?.index ?? last) + 1;
      }
    },
  };
}

function factsOf(payload: Payload | undefined): Omit<LoggedEntry, 'index' | 'term' | 'bytes'> {
  if (payload === undefined) return { type: 'unreadable' };
  const { type } = payload;
  if (type === 'configuration') {
    const { voters, learners } = payload.configuration;
    return { type, voters, learners };
  }
  if (type !== 'command' || payload.session === 0) return { type };
  return { type, session: payload.session, sequence: payload.sequence };
}
