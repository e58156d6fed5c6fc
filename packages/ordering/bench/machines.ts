// The machines and the wire format alone: a group in one process, whose messages are handed over at once.
import type { Address, NodeId } from '@grp/core';
import { decodeMessage, encodeMessage, OrderingMachine, type Input, type Order } from '@grp/ordering';

export interface MachinesPlan {
  readonly order: Order;
  readonly memberCount: number;
  readonly payloadBytes: number;
  readonly seconds: number;
}

export interface MachinesFigures {
  /** Delivered by all; all members share one processor here. */
  readonly multicastsPerSecond: number;
  /** µs of processor time for one delivery at one member. */
  readonly usPerDelivery: number;
}

/** Each turn every member sends a few messages and takes what has come for it. */
export function measureMachines({ order, memberCount, payloadBytes, seconds }: MachinesPlan): MachinesFigures {
  const members = Array.from({ length: memberCount }, (_, rank) => ({
    id: `m${rank}` as NodeId,
    address: `m${rank}:1` as Address,
  }));
  const machines = members.map((self) => new OrderingMachine({ self, order }));
  const inboxes: Input[][] = members.map(() => [{ type: 'view', view: { number: 1, members } }]);
  const byAddress = new Map(members.map(({ address }, rank) => [address, rank]));
  const payload = new Uint8Array(payloadBytes).fill(7);
  const startedAt = performance.now();
  let delivered = 0;
  let countedFrom = 0;
  let measuredAt = 0;
  for (let now = startedAt; now - startedAt < seconds * 1_000; now = performance.now()) {
    if (measuredAt === 0 && now - startedAt > 500) [measuredAt, countedFrom] = [now, delivered];
    for (const [rank, machine] of machines.entries()) {
      const inputs = inboxes[rank] as Input[];
      inboxes[rank] = [];
      for (let sent = 0; sent < 16 && machine.outbox.messages < 256; sent++) inputs.push({ type: 'send', payload });
      for (const effect of machine.step(inputs, now)) {
        if (effect.type === 'deliver') delivered += rank === 0 ? effect.deliveries.length : 0;
        if (effect.type !== 'transmit') continue;
        const bytes = encodeMessage(effect.message);
        const from = (members[rank] as (typeof members)[number]).address;
        for (const to of effect.to)
          inboxes[byAddress.get(to) as number]?.push({ type: 'receive', from, message: decodeMessage(bytes) });
      }
    }
  }
  const elapsed = performance.now() - measuredAt;
  const rate = ((delivered - countedFrom) / elapsed) * 1_000;
  return {
    multicastsPerSecond: Math.round(rate),
    usPerDelivery: Math.round((1e6 / rate / memberCount) * 100) / 100,
  };
}
