import { exitCodes, type ErrorKind } from '@grp/core';

/** What a code means, in the words of one command's page. `grp help exit-codes` has them all. */
const meanings: Readonly<Record<ErrorKind, string>> = {
  failure: 'failure',
  usage: 'a flag or value that cannot be',
  'not-found': 'no such node, file, group or name',
  denied: 'a token is missing or wrong, or a secret file is open to others',
  unreachable: 'unreachable, or timed out',
  conflict: 'taken already, or this node does not lead',
  'no-quorum': 'no majority, or not ready yet',
  violated: 'a check was violated',
};

type Kinds = readonly ErrorKind[];

/** Every command that is no pure computation may fail so. */
const always: Kinds = ['failure', 'usage'];
/** Whoever asks a node over HTTP or gRPC. */
const asks: Kinds = [...always, 'not-found', 'denied', 'unreachable'];
/** Whoever asks for a change that a leader, a group or a tracker must grant. */
const changes: Kinds = [...asks, 'conflict', 'no-quorum'];
const local: Kinds = [...always, 'not-found'];

/** By command, or by noun for all its verbs. */
const table: Readonly<Record<string, Kinds>> = {
  'node:start': [...asks, 'conflict'],
  node: asks,
  'cluster:up': [...local, 'unreachable', 'conflict'],
  'cluster:partition': [...local, 'unreachable'],
  'cluster:heal': [...local, 'unreachable'],
  'cluster:restart': [...local, 'unreachable', 'conflict'],
  'cluster:wait': [...local, 'unreachable'],
  cluster: local,
  swim: asks,
  'gms:workers': [...changes, 'violated'],
  gms: changes,
  chat: changes,
  'raft:log': local,
  raft: changes,
  dfs: changes,
  'lab:open': [...always, 'not-found', 'conflict'],
  lab: [...always, 'not-found', 'violated'],
  'sim:run': [...always, 'violated'],
  sim: local,
  messenger: [...asks, 'conflict'],
  tracker: [...asks, 'conflict'],
  bench: [...local, 'violated'],
  console: asks,
  doctor: always,
  top: asks,
  demo: [...always, 'unreachable', 'violated'],
  completion: always,
};

/** What may be stopped before it has done what was asked for. */
const transfers: ReadonlySet<string> = new Set(['dfs:put', 'dfs:get']);

/** Code and meaning of each way in which a command can end; undefined for a command that the table does not know. */
export function exitCodesOf(id: string): readonly (readonly [code: string, meaning: string])[] | undefined {
  const known = id.replaceAll(' ', ':'); // help has the words as they are typed
  const kinds = table[known] ?? table[known.split(':')[0] as string];
  if (kinds === undefined) return undefined;
  const rows = kinds.map((kind) => [exitCodes[kind], meanings[kind]] as const);
  const all = [[0, 'ok'] as const, ...rows.toSorted(([a], [b]) => a - b)];
  const listed = all.map(([code, meaning]) => [String(code), meaning] as const);
  return transfers.has(known) ? [...listed, ['130, 143', 'interrupted by SIGINT, SIGTERM: not done']] : listed;
}
