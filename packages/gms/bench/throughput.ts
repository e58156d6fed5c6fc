// How many multicasts a group delivers everywhere for each second of CPU, all members in this process:
// `node --conditions=@grp/source packages/gms/bench/throughput.ts [--members 4] [--bytes 100] [--delivery agreed]
// [--frame 1400] [--window 256] [--seconds 3] [--senders all|one] [--links udp|memory]`. One JSON line.
import { parseArgs } from 'node:util';
import { systemClock, systemRandom, type Address, type Cancel, type NodeId } from '@grp/core';
import { createLinks } from '@grp/link';
import { openNetwork } from '@grp/transport-udp';
import { createGroup, type FailureDetector, type GroupHandle, type Links } from '../src/index.ts';

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '4' },
    bytes: { type: 'string', default: '100' },
    delivery: { type: 'string', default: 'agreed' },
    frame: { type: 'string', default: '1400' },
    window: { type: 'string', default: '256' },
    seconds: { type: 'string', default: '3' },
    senders: { type: 'string', default: 'all' },
    links: { type: 'string', default: 'udp' },
  },
});
const [members, bytes, frame, window] = [values.members, values.bytes, values.frame, values.window].map(Number) as [
  number,
  number,
  number,
  number,
];
const seconds = Number(values.seconds);
const defer = (run: () => void): void => void setImmediate(run);
const nobody: FailureDetector = { onSuspect: () => () => {}, onTrust: () => () => {}, hint: () => {} };

/** Links within this process: what the group itself costs. */
function memoryLinks(): (self: Address) => Links {
  const receivers = new Map<Address, (from: Address, message: Uint8Array) => void>();
  return (self) => {
    let pending: [Address, Uint8Array][] = [];
    const flush = (): void => {
      const batch = pending;
      pending = [];
      for (const [to, message] of batch) receivers.get(to)?.(self, message);
    };
    const none = (): Cancel => () => {};
    return {
      self,
      maxPayloadBytes: 16_777_216,
      frameBytes: frame - 30,
      delivery: 'fifo',
      send(to, message) {
        if (pending.length === 0) defer(flush);
        pending.push([to, message.slice()]);
        return true;
      },
      onReceive(listener) {
        receivers.set(self, listener);
        return () => receivers.delete(self);
      },
      onReset: none,
      onWritable: none,
      onTrouble: none,
      forget() {},
      close: () => Promise.resolve(),
    };
  };
}

async function udpLinks(): Promise<Links> {
  const network = await openNetwork({ bind: '127.0.0.1:0', datagramBytesMax: frame, connect: true });
  return createLinks({ transport: network.transport, clock: systemClock(), random: systemRandom(), defer });
}

const inMemory = memoryLinks();
const groups: GroupHandle[] = [];
for (let index = 0; index < members; index++) {
  const links = values.links === 'memory' ? inMemory(`m:${index + 1}` as Address) : await udpLinks();

  const options = { id: `m${index}#1` as NodeId, delivery: values.delivery as 'agreed' | 'safe' };
  const group = createGroup({ links, detector: nobody, defer }, options);
  await group.join(groups.length === 0 ? [] : [(groups[0] as GroupHandle).self.address]);
  groups.push(group);
}

const payload = new Uint8Array(bytes).map((_, index) => index);
let delivered = 0;
const latencies: number[] = [];
const phase = { isOver: false };
const senders = values.senders === 'one' ? groups.slice(1, 2) : groups;
for (const group of senders) {
  let inFlight = 0;
  const sentAt: number[] = [];
  const fill = (): void => {
    while (!phase.isOver && inFlight < window && group.post(payload)) {
      if (window === 1 || inFlight === 0) sentAt.push(performance.now());
      inFlight++;
    }
  };
  group.onBatch((batch) => {
    batch.each((_sequence, sender) => {
      if (sender !== group.self.id) return;
      inFlight--;
      delivered++;
      if (window !== 1) return;
      latencies.push(performance.now() - (sentAt.shift() ?? 0));
    });
    fill();
  });
  fill();
}
await new Promise((resolve) => setTimeout(resolve, 1_000)); // warm up
const [before, cpuBefore, startedAt] = [delivered, process.cpuUsage(), performance.now()];
latencies.length = 0;
await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
const cpu = process.cpuUsage(cpuBefore);
const elapsed = (performance.now() - startedAt) / 1_000;
const count = delivered - before;
phase.isOver = true;
await new Promise((resolve) => setTimeout(resolve, 300));
const marks = new Set(groups.map((group) => `${group.delivered.sequence} ${group.delivered.orderHash}`));
const cpuSeconds = (cpu.user + cpu.system) / 1e6;
const sorted = latencies.toSorted((a, b) => a - b);
const micros = (share: number): number => Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 1_000);
console.log(
  JSON.stringify({
    ...values,
    perSecond: Math.round(count / elapsed),
    perCpuSecond: Math.round(count / cpuSeconds),
    cores: Number((cpuSeconds / elapsed).toFixed(2)),
    ...(window === 1 && { p50Us: micros(0.5), p99Us: micros(0.99) }),
    equal: marks.size === 1,
    figures: groups[0]?.figures(),
  }),
);
process.exit(marks.size === 1 ? 0 : 8);
