import { below, chance, type Millis, type Random } from '@grp/core';
import type { BlobId, HeldBlob } from '@grp/dfs';

export interface StoredBlob {
  readonly content: string;
  /** Of the last order under which it was stored. */
  epoch: number;
  /** Its bytes no longer fit their checksum. */
  isBad: boolean;
}

interface PendingWrite {
  readonly blob: BlobId;
  readonly content: string;
  readonly epoch: number;
  isCancelled: boolean;
}

export type WriteProblem = 'refused' | 'full';

/** What stands for SHA-256 here: any two contents of a run have different ones. */
export function digestOf(content: string): string {
  let digest = '';
  for (let part = 0; part < 8; part++) {
    let hash = 0x811c9dc5 ^ part;
    for (let index = 0; index < content.length; index++) hash = Math.imul(hash ^ content.charCodeAt(index), 0x01000193);
    digest += (hash >>> 0).toString(16).padStart(8, '0');
  }
  return digest;
}

/** The blobs on the disk of one server, across its lives. What is not yet durable dies with the life. */
export class BlobPlatter {
  readonly blobs = new Map<BlobId, StoredBlob>();
  readonly #pending = new Set<PendingWrite>();
  trouble: { readonly slowMs?: Millis; readonly fails?: boolean; readonly full?: boolean } = {};

  /** Calls back when it is durable, or with why it never will be. */
  write(
    write: { readonly blob: BlobId; readonly content: string; readonly epoch: number },
    random: Random,
    later: (ms: Millis, action: () => void) => void,
    done: (problem: WriteProblem | undefined) => void,
  ): void {
    const { slowMs = 0, fails = false, full = false } = this.trouble;
    if (full) return done('full');
    const pending: PendingWrite = { ...write, isCancelled: false };
    this.#pending.add(pending);
    later(0.2 + below(random, 6) + slowMs, () => {
      if (!this.#pending.delete(pending)) return;
      if (pending.isCancelled || (fails && chance(random, 0.7))) return done('refused');
      this.#keep(pending);
      done(undefined);
    });
  }

  /** Deletes what was stored, or is being written, under an order that is not younger. */
  delete(blob: BlobId, epoch: number): boolean {
    for (const pending of this.#pending)
      if (pending.blob === blob && pending.epoch <= epoch) pending.isCancelled = true;
    const stored = this.blobs.get(blob);
    return stored !== undefined && stored.epoch <= epoch && this.blobs.delete(blob);
  }

  /** A power cut or a killed process: of what was not durable some is there, some is torn, which a start finds out. */
  crash(random: Random): string[] {
    const happened: string[] = [];
    for (const pending of this.#pending) {
      const kept = below(random, 3);
      if (kept === 0 && !pending.isCancelled) this.#keep(pending);
      else if (kept === 1) happened.push('torn-write');
    }
    this.#pending.clear();
    return happened;
  }

  wipe(): void {
    this.blobs.clear();
    this.#pending.clear();
  }

  inventory(): readonly HeldBlob[] {
    return [...this.blobs].map(([blob, { content, epoch }]) => ({
      blob,
      epoch,
      bytes: content.length,
      sha256: digestOf(content),
    }));
  }

  hasGood(blob: BlobId): boolean {
    return this.blobs.get(blob)?.isBad === false;
  }

  #keep({ blob, content, epoch }: PendingWrite): void {
    const stored = this.blobs.get(blob);
    // A copy that is there already is under the younger order from now on: an older deletion leaves it alone.
    if (stored !== undefined && !stored.isBad) stored.epoch = Math.max(stored.epoch, epoch);
    else this.blobs.set(blob, { content, epoch: Math.max(epoch, stored?.epoch ?? 0), isBad: false });
  }
}
