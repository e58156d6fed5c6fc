import { invariant } from '@grp/core';
import { ByteRange, textOf, utf8 } from './fields.ts';
import { messageRecordSize, readMessageRecord, recordLengthBytes, writeMessageRecord } from './message-record.ts';
import type { MessageRecord } from './message-record.ts';
import { hex, type StoredMessage } from './model.ts';

const pageMessages = 128;
const firstPageBytes = 512;
/** A full page gives back what it does not need when that is more than an eighth of it. */
const slackShare = 1 / 8;

/** Up to 128 messages that follow each other in a room, as the bytes that a snapshot holds of them. */
export class MessagePage {
  /** The room's canonical name. */
  readonly room: string;
  readonly firstSequence: number;
  /** Bytes before `size` never change: whoever holds them for a snapshot has them as they were. */
  bytes: Uint8Array;
  /** Where each message's record ends. */
  readonly ends: number[] = [];

  constructor(room: string, firstSequence: number, bytesMax: number) {
    this.room = room;
    this.firstSequence = firstSequence;
    this.bytes = new Uint8Array(bytesMax);
  }

  get size(): number {
    return this.ends.at(-1) ?? 0;
  }

  /** The message with this id; undefined: it is not here. */
  find(id: string): MessageRecord | undefined {
    for (let place = 0; place < this.ends.length; place++) {
      const record = this.record(place);
      if (record.id === id) return record;
    }
    return undefined;
  }

  record(place: number): MessageRecord {
    const from = this.start(place) + recordLengthBytes;
    const record = readMessageRecord(this.bytes, from, this.ends[place] ?? 0);
    invariant(record !== undefined, 'a page holds what was written into it');
    return record;
  }

  start(place: number): number {
    return place === 0 ? 0 : (this.ends[place - 1] ?? 0);
  }
}

/**
 * The messages of one room by sequence, from 1, without gaps. They are kept as bytes, in pages: a million of them are some
 * thousand objects, and a snapshot takes them as they are.
 */
export class MessageList {
  readonly #room: string;
  readonly #roomBytes: ByteRange;
  readonly #pages: MessagePage[] = [];
  #length = 0;

  /** @param room its canonical name, which is in each record */
  constructor(room: string) {
    this.#room = room;
    this.#roomBytes = utf8(room);
  }

  get length(): number {
    return this.#length;
  }

  /** Adds the next one, whose sequence is `length` + 1; gives the page where it can be found again by its id. */
  append(message: MessageRecord): MessagePage {
    invariant(message.sequence === this.#length + 1, 'messages follow each other');
    const page = this.#pageFor(messageRecordSize(this.#roomBytes, message));
    page.ends.push(writeMessageRecord(page.bytes, page.size, this.#roomBytes, message));
    this.#length++;
    if (page.ends.length === pageMessages && page.bytes.length - page.size > page.size * slackShare)
      page.bytes = page.bytes.slice(0, page.size);
    return page;
  }

  /** A message as it is until it is deleted. */
  record(sequence: number): MessageRecord | undefined {
    const place = sequence - 1;
    if (!(place >= 0 && place < this.#length)) return undefined;
    return this.#pages[Math.floor(place / pageMessages)]?.record(place % pageMessages);
  }

  at(sequence: number): StoredMessage | undefined {
    const record = this.record(sequence);
    return record === undefined ? undefined : storedMessage(record);
  }

  /** From one sequence up to, and without, another. */
  *between(from: number, to: number): Generator<StoredMessage, void, void> {
    for (let sequence = Math.max(1, from); sequence < to && sequence <= this.#length; sequence++)
      yield this.at(sequence) as StoredMessage;
  }

  [Symbol.iterator](): Iterator<StoredMessage, void, void> {
    return this.between(1, Infinity);
  }

  /** Its text goes; its place and its id stay. Gives how many bytes the text had. */
  delete(sequence: number): number {
    const page = this.#pages[Math.floor((sequence - 1) / pageMessages)];
    const place = (sequence - 1) % pageMessages;
    const record = this.record(sequence);
    if (page === undefined || record === undefined) return 0;
    const { size, bytes } = page;
    const next = { ...record, text: new ByteRange(new Uint8Array(0)), deleted: true };
    const [start, end] = [page.start(place), page.ends[place] ?? 0];
    const less = end - start - messageRecordSize(this.#roomBytes, next);
    // In bytes of its own, because a snapshot may still have to write these.
    const changed = new Uint8Array(page.ends.length === pageMessages ? size - less : bytes.length);
    changed.set(bytes.subarray(0, start));
    writeMessageRecord(changed, start, this.#roomBytes, next);
    changed.set(bytes.subarray(end, size), end - less);
    page.bytes = changed;
    for (let at = place; at < page.ends.length; at++) page.ends[at] = (page.ends[at] ?? 0) - less;
    return record.text.length;
  }

  /** All records as they are now, for a snapshot; later changes do not touch them. */
  capture(): readonly Uint8Array[] {
    return this.#pages.map(({ bytes, size }) => bytes.subarray(0, size));
  }

  /** The last page, with room for so many bytes. */
  #pageFor(moreBytes: number): MessagePage {
    const last = this.#pages.at(-1);
    if (last === undefined || last.ends.length === pageMessages) {
      const page = new MessagePage(this.#room, this.#length + 1, Math.max(last?.size ?? firstPageBytes, moreBytes));
      this.#pages.push(page);
      return page;
    }
    const { bytes, size } = last;
    if (size + moreBytes > bytes.length) {
      last.bytes = new Uint8Array(Math.max(bytes.length * 2, size + moreBytes));
      last.bytes.set(bytes.subarray(0, size));
    }
    return last;
  }
}

/** With texts in place of bytes. */
export function storedMessage({ sequence, index, id, from, text, atMs, deleted }: MessageRecord): StoredMessage {
  const texts = { id: hex(id), from: textOf(from) ?? '', text: textOf(text) ?? '' };
  return { sequence, index, ...texts, atMs, deleted };
}
