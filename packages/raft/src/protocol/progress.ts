import { invariant, type Millis } from '@grp/core';
import type { Ticket } from '../effects.ts';
import type { LogIndex, ServerId, SnapshotInfo } from '../types.ts';

/** A snapshot that is being sent. */
export interface SnapshotTransfer {
  readonly snapshot: SnapshotInfo;
  /** The follower has everything before. */
  offset: number;
  /** A chunk is being read from disk. */
  reading: Ticket | undefined;
  /** When the last chunk was sent, until it is answered. */
  sentAt: Millis | undefined;
}

interface Inflight {
  readonly last: LogIndex;
  readonly bytes: number;
}

/** What the leader knows of one follower: next index and match index of the paper, and what is on its way. */
export class Progress {
  readonly id: ServerId;
  /** The next entry to send. */
  next: LogIndex;
  /** Its log is known to equal the leader's up to here, durably. */
  match: LogIndex = 0;
  /** `probe`: one message at a time until it fits; `replicate`: as many as the window takes. */
  mode: 'probe' | 'replicate' | 'snapshot' = 'probe';
  isProbeSent = false;
  round = 0;
  /** The commit index that it was last told. */
  toldCommit: LogIndex = 0;
  /** Entries for it are being read from disk. */
  reading: Ticket | undefined;
  transfer: SnapshotTransfer | undefined;
  heardAt: Millis;
  /** Since when it takes entries without trouble. */
  stableSince: Millis | undefined;
  priority = 0;
  isLowOnSpace = false;
  /** It lost part of its log in this life; it is whole at `through`. */
  recovery: { readonly life: number; readonly through: LogIndex } | undefined;
  readonly #inflight: Inflight[] = [];
  #inflightBytes = 0;

  constructor(id: ServerId, next: LogIndex, now: Millis) {
    this.id = id;
    this.next = next;
    this.heardAt = now;
  }

  hasRoom(countMax: number, bytesMax: number): boolean {
    return this.#inflight.length < countMax && this.#inflightBytes < bytesMax;
  }

  get inflightBytes(): number {
    return this.#inflightBytes;
  }

  sent(last: LogIndex, bytes: number): void {
    if (this.mode === 'probe') {
      this.isProbeSent = true;
      return;
    }
    this.next = last + 1;
    this.#inflight.push({ last, bytes });
    this.#inflightBytes += bytes;
  }

  /** Everything up to `match` has arrived. False: that is no news. */
  acknowledge(match: LogIndex): boolean {
    while ((this.#inflight[0]?.last ?? Infinity) <= match) this.#inflightBytes -= this.#inflight.shift()?.bytes ?? 0;
    if (match <= this.match) return false;
    this.match = match;
    this.next = Math.max(this.next, match + 1);
    return true;
  }

  /** The log fits: entries may follow each other without waiting. */
  replicate(now: Millis): void {
    if (this.mode === 'replicate') return;
    this.mode = 'replicate';
    this.next = this.match + 1;
    this.transfer = undefined;
    this.isProbeSent = false;
    this.stableSince ??= now;
  }

  /** Something did not fit or was lost: one question at a time, from here. */
  probe(next: LogIndex): void {
    invariant(next > this.match, 'what matches is not sent again');
    this.mode = 'probe';
    this.next = next;
    this.isProbeSent = false;
    this.transfer = undefined;
    this.reading = undefined;
    this.stableSince = undefined;
    this.#forgetInflight();
  }

  sendSnapshot(snapshot: SnapshotInfo): void {
    this.probe(this.match + 1);
    this.mode = 'snapshot';
    this.transfer = { snapshot, offset: 0, reading: undefined, sentAt: undefined };
  }

  /** A new life of this follower has less than it said: what it said counts no longer. */
  lost(life: number, through: LogIndex): void {
    this.recovery = { life, through };
    this.match = 0;
    this.probe(through + 1);
  }

  #forgetInflight(): void {
    this.#inflight.length = 0;
    this.#inflightBytes = 0;
  }
}
