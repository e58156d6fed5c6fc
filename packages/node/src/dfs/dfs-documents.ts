import type { FileSummary, Manifest, RepairStatus } from '@grp/dfs';
import type { PutFileResult } from '@grp/dfs/node';
import { asDocument, isoTime } from '../http/documents.ts';
import type { DfsPart } from './dfs-part.ts';

/** Of one replica: `live`, `down`, and when it was read: `missing` or `altered`. */
export interface ReplicaState {
  readonly node: string;
  readonly state: 'live' | 'down' | 'missing' | 'altered';
  readonly sha256?: string;
}

export function putDocument({ name, version, bytes, sha256, replicas }: PutFileResult): object {
  return asDocument('dfs.put', { name, version, bytes, sha256, replicas });
}

export function listDocument(files: readonly FileSummary[], more: boolean): object {
  const last = files.at(-1)?.name;
  return asDocument('dfs.ls', {
    files: files.map(({ name, version, bytes, holders, at }) => {
      return { name, version, bytes, replicas: holders, at: isoTime(at) };
    }),
    ...(more && last !== undefined && { next: last }),
  });
}

export function versionsDocument(name: string, versions: readonly Manifest[]): object {
  return asDocument('dfs.versions', {
    name,
    versions: versions.map(({ version, bytes, sha256, at, blob }) => {
      return { version, bytes, sha256, at: isoTime(at), ...(blob === undefined && { deleted: true }) };
    }),
  });
}

export function statDocument(manifest: Manifest, replicas: readonly ReplicaState[], versions: number): object {
  const { name, version, bytes, sha256, at, replicas: replicasWanted } = manifest;
  const live = replicas.filter(({ state }) => state === 'live').length;
  const underReplicated = live < replicasWanted;
  const facts = { name, version, bytes, sha256, at: isoTime(at), versions, replicasWanted, underReplicated };
  return asDocument('dfs.stat', { ...facts, replicas });
}

/** What is on this node's disk; this node's copy of the metadata knows the names. */
export function storeDocument({ store, meta, life }: DfsPart, node: string, page: { limit: number; after: string }) {
  const { bytes, freeBytes, blobs } = store.status();
  const listed = store.list(page.limit, page.after);
  const files = listed.flatMap(({ blob, bytes: its }) => {
    const record = meta.state.blobs.get(blob);
    return record === undefined ? [] : [{ name: record.name, version: record.version, bytes: its, blob }];
  });
  const last = listed.length === page.limit ? listed.at(-1)?.blob : undefined;
  return asDocument('dfs.store', {
    node,
    incarnation: life.incarnation,
    blobs,
    bytes,
    freeBytes,
    files: files.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : b.version - a.version)),
    others: listed.length - files.length,
    ...(last !== undefined && { next: last }),
  });
}

export function repairDocument({ servers, ...status }: RepairStatus): object {
  return asDocument('dfs.repair', {
    ...status,
    servers: servers.map(({ id, up, incarnation, address, zone, freeBytes }) => {
      // A server that has not told yet has room without end.
      const known = freeBytes < Number.MAX_SAFE_INTEGER ? freeBytes : null;
      return { node: id, up, incarnation, address, zone, freeBytes: known };
    }),
  });
}
