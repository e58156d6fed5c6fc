import { dfsError } from '../errors.ts';
import { bool, decodeShape, encodeShape, hex, list, message, optional, text, texts, uint } from '../wire/fields.ts';
import type { Deletion } from './commands.ts';
import type { ServerRecord, VersionRecord } from './records.ts';
import type { MetaState } from './state.ts';

interface StoredServer extends Omit<ServerRecord, 'held' | 'heldBytes' | 'deletions' | 'dropped'> {
  readonly deletions: readonly Deletion[];
  readonly dropped: readonly Deletion[];
}

interface StoredVersion extends VersionRecord {
  readonly holders: readonly string[];
  readonly changedAt: number;
}

interface StoredFile {
  readonly name: string;
  readonly keep: number;
  readonly versions: readonly StoredVersion[];
}

interface StoredRequest {
  readonly requestId: string;
  readonly version: number;
  readonly isConflict: boolean;
  readonly deleted: boolean;
  readonly holders: readonly string[];
}

interface Snapshot {
  readonly format: number;
  readonly position: number;
  readonly serversChangedAt: number;
  readonly tombstoneFloor: number;
  readonly servers: readonly StoredServer[];
  readonly files: readonly StoredFile[];
  readonly tombstones: readonly Deletion[];
  readonly requests: readonly StoredRequest[];
}

const format = 1;
const placed = message<Deletion>({ blob: hex(1), epoch: uint(2) });

const serverShape = message<StoredServer>({
  id: text(1),
  incarnation: uint(2),
  life: text(3),
  address: text(4),
  zone: text(5),
  up: bool(6),
  deletions: list(7, placed),
  dropped: list(8, placed),
});

const versionShape = message<StoredVersion>({
  version: uint(1),
  blob: optional(hex(2)),
  bytes: uint(3),
  sha256: hex(4),
  replicas: uint(5),
  at: uint(6),
  holders: texts(7),
  changedAt: uint(8),
});

const fileShape = message<StoredFile>({ name: text(1), keep: uint(2), versions: list(3, versionShape) });

const requestShape = message<StoredRequest>({
  requestId: text(1),
  version: uint(2),
  isConflict: bool(3),
  deleted: bool(4),
  holders: texts(5),
});

const snapshotShape = message<Snapshot>({
  format: uint(1),
  position: uint(2),
  serversChangedAt: uint(3),
  tombstoneFloor: uint(4),
  servers: list(5, serverShape),
  files: list(6, fileShape),
  tombstones: list(7, placed),
  requests: list(8, requestShape),
});

/** Everything that `restoreState` needs, in the wire format of `proto/grp/dfs/v1/log.proto`. */
export function captureState(state: MetaState): Uint8Array {
  return encodeShape(snapshotShape, {
    format,
    position: state.position,
    serversChangedAt: state.serversChangedAt,
    tombstoneFloor: state.tombstoneFloor,
    servers: [...state.servers.values()].map((server) => ({
      ...server,
      deletions: pairs(server.deletions),
      dropped: pairs(server.dropped),
    })),
    files: [...state.files.values()].map(({ name, keep, versions }) => ({
      name,
      keep,
      versions: versions.map((version) => stored(state, version)),
    })),
    tombstones: pairs(state.tombstones),
    requests: [...state.requests].map(([requestId, outcome]) => {
      const isConflict = outcome.kind === 'conflict';
      const common = { requestId, version: outcome.version, isConflict };
      return isConflict
        ? { ...common, deleted: outcome.deleted, holders: [] }
        : { ...common, deleted: false, holders: outcome.holders };
    }),
  });
}

/** Fills an empty state. @throws GrpError DFS_SNAPSHOT_INVALID */
export function restoreState(bytes: Uint8Array, state: MetaState): MetaState {
  const snapshot = decodeShape(snapshotShape, bytes);
  if (snapshot === undefined) throw invalid('its bytes are no snapshot');
  if (snapshot.format !== format) throw invalid(`it has format ${snapshot.format}`);
  for (const { deletions, dropped, ...server } of snapshot.servers) {
    const orders = { deletions: mapOf(deletions), dropped: mapOf(dropped) };
    state.servers.set(server.id, { ...server, heldBytes: 0, held: new Set(), ...orders });
    state.deletionCount += deletions.length;
  }
  for (const file of snapshot.files) restoreFile(state, file);
  for (const { blob, epoch } of snapshot.tombstones) state.tombstones.set(blob, epoch);
  for (const { requestId, version, isConflict, deleted, holders } of snapshot.requests)
    state.requests.set(
      requestId,
      isConflict ? { kind: 'conflict', version, deleted } : { kind: 'committed', version, holders },
    );
  state.position = snapshot.position;
  state.serversChangedAt = snapshot.serversChangedAt;
  state.tombstoneFloor = snapshot.tombstoneFloor;
  return state;
}

function stored(state: MetaState, version: VersionRecord): StoredVersion {
  const record = version.blob === undefined ? undefined : state.blobs.get(version.blob);
  const { holders = [], changedAt = 0 } = record ?? {};
  const { version: number, blob, bytes, sha256, replicas, at } = version;
  return { version: number, blob, bytes, sha256, replicas, at, holders, changedAt };
}

function restoreFile(state: MetaState, { name, keep, versions }: StoredFile): void {
  if (versions.length === 0) throw invalid('a file has no version');
  const kept = versions.map((given): VersionRecord => {
    const { version, blob, bytes, sha256, replicas, at, holders, changedAt } = given;
    state.bytes += bytes;
    if (blob === undefined) return { version, blob, bytes, sha256, replicas, at };
    const record = { blob, name, version, bytes, sha256, replicas, at, holders, changedAt };
    state.addBlob(record);
    return record;
  });
  state.versionCount += kept.length;
  state.files.set(name, { name, keep, versions: kept });
  state.names.add(name);
  if (kept.at(-1)?.blob === undefined) state.removed.add(name);
}

function pairs(map: ReadonlyMap<string, number>): readonly Deletion[] {
  return [...map].map(([blob, epoch]) => ({ blob, epoch }));
}

function mapOf(items: readonly Deletion[]): Map<string, number> {
  return new Map(items.map(({ blob, epoch }) => [blob, epoch]));
}

function invalid(problem: string): Error {
  return dfsError('DFS_SNAPSHOT_INVALID', { context: { problem } });
}
