import { GrpError, type Disk, type Logger } from '@grp/core';
import { toBase64, utf8 } from '../encoding.ts';
import { trackerError } from '../errors.ts';
import type { TrackerCrypto } from '../ports.ts';
import { isObject, listOf, whole, type Field } from '../wire/fields.ts';

const file = 'journal.jsonl';
const freshFile = 'journal.new';
const format = 1;
/** A compacted journal is written in lines of about so many bytes. */
const dumpBytes = 65_536;
/** Below that a journal is not worth compacting. */
const smallBytes = 1_048_576;
const newline = 10;

export interface JournalOptions {
  readonly disk: Disk;
  readonly crypto: TrackerCrypto;
  readonly logger: Logger;
  /** Records up to this one survive a power cut. */
  readonly onDurable: (record: number) => void;
  /** A write or a flush failed: nothing after it is promised. Called once. */
  readonly onFailure: (error: GrpError) => void;
}

type Entry = readonly [key: string, value: unknown];

/**
 * Values by key in a file of JSON lines. Everything that is put while a flush is under way goes into one line and one
 * flush after it, and what is put in one turn of the event loop is
 * never parted, so that half of a change is never read. Only the last line can be torn: a bad line with a good one behind it is damage, a bad line at the
 * end is what a crash leaves, and was never confirmed. Each line has the hash of the one before it, so that lines of an
 * older life cannot pass for its successors.
 */
export class Journal {
  readonly #options: JournalOptions;
  /** What the file says, as JSON: for compaction. */
  readonly #live = new Map<string, string>();
  #liveBytes = 0;
  #bytes = 0;
  #hash = '';
  #sequence = 0;
  #waiting: { readonly record: number; readonly key: string; readonly json: string | undefined }[] = [];
  #isWriting = false;
  #isClosed = false;
  #idle: (() => void)[] = [];

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Records that are not durable yet. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Reads everything, and cuts off a torn end. @throws GrpError TRACKER_JOURNAL_CORRUPT, TRACKER_JOURNAL_NEWER, DISK_IO */
  async load(): Promise<ReadonlyMap<string, unknown>> {
    const { disk, logger } = this.#options;
    const entries = new Map<string, unknown>();
    const names = await disk.list('');
    if (names.includes(freshFile)) await disk.remove(freshFile); // a compaction that was cut short
    if (!names.includes(file)) return entries;
    const bytes = await disk.read(file, 0, await disk.size(file));
    const end = this.#replay(bytes, entries);
    if (end < bytes.length) {
      logger.log('warn', 'tracker.journal-torn', { bytes: bytes.length - end });
      await disk.truncate(file, end);
      await disk.sync(file);
    }
    this.#bytes = end;
    for (const [key, value] of entries) this.#note(key, JSON.stringify(value));
    return entries;
  }

  /** Writes a value, or removes it when undefined; `onDurable` tells when. Records rise by one. */
  put(record: number, key: string, value: unknown): void {
    if (this.#isClosed) return;
    this.#waiting.push({ record, key, json: JSON.stringify(value) });
    if (!this.#isWriting) void this.#write();
  }

  /** Resolves when nothing is being written any more; what is put later is ignored. */
  async close(): Promise<void> {
    if (this.#isWriting) await new Promise<void>((resolve) => this.#idle.push(resolve));
    this.#isClosed = true;
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    await Promise.resolve(); // for the rest of what this turn of the event loop puts
    try {
      while (this.#waiting.length > 0 && !this.#isClosed) {
        const batch = this.#waiting;
        this.#waiting = [];
        await this.#append(batch.map(({ key, json }) => [key, json] as const));
        const last = batch.at(-1);
        if (last !== undefined) this.#options.onDurable(last.record);
        if (this.#bytes > smallBytes && this.#bytes > 2 * this.#liveBytes + smallBytes) await this.#compact();
      }
    } catch (cause) {
      this.#isClosed = true;
      const problem = cause instanceof GrpError ? cause.code : 'unknown';
      this.#options.onFailure(trackerError('TRACKER_DISK', { context: { problem }, cause }));
    }
    this.#isWriting = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #append(batch: readonly (readonly [key: string, json: string | undefined])[]): Promise<void> {
    const { disk } = this.#options;
    const isNew = this.#bytes === 0;
    const line = this.#line(batch);
    await disk.append(file, line);
    await disk.sync(file);
    if (isNew) await disk.syncDirectory('');
    this.#bytes += line.length;
    for (const [key, json] of batch) this.#note(key, json);
  }

  /** Everything that counts, into a new file that takes the old one's place at once or not at all. */
  async #compact(): Promise<void> {
    const { disk, logger } = this.#options;
    const before = this.#bytes;
    [this.#hash, this.#sequence] = ['', 0];
    let [batch, size, bytes]: [[string, string][], number, number] = [[], 0, 0];
    const flush = async (): Promise<void> => {
      const line = this.#line(batch);
      await disk.append(freshFile, line);
      bytes += line.length;
      [batch, size] = [[], 0];
    };
    for (const [key, json] of this.#live) {
      batch.push([key, json]);
      size += key.length + json.length;
      if (size > dumpBytes) await flush();
    }
    await flush();
    await disk.sync(freshFile);
    await disk.rename(freshFile, file);
    await disk.syncDirectory('');
    this.#bytes = bytes;
    logger.log('info', 'tracker.journal-compacted', { before, after: bytes });
  }

  #line(batch: readonly (readonly [key: string, json: string | undefined])[]): Uint8Array {
    const entries = batch.map(([key, json]) => `[${JSON.stringify(key)},${json ?? 'null'}]`).join();
    const body = `{"f":${format},"s":${++this.#sequence},"e":[${entries}]}`;
    this.#hash = this.#chain(body);
    return utf8(`${this.#hash} ${body}\n`);
  }

  #chain(body: string): string {
    return toBase64(this.#options.crypto.digest(utf8(`${this.#hash}\n${body}`)).subarray(0, 12));
  }

  /** Takes the good lines from the start; where they end. */
  #replay(bytes: Uint8Array, entries: Map<string, unknown>): number {
    let start = 0;
    while (start < bytes.length) {
      const end = bytes.indexOf(newline, start);
      const batch = end < 0 ? undefined : this.#open(bytes.subarray(start, end));
      if (batch === undefined) {
        if (end >= 0 && hasLine(bytes, end + 1))
          throw trackerError('TRACKER_JOURNAL_CORRUPT', { context: { offset: start } });
        return start;
      }
      for (const [key, value] of batch) {
        if (value === null) entries.delete(key);
        else entries.set(key, value);
      }
      start = end + 1;
    }
    return start;
  }

  /** The entries of one line; undefined when it is not what was written here. */
  #open(line: Uint8Array): readonly Entry[] | undefined {
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(line);
      const space = text.indexOf(' ');
      const body = text.slice(space + 1);
      const hash = this.#chain(body);
      if (text.slice(0, space) !== hash) return undefined;
      const object: unknown = JSON.parse(body);
      if (!isObject(object)) return undefined;
      const found = object['f'];
      if (typeof found === 'number' && found > format)
        throw trackerError('TRACKER_JOURNAL_NEWER', { context: { format: found } });
      const batch = entriesField.read(object['e']);
      const sequence = whole().read(object['s']);
      if (batch === undefined || sequence !== this.#sequence + 1) return undefined;
      [this.#hash, this.#sequence] = [hash, sequence];
      return batch;
    } catch (cause) {
      if (cause instanceof GrpError) throw cause;
      return undefined;
    }
  }

  #note(key: string, json: string | undefined): void {
    const old = this.#live.get(key);
    if (old !== undefined) this.#liveBytes -= key.length + old.length;
    if (json === undefined) this.#live.delete(key);
    else {
      this.#live.set(key, json);
      this.#liveBytes += key.length + json.length;
    }
  }
}

const entryField: Field<Entry> = {
  read: (value) => {
    if (!Array.isArray(value) || value.length !== 2) return undefined;
    const [key, stored] = value as readonly unknown[];
    return typeof key === 'string' ? [key, stored] : undefined;
  },
};
const entriesField = listOf(entryField, Number.MAX_SAFE_INTEGER);

/** Is there a line from here on that looks like one of ours? A torn batch is followed by nothing, or by zeros. */
function hasLine(bytes: Uint8Array, from: number): boolean {
  let start = from;
  while (start < bytes.length) {
    const end = bytes.indexOf(newline, start);
    if (end < 0) return false;
    const text = new TextDecoder().decode(bytes.subarray(start, Math.min(end, start + 32)));
    if (/^[\w-]{16} \{"f":\d/.test(text)) return true;
    start = end + 1;
  }
  return false;
}
