import type {
  Alive,
  Committed,
  Conflict,
  Failed,
  Found,
  Joined,
  Listed,
  MetaReply,
  NotFound,
  NotLeader,
  Placement,
  RepairStatusReply,
  ServersListed,
  StaleEpoch,
  Unwanted,
  VersionsListed,
} from '../messages.ts';
import type { FileServer, FileSummary, Manifest, RepairStatus, ServerView } from '../model.ts';
import { bool, hex, hexes, list, message, nested, optional, text, texts, uint, union } from './fields.ts';

type Body<Message> = Omit<Message, 'kind'>;

const serverShape = message<FileServer>({
  id: text(1),
  incarnation: uint(2),
  address: text(3),
  zone: text(4),
  freeBytes: uint(5),
  up: bool(6),
});

const viewShape = message<ServerView>({ epoch: uint(1), servers: list(2, serverShape) });

const manifestShape = message<Manifest>({
  name: text(1),
  version: uint(2),
  blob: optional(hex(3)),
  bytes: uint(4),
  sha256: hex(5),
  holders: texts(6),
  replicas: uint(7),
  at: uint(8),
});

const summaryShape = message<FileSummary>({
  name: text(1),
  version: uint(2),
  bytes: uint(3),
  at: uint(4),
  holders: texts(5),
});

const statusShape = message<RepairStatus>({
  idle: bool(1),
  files: uint(2),
  versions: uint(3),
  blobs: uint(4),
  underReplicated: uint(5),
  lost: uint(6),
  copying: uint(7),
  copiesDone: uint(8),
  copyBytesDone: uint(9),
  deletionsPending: uint(10),
  rotReported: uint(11),
  servers: list(12, serverShape),
});

const nothing = message<object>({});

/** Replies in the wire format of `proto/grp/dfs/v1/service.proto`. */
export const replyShape = union<MetaReply>({
  placement: [
    1,
    message<Body<Placement>>({ blob: hex(1), epoch: uint(2), targets: list(3, serverShape), writeQuorum: uint(4) }),
  ],
  committed: [2, message<Body<Committed>>({ version: uint(1), holders: texts(2), serversChangedAt: uint(3) })],
  conflict: [3, message<Body<Conflict>>({ version: uint(1), deleted: bool(2) })],
  'stale-epoch': [4, message<Body<StaleEpoch>>({ view: nested(1, viewShape), valid: texts(2) })],
  tombstoned: [5, nothing],
  'not-leader': [6, message<Body<NotLeader>>({ leader: optional(text(1)) })],
  failed: [7, message<Body<Failed>>({ code: text(1), message: text(2), outcomeUnknown: bool(3) })],
  found: [8, message<Body<Found>>({ manifest: nested(1, manifestShape), holders: list(2, serverShape) })],
  'not-found': [9, message<Body<NotFound>>({ deletedAt: optional(uint(1)) })],
  listed: [10, message<Body<Listed>>({ files: list(1, summaryShape), more: bool(2) })],
  'versions-listed': [11, message<Body<VersionsListed>>({ versions: list(1, manifestShape) })],
  'servers-listed': [12, message<Body<ServersListed>>({ view: nested(1, viewShape) })],
  'repair-status-reply': [13, message<Body<RepairStatusReply>>({ status: nested(1, statusShape) })],
  done: [14, nothing],
  unwanted: [15, message<Body<Unwanted>>({ epoch: uint(1), blobs: hexes(2) })],
  joined: [16, message<Body<Joined>>({ incarnation: uint(1) })],
  expelled: [17, nothing],
  alive: [18, message<Body<Alive>>({ epoch: uint(1) })],
});
