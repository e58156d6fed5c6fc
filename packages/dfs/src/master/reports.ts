import type { Millis } from '@grp/core';
import type { HeldBlob, HoldReport, MetaReply } from '../messages.ts';
import type { BlobId } from '../model.ts';
import type { MasterContext } from './context.ts';
import { dropCopy } from './repair.ts';

const orphansMax = 100_000;

/** Compares what servers say they hold with what the log says. */
export class Reports {
  /** Blobs that no version has, by when they were first reported: puts under way, or dead ones. */
  readonly #orphans = new Map<BlobId, Millis>();

  onHoldReport(context: MasterContext, report: HoldReport): MetaReply {
    const { state } = context;
    const { node, incarnation, asOf, blobs } = report;
    if (asOf > state.position || incarnation > state.position) return { kind: 'not-leader' };
    if (!state.isCurrent(node, incarnation)) return { kind: 'expelled' };
    const unwanted: BlobId[] = [];
    for (const held of blobs) if (this.#isUnwanted(context, report, held)) unwanted.push(held.blob);
    this.#findMissing(context, report);
    return { kind: 'unwanted', epoch: state.position, blobs: unwanted };
  }

  /** True for a blob that no version has or will have: the server may delete it at once. */
  #isUnwanted(context: MasterContext, { node, incarnation }: HoldReport, held: HeldBlob): boolean {
    const { state } = context;
    const { blob, epoch } = held;
    const record = state.blobs.get(blob);
    if (record === undefined) {
      // A put opened before the floor can no longer commit.
      if (state.tombstones.has(blob) || epoch <= state.tombstoneFloor) return true;
      this.#onOrphan(context, blob, node);
      return false;
    }
    const isGood = record.bytes === held.bytes && record.sha256 === held.sha256;
    if (record.holders.includes(node)) {
      if (!isGood) dropCopy(context, { blob, node, incarnation });
      return false;
    }
    const server = state.servers.get(node);
    if (server === undefined || server.deletions.has(blob)) return false;
    const isYoung = epoch > (server.dropped.get(blob) ?? -1);
    const isWanted = isGood && isYoung && record.holders.length < record.replicas;
    // While nobody else has it, even a copy that must not count is better than none.
    if (!isWanted && isGood && record.holders.length === 0) return false;
    const ack = { node, incarnation, epoch };
    if (isWanted) context.propose(`holder ${blob} ${node}`, { kind: 'add-holders', items: [{ blob, ack }] });
    else dropCopy(context, { blob, node, incarnation });
    return false;
  }

  #onOrphan(context: MasterContext, blob: BlobId, node: string): void {
    const since = this.#orphans.get(blob);
    if (since === undefined) {
      if (this.#orphans.size >= orphansMax) this.#orphans.delete(this.#orphans.keys().next().value as BlobId);
      this.#orphans.set(blob, context.now);
    } else if (context.now - since >= context.config.orphanGraceMs) {
      context.propose(`tombstone ${blob}`, { kind: 'tombstone', blob, holders: [node] }, () =>
        this.#orphans.delete(blob),
      );
    }
  }

  /** What the log says it holds, had it before it looked, and is not in the report. */
  #findMissing(
    context: MasterContext,
    { node, incarnation, asOf, after = '', through = 'g', blobs }: HoldReport,
  ): void {
    const { state } = context;
    const there = new Set(blobs.map(({ blob }) => blob));
    for (const blob of state.servers.get(node)?.held ?? []) {
      if (there.has(blob) || blob <= after || blob > through) continue;
      if ((state.blobs.get(blob)?.changedAt ?? Infinity) <= asOf) dropCopy(context, { blob, node, incarnation, asOf });
    }
  }
}
