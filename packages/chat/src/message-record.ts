import {
  bytesSize,
  type ByteRange,
  field,
  FieldReader,
  FieldWriter,
  keyOf,
  numberField,
  numberSize,
} from './fields.ts';

/** A message as a room keeps it and a snapshot holds it; texts are UTF-8. */
export interface MessageRecord {
  readonly sequence: number;
  readonly index: number;
  /** A key of 16 bytes: the id of the request that sent it. */
  readonly id: string;
  readonly from: ByteRange;
  /** Empty once deleted. */
  readonly text: ByteRange;
  readonly atMs: number;
  readonly deleted: boolean;
}

/** A record stands behind its length, 32 bits big-endian. */
export const recordLengthBytes = 4;
/** `SnapshotRecord.message`. */
const messageTag = field(5);

/** How long a record is, with its length in front. */
export function messageRecordSize(room: ByteRange, message: MessageRecord): number {
  return recordLengthBytes + bytesSize(contentSize(room, message));
}

function contentSize(room: ByteRange, { sequence, index, id, from, text, atMs, deleted }: MessageRecord): number {
  const texts = bytesSize(room.length) + bytesSize(id.length) + bytesSize(from.length) + bytesSize(text.length);
  return texts + numberSize(sequence) + numberSize(index) + numberSize(atMs) + (deleted ? 2 : 0);
}

/** Writes a record as a snapshot has it, its length in front; gives where it ends. */
export function writeMessageRecord(bytes: Uint8Array, at: number, room: ByteRange, message: MessageRecord): number {
  const { sequence, index, id, from, text, atMs, deleted } = message;
  const writer = new FieldWriter(bytes, at + recordLengthBytes)
    .open(messageTag, contentSize(room, message))
    .bytes(field(1), room)
    .number(numberField(2), sequence)
    .number(numberField(3), index)
    .key(field(4), id)
    .bytes(field(5), from)
    .bytes(field(6), text)
    .number(numberField(7), atMs)
    .number(numberField(8), deleted ? 1 : 0);
  const length = writer.at - at - recordLengthBytes;
  for (let byte = 0; byte < recordLengthBytes; byte++) bytes[at + byte] = (length >>> (24 - 8 * byte)) & 0xff;
  return writer.at;
}

/**
 * Views of one record, without the length in front. Undefined: it is another record, or of another shape. That its texts
 * are UTF-8 is not looked at.
 */
export function readMessageRecord(
  bytes: Uint8Array,
  from: number,
  to: number,
): (MessageRecord & { readonly room: ByteRange }) | undefined {
  const reader = new FieldReader(bytes, from, to).enter(messageTag);
  const room = reader.bytes(field(1));
  const sequence = reader.number(numberField(2));
  const index = reader.number(numberField(3));
  const id = keyOf(reader.bytes(field(4)));
  const sender = reader.bytes(field(5));
  const text = reader.bytesOrNone(field(6));
  const atMs = reader.numberOr0(numberField(7));
  const deleted = reader.numberOr0(numberField(8)) === 1;
  return reader.isWhole ? { room, sequence, index, id, from: sender, text, atMs, deleted } : undefined;
}
