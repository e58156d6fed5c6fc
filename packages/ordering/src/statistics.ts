import type { NodeId } from '@grp/core';
import type { OrderingStatistics, OrderingStatus } from './api.ts';
import type { Epoch } from './epoch.ts';
import type { Outbox } from './outbox.ts';
import type { Outlet } from './outlet.ts';

/** What statistics are made of. */
export interface Sources {
  readonly outlet: Outlet;
  readonly outbox: Outbox;
  readonly epoch: Epoch | undefined;
  readonly status: OrderingStatus;
  readonly position: number;
  readonly openGaps: number;
  readonly waitingFor: readonly NodeId[];
}

/** Counts everything anew: for people and for metrics, not for every message. */
export function statisticsOf(sources: Sources): OrderingStatistics {
  const { outlet, outbox, epoch, status, position, openGaps, waitingFor } = sources;
  const { counters, order, refused } = outlet;
  const held = holdBackOf(epoch);
  return {
    order,
    status,
    view: epoch?.view.number ?? 0,
    memberCount: epoch?.view.members.length ?? 0,
    sent: outbox.lastSequence - outbox.messages,
    delivered: counters.delivered,
    position,
    outbox: { messages: outbox.messages, bytes: outbox.bytes },
    holdBack: { ...held, roundsMax: Math.max(held.rounds, counters.heldRoundsMax) },
    unstable: unstableOf(epoch),
    numbers: { proposed: epoch?.total?.clock ?? 0, agreed: epoch?.total?.agreed ?? 0 },
    rounds: { sent: counters.roundsSent, received: counters.roundsReceived, resent: counters.roundsResent },
    gaps: { open: openGaps, filled: counters.gapsFilled, unfilled: counters.gapsUnfilled },
    droppedRounds: counters.droppedRounds,
    flushes: { count: counters.flushes, lastMs: counters.lastFlushMs },
    waitingFor,
    refused: Object.fromEntries(refused),
  };
}

function holdBackOf(epoch: Epoch | undefined): Omit<OrderingStatistics['holdBack'], 'roundsMax'> {
  let [rounds, messages, bytes, undeliverableRounds, aheadRounds] = [0, 0, 0, 0, 0];
  for (const log of epoch?.logs ?? []) {
    const held = log.heldBack();
    rounds += held.rounds;
    messages += held.messages;
    bytes += held.bytes;
    aheadRounds += log.ahead;
    undeliverableRounds += epoch?.total === undefined ? held.rounds : log.have - log.decided + log.ahead;
  }
  return { rounds, messages, bytes, undeliverableRounds, aheadRounds };
}

function unstableOf(epoch: Epoch | undefined): OrderingStatistics['unstable'] {
  let [rounds, bytes] = [0, 0];
  for (const log of epoch?.logs ?? []) {
    rounds += log.delivered - log.floor;
    bytes += log.bytes - log.heldBack().bytes;
  }
  return { rounds, bytes };
}
