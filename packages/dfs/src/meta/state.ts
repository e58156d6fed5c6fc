import { invariant } from '@grp/core';
import type { MetaConfig } from '../config.ts';
import type { BlobId, Manifest, ServerId } from '../model.ts';
import type { JoinCommand } from './commands.ts';
import { SortedNames } from './sorted-names.ts';
import type { BlobRecord, FileRecord, MetaRules, Remembered, ServerRecord, VersionRecord } from './records.ts';

/** With a hundred servers there may be more; those of which few blobs make use are then kept several times. */
const holderListsMax = 4_096;

/** The replicated state and the indexes over it. Its methods keep them in step; what may be done, the commands decide. */
export class MetaState {
  readonly config: MetaConfig;
  readonly rules: MetaRules;
  /** Counts commands; at least the log index of the last entry. Versions, incarnations and epochs are positions. */
  position = 0;
  readonly files = new Map<string, FileRecord>();
  readonly names = new SortedNames();
  readonly blobs = new Map<BlobId, BlobRecord>();
  readonly servers = new Map<ServerId, ServerRecord>();
  serversChangedAt = 0;
  /** Blobs given up, oldest first, by the position at which that was. */
  readonly tombstones = new Map<BlobId, number>();
  /** Puts whose placement is not younger than this may have been tombstoned and forgotten. */
  tombstoneFloor = 0;
  /** Outcomes by request id, oldest first. */
  readonly requests = new Map<string, Remembered>();
  /** Of all versions. */
  bytes = 0;
  versionCount = 0;
  deletionCount = 0;
  /** Blobs with fewer, and with more, holders than wanted. */
  readonly deficient = new Set<BlobId>();
  readonly excess = new Set<BlobId>();
  /** Files whose newest version is a deletion marker. */
  readonly removed = new Set<string>();
  /** One list for all blobs with the same holders: there are many blobs, and few such lists. */
  readonly #holderLists = new Map<string, readonly ServerId[]>();

  constructor(config: MetaConfig, rules: MetaRules) {
    this.config = config;
    this.rules = rules;
  }

  isCurrent(node: ServerId, incarnation: number): boolean {
    const server = this.servers.get(node);
    return server !== undefined && server.up && server.incarnation === incarnation;
  }

  newest(name: string): VersionRecord | undefined {
    return this.files.get(name)?.versions.at(-1);
  }

  manifest(name: string, { version, blob, bytes, sha256, replicas, at }: VersionRecord): Manifest {
    const holders = blob === undefined ? [] : [...(this.blobs.get(blob)?.holders ?? [])];
    return { name, version, blob, bytes, sha256, holders, replicas, at };
  }

  /** Makes it the newest version of its file, and lets go of what is then too old. */
  addVersion(name: string, record: VersionRecord, keep: number | undefined): void {
    let file = this.files.get(name);
    if (file === undefined) {
      file = { name, versions: [record], keep: keep ?? this.config.keepVersions };
      this.files.set(name, file);
      this.names.add(name);
    } else file.versions = [...file.versions, record];
    if (keep !== undefined) file.keep = keep;
    this.versionCount++;
    this.bytes += record.bytes;
    if (record.blob === undefined) this.removed.add(name);
    else this.removed.delete(name);
    this.#trim(file);
  }

  forgetFile(name: string): void {
    const file = this.files.get(name);
    if (file === undefined) return;
    while (file.versions.length > 0) this.#dropOldest(file);
    this.files.delete(name);
    this.names.delete(name);
    this.removed.delete(name);
  }

  addBlob(record: BlobRecord): void {
    record.holders = this.#shared(record.holders);
    this.blobs.set(record.blob, record);
    for (const node of record.holders) this.#hold(record, node);
    this.#rank(record);
  }

  addHolder(record: BlobRecord, node: ServerId): void {
    if (record.holders.includes(node)) return;
    record.holders = this.#shared([...record.holders, node]);
    record.changedAt = this.position;
    this.#hold(record, node);
    this.#rank(record);
  }

  /** The server's copy no longer counts. */
  removeHolder(record: BlobRecord, node: ServerId): void {
    if (!record.holders.includes(node)) return;
    record.holders = this.#shared(record.holders.filter((holder) => holder !== node));
    record.changedAt = this.position;
    const server = this.servers.get(node);
    if (server?.held.delete(record.blob) === true) server.heldBytes -= record.bytes;
    this.#rank(record);
  }

  /** The server shall delete its copy. */
  orderDeletion(blob: BlobId, node: ServerId): void {
    const server = this.servers.get(node);
    if (server === undefined || !server.up) return;
    if (!server.deletions.has(blob)) this.deletionCount++;
    server.deletions.set(blob, this.position);
    if (this.blobs.has(blob)) server.dropped.set(blob, this.position);
  }

  deletionDone(server: ServerRecord, blob: BlobId, epoch: number): void {
    if (server.deletions.get(blob) !== epoch) return;
    server.deletions.delete(blob);
    this.deletionCount--;
  }

  /** No version has the blob, and none ever will: its copies go, and a late commit is refused. */
  bury(blob: BlobId, alsoAt: readonly ServerId[]): void {
    const record = this.blobs.get(blob);
    const nodes = new Set([...(record?.holders ?? []), ...alsoAt]);
    for (const node of record?.holders ?? []) this.removeHolder(record as BlobRecord, node);
    this.blobs.delete(blob);
    for (const server of this.servers.values()) server.dropped.delete(blob);
    this.deficient.delete(blob);
    this.excess.delete(blob);
    for (const node of nodes) this.orderDeletion(blob, node);
    if (!this.tombstones.has(blob)) this.tombstones.set(blob, this.position);
    while (this.tombstones.size > this.config.tombstonesMax) this.#forgetTombstone();
  }

  remember(requestId: string, outcome: Remembered): void {
    this.requests.set(requestId, outcome);
    if (this.requests.size <= this.config.requestsMax) return;
    this.requests.delete(this.requests.keys().next().value as string);
  }

  beginLife({ node, life, address, zone }: Pick<JoinCommand, 'node' | 'life' | 'address' | 'zone'>): number {
    const old = this.servers.get(node);
    const incarnation = this.rules.fencesLives ? this.position : (old?.incarnation ?? this.position);
    if (old?.up === true) this.endLife(old);
    const heldBytes = this.rules.clearsLives ? 0 : (old?.heldBytes ?? 0);
    const held = this.rules.clearsLives ? new Set<BlobId>() : (old?.held ?? new Set<BlobId>());
    const common = { id: node, incarnation, life, address, zone, up: true };
    this.servers.set(node, { ...common, heldBytes, held, deletions: new Map(), dropped: new Map() });
    this.serversChangedAt = this.position;
    return incarnation;
  }

  endLife(server: ServerRecord): void {
    server.up = false;
    this.serversChangedAt = this.position;
    this.deletionCount -= server.deletions.size;
    server.deletions.clear();
    server.dropped.clear();
    if (!this.rules.clearsLives) return;
    for (const blob of [...server.held]) {
      const record = this.blobs.get(blob);
      invariant(record !== undefined, 'what a server holds is a blob');
      this.removeHolder(record, server.id);
    }
  }

  #hold(record: BlobRecord, node: ServerId): void {
    const server = this.servers.get(node);
    if (server === undefined || server.held.has(record.blob)) return;
    server.held.add(record.blob);
    server.heldBytes += record.bytes;
  }

  #shared(holders: readonly ServerId[]): readonly ServerId[] {
    const key = JSON.stringify(holders);
    const known = this.#holderLists.get(key);
    if (known !== undefined) return known;
    if (this.#holderLists.size >= holderListsMax) this.#holderLists.clear();
    this.#holderLists.set(key, holders);
    return holders;
  }

  #rank({ blob, holders, replicas }: BlobRecord): void {
    if (holders.length < replicas) this.deficient.add(blob);
    else this.deficient.delete(blob);
    if (holders.length > replicas) this.excess.add(blob);
    else this.excess.delete(blob);
  }

  #trim(file: FileRecord): void {
    while (file.versions.length > file.keep) this.#dropOldest(file);
    // A marker hides older versions; the oldest version hides nothing.
    while (file.versions.length > 1 && file.versions[0]?.blob === undefined) this.#dropOldest(file);
  }

  #dropOldest(file: FileRecord): void {
    const [oldest, ...newer] = file.versions;
    if (oldest === undefined) return;
    file.versions = newer;
    this.versionCount--;
    this.bytes -= oldest.bytes;
    if (oldest.blob !== undefined) this.bury(oldest.blob, []);
  }

  #forgetTombstone(): void {
    const [blob, position] = this.tombstones.entries().next().value as [BlobId, number];
    this.tombstones.delete(blob);
    this.tombstoneFloor = position;
  }
}
