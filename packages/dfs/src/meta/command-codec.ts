import {
  bool,
  decodeShape,
  encodeShape,
  hex,
  list,
  message,
  nested,
  optional,
  text,
  texts,
  uint,
  union,
} from '../wire/fields.ts';
import { ackShape } from '../wire/requests.ts';
import type {
  AddHoldersCommand,
  Command,
  DeletedCommand,
  Deletion,
  DownCommand,
  DropHolderCommand,
  JoinCommand,
  PurgeCommand,
  PutCommand,
  RemoveCommand,
  Result,
  TombstoneCommand,
} from './commands.ts';

type Body<Message> = Omit<Message, 'kind'>;
type Of<Kind extends Result['kind']> = Omit<Extract<Result, { kind: Kind }>, 'kind'>;

const put = message<Body<PutCommand>>({
  name: text(1),
  requestId: text(2),
  blob: hex(3),
  epoch: uint(4),
  bytes: uint(5),
  sha256: hex(6),
  acks: list(7, ackShape),
  replicas: uint(8),
  keep: optional(uint(9)),
  ifVersion: optional(uint(10)),
  ifAbsent: optional(bool(11)),
  at: uint(12),
});

const holding = message<AddHoldersCommand['items'][number]>({ blob: hex(1), ack: nested(2, ackShape) });

const commandShape = union<Command>({
  put: [1, put],
  remove: [
    2,
    message<Body<RemoveCommand>>({ name: text(1), requestId: text(2), ifVersion: optional(uint(3)), at: uint(4) }),
  ],
  tombstone: [3, message<Body<TombstoneCommand>>({ blob: hex(1), holders: texts(2) })],
  'add-holders': [4, message<Body<AddHoldersCommand>>({ items: list(1, holding) })],
  'drop-holder': [
    5,
    message<Body<DropHolderCommand>>({
      blob: hex(1),
      node: text(2),
      incarnation: uint(3),
      onlyExcess: bool(4),
      asOf: uint(5),
    }),
  ],
  deleted: [
    6,
    message<Body<DeletedCommand>>({
      node: text(1),
      incarnation: uint(2),
      items: list(3, message<Deletion>({ blob: hex(1), epoch: uint(2) })),
    }),
  ],
  join: [7, message<Body<JoinCommand>>({ node: text(1), life: text(2), address: text(3), zone: text(4) })],
  down: [8, message<Body<DownCommand>>({ node: text(1), incarnation: uint(2) })],
  purge: [9, message<Body<PurgeCommand>>({ name: text(1), version: uint(2) })],
});

const resultShape = union<Result>({
  committed: [1, message<Of<'committed'>>({ version: uint(1), holders: texts(2) })],
  conflict: [2, message<Of<'conflict'>>({ version: uint(1), deleted: bool(2) })],
  stale: [3, message<Of<'stale'>>({ valid: texts(1) })],
  tombstoned: [4, message<object>({})],
  full: [5, message<Of<'full'>>({ problem: text(1) })],
  joined: [6, message<Of<'joined'>>({ incarnation: uint(1) })],
  done: [7, message<object>({})],
});

interface Many<Item> {
  readonly items: readonly Item[];
}

// Every item is a union in a message of its own; one of a later version of the protocol reads as undefined.
const entryShape = message<Many<object>>({ items: list(1, commandShape as never) });
const resultsShape = message<Many<object>>({ items: list(1, resultShape as never) });

/** One log entry. */
export function encodeCommands(commands: readonly Command[]): Uint8Array {
  return encodeShape(entryShape, { items: commands });
}

/** Undefined when the bytes are no entry that this version of the protocol knows in full. */
export function decodeCommands(bytes: Uint8Array): readonly Command[] | undefined {
  return whole(decodeShape(entryShape, bytes)) as readonly Command[] | undefined;
}

/** The results of one entry, in the order of its commands. */
export function encodeResults(results: readonly Result[]): Uint8Array {
  return encodeShape(resultsShape, { items: results });
}

export function decodeResults(bytes: Uint8Array): readonly Result[] | undefined {
  return whole(decodeShape(resultsShape, bytes)) as readonly Result[] | undefined;
}

function whole(many: Many<object> | undefined): readonly object[] | undefined {
  const items = many?.items as readonly (object | undefined)[] | undefined;
  return items === undefined || items.includes(undefined) ? undefined : many?.items;
}
