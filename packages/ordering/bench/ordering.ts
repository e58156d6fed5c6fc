// FIFO, causal and total order side by side: `npm run bench -- ordering [--bytes N] [--seconds N] [--frame N]`.
// The machines alone for 3, 5, 10 and 100 members, then processes on loopback for 3, 5 and 10 (more do not fit two cores).
import { parseArgs } from 'node:util';
import type { Order } from '@grp/ordering';
import { measureMachines } from './machines.ts';
import { measureGroup } from './processes.ts';

const orders: readonly Order[] = ['fifo', 'causal', 'total'];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      bytes: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '4' },
      frame: { type: 'string', default: '1400' },
    },
  });
  const [payloadBytes = 1_000, seconds = 4, frameBytes = 1_400] = [values.bytes, values.seconds, values.frame].map(
    Number,
  );
  const machines: object[] = [];
  for (const memberCount of [3, 5, 10, 100]) {
    for (const order of orders)
      machines.push({ order, memberCount, ...measureMachines({ order, memberCount, payloadBytes, seconds: 2 }) });
  }
  const processes: object[] = [];
  for (const memberCount of [3, 5, 10]) {
    for (const order of orders) {
      const plan = { order, memberCount, payloadBytes, seconds, frameBytes } as const;
      const loaded = await measureGroup({ ...plan, outstanding: 64, senders: 'all' });
      const unloaded = await measureGroup({ ...plan, outstanding: 1, senders: 'one' });
      processes.push({ order, memberCount, loaded, unloaded });
      process.stderr.write(`${order}, ${memberCount} members: ${loaded.multicastsPerSecond} multicasts/s\n`);
    }
  }
  const report = { bench: 'ordering', node: process.version, payloadBytes, frameBytes, machines, processes };
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
}

await main();
