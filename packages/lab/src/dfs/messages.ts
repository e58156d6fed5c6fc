import type { Address } from '@grp/core';
import type { Ack, BlobId, CopyOrder, CopyProblem, DeletionOrder, ReadProblem } from '@grp/dfs';
import type { TypedTransport } from '@grp/sim';

export const dfsPort = 7_952;

/** What nodes and clients of a simulated store send each other. `id` is the asker's, and comes back with the answer. */
export type DfsMessage =
  | { readonly type: 'ask'; readonly id: number; readonly request: Uint8Array }
  | { readonly type: 'told'; readonly id: number; readonly reply: Uint8Array }
  | {
      readonly type: 'put';
      readonly id: number;
      readonly blob: BlobId;
      readonly epoch: number;
      readonly content: string;
    }
  | { readonly type: 'moved'; readonly id: number; readonly bytes: number }
  | { readonly type: 'stored'; readonly id: number; readonly ack: Ack }
  | { readonly type: 'refused'; readonly id: number; readonly problem: 'refused' | 'full' }
  | {
      readonly type: 'read';
      readonly id: number;
      readonly blob: BlobId;
      readonly offset: number;
      readonly length: number;
    }
  | { readonly type: 'bytes'; readonly id: number; readonly offset: number; readonly content: string }
  | { readonly type: 'unread'; readonly id: number; readonly problem: ReadProblem }
  | { readonly type: 'check'; readonly id: number; readonly blob: BlobId }
  | { readonly type: 'digest'; readonly id: number; readonly sha256: string }
  | { readonly type: 'copy'; readonly id: number; readonly order: CopyOrder }
  | { readonly type: 'copied'; readonly id: number; readonly ack: Ack }
  | { readonly type: 'not-copied'; readonly id: number; readonly problem: CopyProblem }
  | { readonly type: 'delete'; readonly id: number; readonly order: DeletionOrder }
  | { readonly type: 'deleted'; readonly id: number }
  | { readonly type: 'not-deleted'; readonly id: number };

export type DfsTransport = TypedTransport<DfsMessage>;

/** Who hears the answers to what was asked, by id. */
export class Answers {
  readonly #waiting = new Map<number, (message: DfsMessage) => void>();
  #id: number;

  /** A life that begins takes no answer for its own that was meant for the one before. */
  constructor(life: number) {
    this.#id = life * 1_000_000;
  }

  expect(listener: (message: DfsMessage) => void): number {
    const id = ++this.#id;
    this.#waiting.set(id, listener);
    return id;
  }

  forget(id: number): void {
    this.#waiting.delete(id);
  }

  /** False: it is a question, or nobody waits for it any more. */
  take(message: DfsMessage): boolean {
    const listener = this.#waiting.get(message.id);
    if (listener === undefined || questions.has(message.type)) return false;
    listener(message);
    return true;
  }
}

const questions: ReadonlySet<DfsMessage['type']> = new Set(['ask', 'put', 'read', 'check', 'copy', 'delete']);

export type Send = (to: Address, message: DfsMessage) => void;
