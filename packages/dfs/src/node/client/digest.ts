import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { frameBytes } from '../store/config.ts';

/** SHA-256 of content that comes in pieces. */
export interface Digest {
  /** It has too much to do: give no more until `onCaughtUp`. */
  readonly isBehind: boolean;
  update(parts: readonly Uint8Array[]): void;
  /** Resolves with 64 hex digits. Once. */
  end(): Promise<string>;
  /** Nobody wants the answer. */
  stop(): void;
}

/** From here on a thread of its own pays: it takes some 20 ms to begin. */
const ownThreadBytesMin = 16 * frameBytes;
const slots = 3;
/** Handed over at once: each time costs as much as hashing some 50 KB. */
const slotBytes = 2 * frameBytes;
const waitingBytesMax = 4 * frameBytes;

/** For so many bytes: hashing takes a third of the time of a long get, so that is done on another thread. */
export function digestFor(bytes: number, onCaughtUp: () => void): Digest {
  if (bytes >= ownThreadBytesMin) return new ThreadDigest(onCaughtUp);
  const hash = createHash('sha256');
  return {
    isBehind: false,
    update: (parts) => {
      for (const part of parts) hash.update(part);
    },
    end: async () => hash.digest('hex'),
    stop: () => {},
  };
}

// As text, so that it needs no file of its own in whatever bundle this ends up.
const program = `
  const { parentPort, workerData } = require('node:worker_threads');
  const hash = require('node:crypto').createHash('sha256');
  const memory = new Uint8Array(workerData);
  parentPort.on('message', ({ slot, from, length }) => {
    if (slot < 0) return parentPort.postMessage({ slot, digest: hash.digest('hex') });
    hash.update(memory.subarray(from, from + length));
    parentPort.postMessage({ slot });
  });
`;

interface Told {
  readonly slot: number;
  readonly digest?: string;
}

/** Hands pieces to a thread through memory that both see. */
class ThreadDigest implements Digest {
  readonly #onCaughtUp: () => void;
  readonly #memory: Uint8Array;
  readonly #worker: Worker;
  readonly #free = Array.from({ length: slots }, (_, slot) => slot);
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #wasBehind = false;
  #isEnding = false;
  #resolve: (sha256: string) => void = () => {};
  #reject: (cause: unknown) => void = () => {};
  readonly #digest: Promise<string>;

  constructor(onCaughtUp: () => void) {
    this.#onCaughtUp = onCaughtUp;
    const shared = new SharedArrayBuffer(slots * slotBytes);
    this.#memory = new Uint8Array(shared);
    this.#digest = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#digest.catch(() => {});
    this.#worker = new Worker(program, { eval: true, workerData: shared, execArgv: [] });
    this.#worker.unref();
    this.#worker.on('message', (told: Told) => this.#heard(told));
    this.#worker.on('error', (cause) => this.#reject(cause));
    this.#worker.on('exit', () => this.#reject(new Error('the thread that hashes has ended')));
  }

  get isBehind(): boolean {
    this.#wasBehind = this.#waitingBytes > waitingBytesMax;
    return this.#wasBehind;
  }

  update(parts: readonly Uint8Array[]): void {
    for (const part of parts) {
      this.#waiting.push(part);
      this.#waitingBytes += part.length;
    }
    if (this.#waitingBytes >= slotBytes) this.#pump();
  }

  end(): Promise<string> {
    this.#isEnding = true;
    this.#worker.ref();
    this.#pump();
    return this.#digest;
  }

  stop(): void {
    void this.#worker.terminate();
  }

  /** Fills free slots with what waits. */
  #pump(): void {
    while (this.#waitingBytes > 0) {
      const slot = this.#free.pop();
      if (slot === undefined) return;
      const from = slot * slotBytes;
      this.#tell({ slot, from, length: this.#fill(from) });
    }
    if (this.#isEnding && this.#free.length === slots) this.#tell({ slot: -1, from: 0, length: 0 });
  }

  #tell(message: { readonly slot: number; readonly from: number; readonly length: number }): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none, unlike a window
    this.#worker.postMessage(message);
  }

  #fill(from: number): number {
    let filled = 0;
    let count = 0;
    for (const part of this.#waiting) {
      const piece = part.subarray(0, slotBytes - filled);
      this.#memory.set(piece, from + filled);
      filled += piece.length;
      if (piece.length < part.length) {
        this.#waiting[count] = part.subarray(piece.length);
        break;
      }
      count++;
    }
    this.#waiting.splice(0, count);
    this.#waitingBytes -= filled;
    return filled;
  }

  #heard({ slot, digest }: Told): void {
    if (digest !== undefined) {
      this.#resolve(digest);
      return this.stop();
    }
    this.#free.push(slot);
    if (this.#isEnding || this.#waitingBytes >= slotBytes) this.#pump();
    if (!this.#wasBehind || this.#waitingBytes > waitingBytesMax) return;
    this.#wasBehind = false;
    this.#onCaughtUp();
  }
}
