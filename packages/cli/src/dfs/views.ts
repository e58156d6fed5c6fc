import { sanitizeText } from '@grp/core';
import { table, type TableOptions } from '../output/table.ts';
import { bytesText } from '../output/units.ts';
import type {
  ListDocument,
  ListedFile,
  ListedVersion,
  PutDocument,
  RepairDocument,
  StatDocument,
  StoreDocument,
  VersionsDocument,
} from './documents.ts';

/** One line: what is there now. */
export function putText({ name, version, bytes, sha256, replicas }: PutDocument): string {
  const where = replicas.length === 0 ? '' : `, on ${replicas.join(', ')}`;
  return `${sanitizeText(name)}: version ${version}, ${bytesText(bytes)}${sanitizeText(where)}\nsha256 ${sanitizeText(sha256)}`;
}

/** Files and who holds them. */
export function listText({ files, next }: ListDocument, options: TableOptions): string {
  if (files.length === 0) return 'No files.';
  const drawn = table<ListedFile>(
    files,
    [
      { title: 'NAME', text: ({ name }) => name },
      { title: 'VERSION', text: ({ version }) => String(version), align: 'right' },
      { title: 'BYTES', text: ({ bytes }) => bytesText(bytes), align: 'right' },
      { title: 'REPLICAS', text: ({ replicas }) => replicas.join(' ') },
      { title: 'PUT AT', text: ({ at }) => at },
    ],
    options,
  );
  return next === undefined ? drawn : `${drawn}\n… and more: narrow the prefix, or raise --limit`;
}

/** The versions of a file, newest first. */
export function versionsText({ versions }: VersionsDocument, options: TableOptions): string {
  return table<ListedVersion>(
    versions,
    [
      { title: 'VERSION', text: ({ version }) => String(version), align: 'right' },
      {
        title: 'BYTES',
        text: ({ bytes, deleted }) => (deleted === true ? 'removed' : bytesText(bytes)),
        align: 'right',
      },
      { title: 'PUT AT', text: ({ at }) => at },
      { title: 'SHA-256', text: ({ sha256 }) => sha256 },
    ],
    options,
  );
}

/** A file, and how each of its replicas is. */
export function statText(stat: StatDocument, options: TableOptions): string {
  const { name, version, bytes, sha256, at, replicas, replicasWanted, underReplicated } = stat;
  const state = underReplicated
    ? `under-replicated: ${replicas.length} of ${replicasWanted}`
    : `${replicasWanted} wanted`;
  const head = `${sanitizeText(name, { lengthMax: 1_100 })}: version ${version}, ${bytesText(bytes)}, put at ${at}`;
  const rows = table(
    replicas,
    [
      { title: 'REPLICA', text: ({ node }) => node },
      { title: 'STATE', text: ({ state: its }) => its },
      { title: 'SHA-256', text: ({ sha256: its }) => its ?? '' },
    ],
    options,
  );
  return `${head}\nsha256 ${sha256}\nreplicas (${state})\n${rows}`;
}

/** What one node holds. */
export function storeText(store: StoreDocument, options: TableOptions): string {
  const { node, bytes, freeBytes, files, others } = store;
  const rest = others === 0 ? '' : `, and ${others} blobs of no version`;
  const head = `${sanitizeText(node)} holds ${files.length} versions, ${bytesText(bytes)}${rest}; ${bytesText(freeBytes)} free`;
  if (files.length === 0) return head;
  const rows = table(
    files,
    [
      { title: 'NAME', text: ({ name }) => name },
      { title: 'VERSION', text: ({ version }) => String(version), align: 'right' },
      { title: 'BYTES', text: ({ bytes: its }) => bytesText(its), align: 'right' },
    ],
    options,
  );
  return `${head}\n${rows}`;
}

/** How far the store is from having every replica that is wanted. */
export function repairText(status: RepairDocument, options: TableOptions): string {
  const { idle, underReplicated, lost, copying, copiesDone, copyBytesDone, deletionsPending, rotReported } = status;
  const head = idle ? 'Idle: every replica that is wanted is there.' : 'At work.';
  const rows = table(
    status.servers,
    [
      { title: 'NODE', text: ({ node }) => node },
      { title: 'STATE', text: ({ up }) => (up ? 'up' : 'down') },
      { title: 'FREE', text: ({ freeBytes }) => (freeBytes === null ? '' : bytesText(freeBytes)), align: 'right' },
      { title: 'ADDRESS', text: ({ address }) => address },
    ],
    options,
  );
  return [
    head,
    `files ${status.files}, versions ${status.versions}, under-replicated ${underReplicated}, lost ${lost}`,
    `copying ${copying}; copied ${copiesDone} (${bytesText(copyBytesDone)}); to delete ${deletionsPending}; rot found ${rotReported}`,
    rows,
  ].join('\n');
}
