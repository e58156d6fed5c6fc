import type {
  AbandonPut,
  AddHolders,
  CommitPut,
  Heartbeat,
  HeldBlob,
  HoldReport,
  Join,
  List,
  Lookup,
  MetaRequest,
  OpenPut,
  Remove,
  RotReport,
  Stat,
  Versions,
} from '../messages.ts';
import type { Ack } from '../model.ts';
import { bool, hex, list, message, nested, optional, text, texts, uint, union } from './fields.ts';

type Body<Message> = Omit<Message, 'kind'>;

export const ackShape = message<Ack>({ node: text(1), incarnation: uint(2), epoch: uint(3) });

const heldBlob = message<HeldBlob>({ blob: hex(1), epoch: uint(2), bytes: uint(3), sha256: hex(4) });

const openPut = message<Body<OpenPut>>({
  name: text(1),
  requestId: text(2),
  replicas: optional(uint(3)),
  keep: optional(uint(4)),
  bytesHint: optional(uint(5)),
  avoid: texts(6),
  ifVersion: optional(uint(7)),
  ifAbsent: optional(bool(8)),
});

const commitPut = message<Body<CommitPut>>({
  name: text(1),
  requestId: text(2),
  blob: hex(3),
  epoch: uint(4),
  bytes: uint(5),
  sha256: hex(6),
  acks: list(7, ackShape),
  replicas: optional(uint(8)),
  keep: optional(uint(9)),
  ifVersion: optional(uint(10)),
  ifAbsent: optional(bool(11)),
});

const nothing = message<object>({});

/** Requests in the wire format of `proto/grp/dfs/v1/service.proto`. */
export const requestShape = union<MetaRequest>({
  'open-put': [1, openPut],
  'commit-put': [2, commitPut],
  'abandon-put': [3, message<Body<AbandonPut>>({ blob: hex(1), holders: texts(2) })],
  'add-holders': [
    4,
    message<Body<AddHolders>>({
      items: list(1, message<AddHolders['items'][number]>({ blob: hex(1), ack: nested(2, ackShape) })),
    }),
  ],
  lookup: [5, message<Body<Lookup>>({ name: text(1), version: optional(uint(2)) })],
  list: [6, message<Body<List>>({ prefix: text(1), after: optional(text(2)), limit: uint(3) })],
  versions: [7, message<Body<Versions>>({ name: text(1), limit: uint(2) })],
  remove: [8, message<Body<Remove>>({ name: text(1), requestId: text(2), ifVersion: optional(uint(3)) })],
  stat: [9, message<Body<Stat>>({ name: text(1) })],
  servers: [10, nothing],
  'repair-status': [11, nothing],
  'hold-report': [
    12,
    message<Body<HoldReport>>({
      node: text(1),
      incarnation: uint(2),
      asOf: uint(3),
      after: optional(hex(4)),
      through: optional(hex(5)),
      blobs: list(6, heldBlob),
    }),
  ],
  'rot-report': [13, message<Body<RotReport>>({ node: text(1), incarnation: uint(2), blob: hex(3) })],
  join: [
    14,
    message<Body<Join>>({ node: text(1), life: text(2), address: text(3), zone: text(4), freeBytes: uint(5) }),
  ],
  heartbeat: [15, message<Body<Heartbeat>>({ node: text(1), incarnation: uint(2), freeBytes: uint(3) })],
});
