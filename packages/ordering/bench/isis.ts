// ISIS total order on loopback: `npm run bench -- isis [--members N] [--bytes N] [--seconds N] [--frame N]`.
// First the machines alone, in one process without a network; then four processes over links and UDP, loaded and unloaded;
// and bare datagrams to and from the same number of processes, which is what no protocol is below.
import { parseArgs } from 'node:util';
import { measureFloor } from './floor.ts';
import { measureMachines } from './machines.ts';
import { measureGroup } from './processes.ts';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      members: { type: 'string', default: '4' },
      bytes: { type: 'string', default: '100' },
      seconds: { type: 'string', default: '5' },
      frame: { type: 'string', default: '1400' },
    },
  });
  const [memberCount = 4, payloadBytes = 100, seconds = 5, frameBytes = 1_400] = [
    values.members,
    values.bytes,
    values.seconds,
    values.frame,
  ].map(Number);
  const machines = measureMachines({ order: 'total', memberCount, payloadBytes, seconds: 2 });
  const common = { order: 'total', memberCount, payloadBytes, seconds, frameBytes } as const;
  const loaded = await measureGroup({ ...common, outstanding: 256, senders: 'all' });
  const unloaded = await measureGroup({ ...common, outstanding: 1, senders: 'one' });
  // Data and the agreed number of the message before share a datagram; a proposal is one.
  const floor = await measureFloor(memberCount - 1, payloadBytes + 60);
  const isMet = loaded.multicastsPerSecond >= 100_000 && unloaded.p50Us <= 100;
  const report = { bench: 'isis', node: process.version, ...common, machines, loaded, unloaded, floor, isMet };
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
}

await main();
