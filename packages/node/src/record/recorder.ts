import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { GrpError, type Cancel, type Clock, type Logger } from '@grp/core';
import { nodeError, problemOf } from '../errors.ts';

/** What a role tells of a message: of which kind it is, for people, and what finds it again in the peer's recording. */
export interface RecordedMessage {
  readonly kind: string;
  readonly label: string;
  readonly key: string;
}

/** What kinds of things happen in a node alone; the same words as in a space-time diagram of the lab. */
export type RecordedMark = 'send' | 'deliver' | 'view' | 'state' | 'suspect' | 'trouble';

/** What a client asked for; the fields of an operation in `@grp/sim`. */
export interface RecordedRequest {
  readonly process: string;
  readonly f: string;
  readonly key: string;
  readonly value: unknown;
}

export interface RecorderOptions {
  readonly file: string;
  readonly name: string;
  readonly id: string;
  /** Where the roles listen. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The file is never larger, in bytes; what does not fit is counted. */
  readonly bytesMax: number;
  /** Lines that wait for the disk, in bytes; what does not fit is counted. */
  readonly bufferBytesMax: number;
}

const flushMs = 100;
const textMax = 300;
/** For the lines that say that something is missing. */
const reservedBytes = 512;

/**
 * Writes what a node sends, receives, delivers and decides to a file, one JSON object per line: a head with the schema
 * `grp.node.recording/1`, events, and an end that says how many were left out. It never delays the node and never fails
 * it: what the disk does not take is counted, and said where it is missing. A killed process loses what happened in its
 * last tenth of a second.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #handle: FileHandle;
  readonly #startedAt: number;
  #lines: string[] = [];
  #waitingBytes = 0;
  #fileBytes = 0;
  #omittedCount = 0;
  /** Since the last line. */
  #missingCount = 0;
  #isFull = false;
  #cancel: Cancel | undefined;
  #writing: Promise<void> = Promise.resolve();
  #state: 'open' | 'failed' | 'closed' = 'open';

  private constructor(options: RecorderOptions, handle: FileHandle) {
    this.#options = options;
    this.#handle = handle;
    this.#startedAt = options.clock.now();
  }

  /** Replaces the file. @throws GrpError NODE_RECORD_UNWRITABLE */
  static async open(options: RecorderOptions): Promise<Recorder> {
    const { file, name, id, addresses, clock } = options;
    let handle: FileHandle;
    try {
      handle = await open(file, 'w', 0o600); // messages have content, which is nobody else's to read
    } catch (cause) {
      throw nodeError('NODE_RECORD_UNWRITABLE', { context: { file, problem: problemOf(cause) }, cause });
    }
    const recorder = new Recorder(options, handle);
    recorder.#write(lineOf({ schema: 'grp.node.recording/1', name, id, wallMs: clock.wallMs(), addresses }));
    return recorder;
  }

  /** Events that are not in the file. */
  get omittedCount(): number {
    return this.#omittedCount;
  }

  departure(role: string, to: string, message: RecordedMessage): void {
    this.#event({ type: 'departure', role, to: cut(to), ...message, label: cut(message.label) });
  }

  arrival(role: string, from: string, message: RecordedMessage): void {
    this.#event({ type: 'arrival', role, from: cut(from), ...message, label: cut(message.label) });
  }

  mark(role: string, mark: RecordedMark, label: string): void {
    this.#event({ type: 'mark', role, mark, label: cut(label) });
  }

  /** Records what a client asks for and what becomes of it: an answer, surely nothing, or nobody knows. */
  async operation<Result>(
    request: RecordedRequest,
    run: () => Promise<Result>,
    out: (result: Result) => unknown,
  ): Promise<Result> {
    const call = this.#now();
    const { process, f, key, value } = request;
    const asked = { process: cut(process), f: cut(f), key: cut(key), value: bounded(value), call };
    const told = (outcome: object): void => this.#event({ type: 'operation', operation: { ...asked, ...outcome } });
    try {
      const result = await run();
      told({ return: this.#now(), out: bounded(out(result)), type: 'ok' });
      return result;
    } catch (cause) {
      if (isUndone(f, cause)) told({ return: this.#now(), out: null, type: 'fail' });
      else told({ return: null, out: null, type: 'info' });
      throw cause;
    }
  }

  /** Writes the end, and closes the file. May be called twice. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return this.#writing;
    const wasOpen = this.#state === 'open';
    this.#cancel?.();
    if (wasOpen) this.#write(lineOf({ type: 'end', at: this.#now(), omitted: this.#omittedCount }));
    this.#state = 'closed';
    this.#flush();
    this.#writing = this.#writing.then(() => this.#handle.close()).catch(() => {});
    return this.#writing;
  }

  #now(): number {
    return Math.round((this.#options.clock.now() - this.#startedAt) * 1_000) / 1_000;
  }

  #event(event: object): void {
    if (this.#isFull || this.#state !== 'open') {
      this.#omittedCount++;
      return;
    }
    const at = this.#now();
    const line = lineOf({ at, ...event });
    const { bytesMax, bufferBytesMax } = this.#options;
    this.#isFull = this.#fileBytes + line.bytes + reservedBytes > bytesMax;
    if (this.#isFull || this.#waitingBytes + line.bytes > bufferBytesMax) {
      this.#omittedCount++;
      this.#missingCount++;
      if (this.#isFull) this.#gap(at, 'the recording is full: what follows is missing');
      return;
    }
    if (this.#missingCount > 0) this.#gap(at, `${this.#missingCount} events are missing: the disk was slow`);
    this.#write(line);
  }

  /** Said at once, because a killed node writes no end. */
  #gap(at: number, label: string): void {
    const missing = this.#missingCount;
    this.#missingCount = 0;
    this.#write(lineOf({ at, type: 'mark', role: 'node', mark: 'trouble', label, missing }));
  }

  #write({ text, bytes }: Line): void {
    this.#lines.push(text);
    this.#waitingBytes += bytes;
    this.#fileBytes += bytes;
    const { clock } = this.#options;
    this.#cancel ??= clock.wakeAt(clock.now() + flushMs, () => this.#flush());
  }

  #flush(): void {
    this.#cancel = undefined;
    const text = this.#lines.join('');
    this.#lines = [];
    if (text === '') return;
    const bytes = Buffer.byteLength(text);
    this.#writing = this.#writing
      .then(() => this.#handle.appendFile(text))
      .then(() => {
        this.#waitingBytes -= bytes;
      })
      .catch((cause: unknown) => this.#fail(cause));
  }

  // The node is worth more than its recording.
  #fail(cause: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = 'failed';
    this.#options.logger.log('warn', 'node.record-failed', { file: this.#options.file, problem: problemOf(cause) });
  }
}

interface Line {
  readonly text: string;
  readonly bytes: number;
}

function lineOf(value: object): Line {
  const text = `${JSON.stringify(value)}\n`;
  return { text, bytes: Buffer.byteLength(text) };
}

function cut(text: string): string {
  return text.length > textMax ? `${text.slice(0, textMax - 1)}…` : text;
}

const changeless = new Set(['read', 'get']);
const refusals: ReadonlySet<string> = new Set(['usage', 'not-found', 'denied', 'conflict']);

/** What was refused was not done, and what only looks changes nothing; all else may have been done, or be done later. */
function isUndone(f: string, cause: unknown): boolean {
  return changeless.has(f) || (cause instanceof GrpError && refusals.has(cause.kind));
}

/** For checkers it is enough that equal values are equal: a long one is recorded as its digest. */
function bounded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => bounded(one));
  if (typeof value !== 'string' || value.length <= textMax) return value ?? null;
  return `sha256:${createHash('sha256').update(value).digest('hex')}`;
}
