import { ByteReader, ByteWriter } from '../bytes.ts';
import type { AppendRequest, AppendResponse, Message } from '../messages.ts';
import type { Entry, LogPosition } from '../types.ts';
import { readSnapshotInfo, writeSnapshotInfo, type PayloadCodec } from './payload.ts';

// Numbers are for ever: a new kind of message gets a new one.
const kinds = [
  'vote-request',
  'vote-response',
  'append-request',
  'append-response',
  'snapshot-request',
  'snapshot-response',
  'timeout-now',
  'read-index-request',
  'read-index-response',
  'recovery-request',
  'recovery-response',
] as const satisfies readonly Message['type'][];

/** Exact: `decodeMessage` gives the same message back. */
export function encodeMessage(message: Message, payloads: PayloadCodec): Uint8Array {
  const writer = new ByteWriter(message.type === 'append-request' ? 512 : 64);
  writeMessage(writer, message, new EntriesCodec(payloads));
  return writer.finish();
}

/** Encodes the entries of appends; the same ones for several followers once. */
export class EntriesCodec {
  readonly #payloads: PayloadCodec;
  #entries: readonly Entry[] | undefined;
  #bytes: Uint8Array = new Uint8Array(0);
  #sizeHint = 512;

  constructor(payloads: PayloadCodec) {
    this.#payloads = payloads;
  }

  write(writer: ByteWriter, entries: readonly Entry[]): void {
    if (entries !== this.#entries) this.#encode(entries);
    writer.raw(this.#bytes);
  }

  #encode(entries: readonly Entry[]): void {
    const writer = new ByteWriter(this.#sizeHint).varint(entries.length);
    for (const { term, payload } of entries) writer.varint(term).bytes(this.#payloads.encode(payload));
    this.#bytes = writer.finish();
    this.#entries = entries;
    this.#sizeHint = Math.max(512, this.#bytes.length, this.#sizeHint >> 1);
  }
}

/** As `encodeMessage`, behind what was written before. */
export function writeMessage(writer: ByteWriter, message: Message, entriesCodec: EntriesCodec): void {
  writer.varint(kinds.indexOf(message.type)).varint(message.term);
  switch (message.type) {
    case 'vote-request':
      flags(writer, message.isPreVote, message.isTransfer).varint(zigzag(message.priority));
      position(writer, message.last);
      break;
    case 'vote-response':
      flags(writer, message.isPreVote, message.isGranted);
      break;
    case 'append-request':
      writeAppend(writer, message, entriesCodec);
      break;
    case 'append-response':
      writeAppendResponse(writer, message);
      break;
    case 'snapshot-request':
      writeSnapshotInfo(writer.varint(message.round).varint(message.offset).bytes(message.bytes), message.snapshot);
      break;
    case 'snapshot-response':
      writer.varint(message.round).varint(message.nextOffset).text(message.id);
      break;
    case 'timeout-now':
      break;
    case 'read-index-request':
      writer.varint(message.ticket);
      break;
    case 'read-index-response':
      flags(writer.varint(message.ticket), message.index !== undefined).varint(message.index ?? 0);
      break;
    case 'recovery-request':
      writer.varint(message.life);
      break;
    case 'recovery-response':
      position(flags(writer.varint(message.life), message.isLeader), message.last);
      break;
  }
}

/** Total: whatever the bytes are, a message or undefined. The message keeps views of them. */
export function decodeMessage(bytes: Uint8Array, payloads: PayloadCodec): Message | undefined {
  const reader = new ByteReader(bytes);
  const type = kinds[reader.varint()];
  const term = reader.varint();
  const message = type === undefined ? undefined : read(type, term, reader, payloads);
  return reader.isBroken || reader.remaining > 0 ? undefined : message;
}

function read(type: Message['type'], term: number, reader: ByteReader, payloads: PayloadCodec): Message | undefined {
  switch (type) {
    case 'vote-request': {
      const [isPreVote, isTransfer] = readFlags(reader);
      const priority = unzigzag(reader.varint());
      return { type, term, isPreVote, isTransfer, priority, last: readPosition(reader) };
    }
    case 'vote-response': {
      const [isPreVote, isGranted] = readFlags(reader);
      return { type, term, isPreVote, isGranted };
    }
    case 'append-request':
      return readAppend(term, reader, payloads);
    case 'append-response':
      return readAppendResponse(term, reader);
    case 'snapshot-request': {
      const [round, offset, bytes] = [reader.varint(), reader.varint(), reader.bytes()];
      return { type, term, round, offset, bytes, snapshot: readSnapshotInfo(reader) };
    }
    case 'snapshot-response':
      return { type, term, round: reader.varint(), nextOffset: reader.varint(), id: reader.text() };
    case 'timeout-now':
      return { type, term };
    case 'read-index-request':
      return { type, term, ticket: reader.varint() };
    case 'read-index-response': {
      const ticket = reader.varint();
      const [isKnown] = readFlags(reader);
      const index = reader.varint();
      return isKnown ? { type, term, ticket, index } : { type, term, ticket };
    }
    case 'recovery-request':
      return { type, term, life: reader.varint() };
    case 'recovery-response': {
      const life = reader.varint();
      const [isLeader] = readFlags(reader);
      return { type, term, life, isLeader, last: readPosition(reader) };
    }
    default:
      return undefined;
  }
}

function writeAppend(writer: ByteWriter, message: AppendRequest, entriesCodec: EntriesCodec): void {
  const { previous, entries, commit, round, rank, recovery } = message;
  flags(writer, recovery !== undefined);
  if (recovery !== undefined) writer.varint(recovery.life).varint(recovery.through);
  position(writer, previous);
  entriesCodec.write(writer.varint(commit).varint(round).varint(rank), entries);
}

function readAppend(term: number, reader: ByteReader, payloads: PayloadCodec): AppendRequest | undefined {
  const [isRecovering] = readFlags(reader);
  const recovery = isRecovering ? { life: reader.varint(), through: reader.varint() } : undefined;
  const previous = readPosition(reader);
  const [commit, round, rank] = [reader.varint(), reader.varint(), reader.varint()];
  const entries: Entry[] = [];
  for (let count = reader.count(); count > 0; count--) {
    const entryTerm = reader.varint();
    const payload = payloads.decode(reader.bytes());
    const before = entries.at(-1)?.term ?? previous.term;
    if (payload === undefined || entryTerm < before || entryTerm > term) return undefined;
    entries.push({ index: previous.index + 1 + entries.length, term: entryTerm, payload });
  }
  const common = { type: 'append-request', term, previous, entries, commit, round, rank } as const;
  return recovery === undefined ? common : { ...common, recovery };
}

function writeAppendResponse(writer: ByteWriter, message: AppendResponse): void {
  const { match, round, mismatch, recoveringLife, isLowOnSpace, priority } = message;
  flags(writer, isLowOnSpace, mismatch !== undefined, recoveringLife !== undefined);
  writer.varint(match).varint(round).varint(zigzag(priority));
  if (mismatch !== undefined) position(writer.varint(mismatch.previous), mismatch.hint);
  if (recoveringLife !== undefined) writer.varint(recoveringLife);
}

function readAppendResponse(term: number, reader: ByteReader): AppendResponse {
  const [isLowOnSpace, hasMismatch, isRecovering] = readFlags(reader);
  const [match, round, priority] = [reader.varint(), reader.varint(), unzigzag(reader.varint())];
  const mismatch = hasMismatch ? { previous: reader.varint(), hint: readPosition(reader) } : undefined;
  const recoveringLife = isRecovering ? reader.varint() : undefined;
  return {
    type: 'append-response',
    term,
    match,
    round,
    isLowOnSpace,
    priority,
    ...(mismatch !== undefined && { mismatch }),
    ...(recoveringLife !== undefined && { recoveringLife }),
  };
}

function position(writer: ByteWriter, { index, term }: LogPosition): void {
  writer.varint(index).varint(term);
}

function readPosition(reader: ByteReader): LogPosition {
  return { index: reader.varint(), term: reader.varint() };
}

function flags(writer: ByteWriter, ...values: readonly boolean[]): ByteWriter {
  return writer.varint(values.reduce((bits, value, index) => bits + (value ? 2 ** index : 0), 0));
}

function readFlags(reader: ByteReader): readonly [boolean, boolean, boolean] {
  const bits = reader.varint();
  return [(bits & 1) !== 0, (bits & 2) !== 0, (bits & 4) !== 0];
}

// Priorities may be negative.
function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function unzigzag(value: number): number {
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
}
