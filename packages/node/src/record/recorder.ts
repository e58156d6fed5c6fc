import { open, type FileHandle } from 'node:fs/promises';
import type { Cancel, Clock, Logger } from '@grp/core';
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
  /** The file ends at this size, in bytes; what comes later is counted. */
  readonly bytesMax: number;
  /** Lines that wait for the disk, in bytes; what does not fit is counted. */
  readonly bufferBytesMax: number;
}

const flushMs = 100;
const textMax = 300;

/**
 * Writes what a node sends, receives, delivers and decides to a file, one JSON object per line: a head with the schema
 * `grp.node.recording/1`, events, and an end that says how many were left out. It never delays the node and never fails
 * it: what the disk does not take is counted. A killed process loses what happened in its last tenth of a second.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #handle: FileHandle;
  readonly #startedAt: number;
  #lines: string[] = [];
  #waitingBytes = 0;
  #fileBytes = 0;
  #omittedCount = 0;
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
    recorder.#add({ schema: 'grp.node.recording/1', name, id, wallMs: clock.wallMs(), addresses });
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

  /** Records what a client asks for and what becomes of it: an answer, or nobody knows. */
  async operation<Result>(
    request: RecordedRequest,
    run: () => Promise<Result>,
    out: (result: Result) => unknown,
  ): Promise<Result> {
    const call = this.#now();
    const asked = { ...request, process: cut(request.process), key: cut(request.key), call };
    const told = (outcome: object): void => this.#event({ type: 'operation', operation: { ...asked, ...outcome } });
    try {
      const result = await run();
      told({ return: this.#now(), out: out(result), type: 'ok' });
      return result;
    } catch (cause) {
      told({ return: null, out: null, type: 'info' });
      throw cause;
    }
  }

  /** Writes the end, and closes the file. May be called twice. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return this.#writing;
    const wasOpen = this.#state === 'open';
    this.#cancel?.();
    if (wasOpen) this.#add({ type: 'end', at: this.#now(), omitted: this.#omittedCount });
    this.#state = 'closed';
    this.#flush();
    this.#writing = this.#writing.then(() => this.#handle.close()).catch(() => {});
    return this.#writing;
  }

  #now(): number {
    return Math.round((this.#options.clock.now() - this.#startedAt) * 1_000) / 1_000;
  }

  #event(event: object): void {
    const { bytesMax, bufferBytesMax } = this.#options;
    const isFull = this.#waitingBytes >= bufferBytesMax || this.#fileBytes >= bytesMax;
    if (isFull || this.#state !== 'open') this.#omittedCount++;
    else this.#add({ at: this.#now(), ...event });
  }

  #add(line: object): void {
    const text = `${JSON.stringify(line)}\n`;
    this.#lines.push(text);
    this.#waitingBytes += text.length;
    this.#fileBytes += text.length;
    const { clock } = this.#options;
    this.#cancel ??= clock.wakeAt(clock.now() + flushMs, () => this.#flush());
  }

  #flush(): void {
    this.#cancel = undefined;
    const text = this.#lines.join('');
    this.#lines = [];
    if (text === '') return;
    this.#writing = this.#writing
      .then(() => this.#handle.appendFile(text))
      .then(() => {
        this.#waitingBytes -= text.length;
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

function cut(text: string): string {
  return text.length > textMax ? `${text.slice(0, textMax - 1)}…` : text;
}
