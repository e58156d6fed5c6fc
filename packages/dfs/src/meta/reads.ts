import { compareNames } from '../names.ts';
import type { FileServer, FileSummary, Manifest, ServerId, ServerView } from '../model.ts';
import type { MetaReply } from '../messages.ts';
import type { ServerRecord, VersionRecord } from './records.ts';
import type { MetaState } from './state.ts';

/** Room by server, as the leader last heard; a server that is not in it has not said. */
export type FreeBytes = ReadonlyMap<ServerId, number>;

const none: FreeBytes = new Map();

/** Who is there, and from when that view is. */
export function viewOf(state: MetaState, free: FreeBytes = none): ServerView {
  const servers = [...state.servers.values()].map((server) => serverOf(server, free));
  return { epoch: state.position, servers };
}

/** The answer to a lookup: the newest version, or the one that is asked for. */
export function lookup(state: MetaState, name: string, version: number | undefined): MetaReply {
  const file = state.files.get(name);
  const found = version === undefined ? file?.versions.at(-1) : file?.versions.find((one) => one.version === version);
  if (found === undefined) return { kind: 'not-found' };
  if (found.blob === undefined) return { kind: 'not-found', deletedAt: found.version };
  return { kind: 'found', manifest: state.manifest(name, found), holders: holdersOf(state, found) };
}

/** As `lookup` of the newest version, but a deletion marker is found, too. */
export function stat(state: MetaState, name: string): MetaReply {
  const newest = state.newest(name);
  if (newest === undefined) return { kind: 'not-found' };
  return { kind: 'found', manifest: state.manifest(name, newest), holders: holdersOf(state, newest) };
}

/** Files whose names begin with `prefix`, removed ones left out, in the order of the names' bytes. */
export function listFiles(
  state: MetaState,
  { prefix, after, limit }: { readonly prefix: string; readonly after?: string | undefined; readonly limit: number },
): MetaReply {
  const files: FileSummary[] = [];
  const from = after === undefined || compareNames(after, prefix) < 0 ? prefix : after;
  for (const name of state.names.startingAt(from)) {
    // Names with this prefix lie together, and `from` is the first of them or within them.
    if (!name.startsWith(prefix)) break;
    const newest = state.newest(name);
    if (name === after || newest?.blob === undefined) continue;
    if (files.length === limit) return { kind: 'listed', files, more: true };
    const { version, bytes, at, holders } = state.manifest(name, newest);
    files.push({ name, version, bytes, at, holders });
  }
  return { kind: 'listed', files, more: false };
}

/** Newest first, deletion markers included. */
export function versionsOf(state: MetaState, name: string, limit: number): MetaReply {
  const versions: Manifest[] = [];
  for (const record of (state.files.get(name)?.versions ?? []).toReversed().slice(0, limit))
    versions.push(state.manifest(name, record));
  return versions.length === 0 ? { kind: 'not-found' } : { kind: 'versions-listed', versions };
}

function holdersOf(state: MetaState, { blob }: VersionRecord): readonly FileServer[] {
  const holders = blob === undefined ? [] : (state.blobs.get(blob)?.holders ?? []);
  return holders.flatMap((id) => {
    const server = state.servers.get(id);
    return server?.up === true ? [serverOf(server, none)] : [];
  });
}

function serverOf({ id, incarnation, address, zone, up }: ServerRecord, free: FreeBytes): FileServer {
  return { id, incarnation, address, zone, freeBytes: free.get(id) ?? Number.MAX_SAFE_INTEGER, up };
}
