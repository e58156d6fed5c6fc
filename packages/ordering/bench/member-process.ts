// One measured member in a process of its own, on UDP over loopback; forked by `processes.ts`.
import { systemClock, systemRandom, type Address, type NodeId } from '@grp/core';
import { createLinks } from '@grp/link';
import { createOrdering, type Delivery, type Order, type OrderingMember } from '@grp/ordering';
import { openNetwork } from '@grp/transport-udp';

export interface MemberPlan {
  readonly order: Order;
  readonly rank: number;
  readonly payloadBytes: number;
  /** Own messages under way; 0: this one only receives. */
  readonly outstanding: number;
  readonly frameBytes: number;
  /** Whose messages the first member times. */
  readonly timed: string;
  /** FIFO and causal order: as many as go, instead of one after the other. */
  readonly isStreaming: boolean;
}

export interface MemberReport {
  readonly deliveries: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** µs from `send` to delivery, sampled. */
  readonly latencies: readonly number[];
  /** A hash over the order of all deliveries, every so many of them. */
  readonly hashes: readonly number[];
  readonly rounds: number;
  readonly resent: number;
}

const hashEvery = 10_000;
const defer = (callback: () => void): void => void setImmediate(callback);

async function main(): Promise<void> {
  const plan = JSON.parse(process.argv[2] ?? '{}') as MemberPlan;
  const network = await openNetwork({ bind: '127.0.0.1:0', connect: true, datagramBytesMax: plan.frameBytes });
  const { transport } = network;
  const links = createLinks({ transport, clock: systemClock(), random: systemRandom(), defer });
  const self: OrderingMember = { id: `m${plan.rank}` as NodeId, address: links.self };
  // FIFO and causal order deliver own messages at once: there, what may be under way is up to links and windows.
  const isPaced = plan.order === 'total';
  const config = isPaced ? {} : { outboxMessagesMax: Math.max(1, plan.outstanding) };
  const group = createOrdering({ order: plan.order, self, links, defer, config });
  let [deliveries, hash, since] = [0, 0, 0];
  let hashes: number[] = [];
  let latencies: number[] = [];
  let isSending = false;
  const now = (): number => performance.timeOrigin + performance.now();
  const post = (): boolean => {
    const payload = new Uint8Array(plan.payloadBytes);
    new DataView(payload.buffer).setFloat64(0, now());
    return group.send(payload);
  };
  // Total order: how long until the sender itself delivers; else until the first member has it from the last.
  const timed = isPaced ? self.id : plan.rank === 0 ? plan.timed : undefined;
  group.on('deliver', (batch: readonly Delivery[]) => {
    for (const { sender, sequence, payload, position } of batch) {
      deliveries++;
      hash = (Math.imul(hash, 31) + sequence * 17 + sender.charCodeAt(1)) | 0;
      if (position % hashEvery === 0) hashes.push(hash);
      if (sender === timed && latencies.length < 200_000)
        latencies.push((now() - new DataView(payload.buffer, payload.byteOffset).getFloat64(0)) * 1_000);
      if (sender === self.id && isSending && isPaced) post();
    }
    if (isSending && plan.isStreaming) while (post());
  });
  group.on('settled', () => {
    if (isSending && !isPaced) post();
  });
  group.on('view', () => process.send?.({ type: 'ready' }));
  let cpu = process.cpuUsage();
  process.on('message', (message: { readonly type: string; readonly members?: readonly Address[] }) => {
    if (message.type === 'view') {
      const members = (message.members ?? []).map((address, rank) => ({ id: `m${rank}` as NodeId, address }));
      group.setView({ number: 1, members });
    } else if (message.type === 'go') {
      isSending = plan.outstanding > 0;
      for (let sent = 0; sent < plan.outstanding; sent++) post();
    } else if (message.type === 'measure') {
      [deliveries, since] = [0, performance.now()];
      latencies = [];
      cpu = process.cpuUsage();
    } else if (message.type === 'report') {
      const { user, system } = process.cpuUsage(cpu);
      const { rounds } = group.statistics();
      const report: MemberReport = {
        deliveries,
        seconds: (performance.now() - since) / 1_000,
        cpuSeconds: (user + system) / 1e6,
        latencies,
        hashes,
        rounds: rounds.sent,
        resent: rounds.resent,
      };
      isSending = false;
      hashes = [];
      process.send?.({ type: 'report', report });
    } else process.exit(0);
  });
  process.send?.({ type: 'address', address: links.self });
}

await main();
