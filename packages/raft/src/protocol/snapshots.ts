import type { Millis } from '@grp/core';
import type { Ticket } from '../effects.ts';
import type { SnapshotResponse } from '../messages.ts';
import type { LogIndex, ServerId, SnapshotInfo } from '../types.ts';
import type { Leader } from './leader.ts';
import type { Progress } from './progress.ts';
import type { State } from './state.ts';

/** After a snapshot that failed, for want of room for example. */
const retryMs = 5_000;

/** Log compaction, and snapshots for followers that need entries which are gone (§7). */
export class Snapshots {
  readonly #state: State;
  readonly #leader: Leader;
  #isTaking = false;
  /** Somebody has asked for one. */
  #isWanted = false;
  /** Bytes of entries handed to the state machine since the last snapshot. */
  #bytesApplied = 0;
  /** The same when the snapshot under way was begun. */
  #bytesTaken = 0;
  #notBefore: Millis = -Infinity;

  constructor(state: State, leader: Leader) {
    this.#state = state;
    this.#leader = leader;
  }

  /** Entries of so many bytes went to the state machine. */
  appliedBytes(bytes: number): void {
    this.#bytesApplied += bytes;
  }

  /** The next one is due at once. */
  want(): void {
    this.#isWanted = true;
  }

  /** Asks for a snapshot when enough was applied since the last one. */
  consider(): void {
    const state = this.#state;
    const { applied, applying, config, log, snapshot } = state;
    if (this.#isTaking || state.installing !== undefined || applied !== applying) return;
    const count = applied - (snapshot?.index ?? 0);
    // A large state is not written again for a few entries: as much must have come as a start reads anyway, or half of it.
    const isWorthIt = this.#bytesApplied * 2 >= (snapshot?.sizeBytes ?? 0);
    const isMuch = count >= config.snapshotEntries || this.#bytesApplied >= config.snapshotBytes;
    const isDue = this.#isWanted || (isMuch && isWorthIt && state.now >= this.#notBefore);
    if (count < 1 || !isDue) return;
    // What is not durable here could be lost by a crash that the snapshot outlives.
    const term = log.term(applied);
    if (term === undefined || applied > log.durable) return;
    this.#isTaking = true;
    this.#isWanted = false;
    this.#bytesTaken = this.#bytesApplied;
    this.#bytesApplied = 0;
    const configuration = state.configurations.at(applied);
    state.effect({ type: 'take-snapshot', index: applied, term, configuration });
  }

  onTaken(snapshot: SnapshotInfo | undefined): void {
    const state = this.#state;
    this.#isTaking = false;
    if (snapshot === undefined) {
      this.#notBefore = state.now + retryMs;
      this.#bytesApplied += this.#bytesTaken;
    }
    if (snapshot === undefined || snapshot.index <= (state.snapshot?.index ?? 0)) return;
    state.snapshot = snapshot;
    const through = Math.min(this.#notNeededThrough(snapshot.index), state.log.durable);
    if (through <= state.log.base.index) return;
    state.log.compact(through);
    state.configurations.compact(through);
    state.effect({ type: 'compact', through });
  }

  /** Begins to send the newest snapshot. */
  send(progress: Progress): void {
    const { snapshot } = this.#state;
    if (snapshot !== undefined) progress.sendSnapshot(snapshot);
  }

  /** One chunk at a time: read, sent, answered; sent again when no answer comes. */
  continue(progress: Progress): void {
    const state = this.#state;
    const { transfer } = progress;
    if (transfer === undefined || transfer.reading !== undefined) return;
    const { sentAt, snapshot, offset } = transfer;
    if (sentAt !== undefined && state.now - sentAt < state.config.electionTimeoutMs) return;
    const ticket = state.newTicket();
    transfer.reading = ticket;
    const bytesMax = Math.min(state.config.chunkBytes, snapshot.sizeBytes - offset);
    state.effect({ type: 'read-snapshot', ticket, id: snapshot.id, offset, bytesMax });
  }

  onRead(ticket: Ticket, bytes: Uint8Array | undefined): void {
    const state = this.#state;
    for (const { id, transfer } of this.#leader.followers.values()) {
      if (transfer?.reading !== ticket) continue;
      transfer.reading = undefined;
      const { snapshot, offset } = transfer;
      if (bytes === undefined) {
        // A newer one has taken its place.
        this.#restart(id);
        return;
      }
      transfer.sentAt = state.now;
      const { term } = state;
      const round = this.#leader.roundsBegun;
      state.send(id, { type: 'snapshot-request', term, snapshot, offset, bytes, round });
      return;
    }
  }

  onResponse(from: ServerId, { id, nextOffset, round }: SnapshotResponse): void {
    const progress = this.#leader.followers.get(from);
    const transfer = progress?.transfer;
    if (progress === undefined || transfer === undefined || transfer.snapshot.id !== id)
      return this.#state.drop('stale-snapshot-response');
    progress.heardAt = this.#state.now;
    if (progress.recovery === undefined) this.#leader.confirmRound(progress, round);
    if (nextOffset > transfer.snapshot.sizeBytes || nextOffset === transfer.offset) return undefined;
    transfer.offset = nextOffset;
    transfer.reading = undefined;
    transfer.sentAt = undefined;
    return undefined;
  }

  #restart(id: ServerId): void {
    const progress = this.#leader.followers.get(id);
    if (progress !== undefined) progress.probe(progress.match + 1);
  }

  /** Entries are kept for followers that are a little behind, but not for ever for one that does not answer. */
  #notNeededThrough(index: LogIndex): LogIndex {
    const { config, now, log } = this.#state;
    let through = index - config.trailingEntries;
    for (const { heardAt, match, transfer } of this.#leader.followers.values()) {
      const needed = transfer === undefined ? match : transfer.snapshot.index;
      if (now - heardAt <= config.quorumTimeoutMs && log.lastIndex - needed <= 2 * config.snapshotEntries)
        through = Math.min(through, needed);
    }
    return through;
  }
}
