// How many times faster than the clock one core simulates a swim cluster, bytes, codec and trace hash included.
import { below } from '@grp/core';
import { createSwimCluster, isConverged } from '../src/index.ts';

const [members = 1_000, steadySeconds = 60, churnSeconds = 20] = process.argv.slice(2).map(Number);
const figures: Record<string, number> = { members };

let startedAt = performance.now();
const world = createSwimCluster({ seed: 1, nodeCount: members });
while (!isConverged(world)) {
  world.runFor(1_000);
  if (world.now % 10000 === 0) process.stderr.write(`forming: ${(world.now / 1_000).toFixed(0)} s simulated\n`);
}
figures['formVirtualSeconds'] = world.now / 1_000;
figures['formSeconds'] = (performance.now() - startedAt) / 1_000;
// Until the last news of the joins has died out.
while (world.names.some((name) => world.node(name).health().broadcastsQueued > 0)) world.runFor(1_000);
figures['settledVirtualSeconds'] = world.now / 1_000;

startedAt = performance.now();
world.runFor(steadySeconds * 1_000);
figures['steadyTimesRealTime'] = (steadySeconds * 1_000) / (performance.now() - startedAt);

startedAt = performance.now();
const crashed: string[] = [];
for (let second = 0; second < churnSeconds; second++) {
  // One member goes and one comes back every second.
  const victim = world.names[3 + below(world.random, members - 3)] as string;
  if (world.state(victim) === 'running') {
    world.crash(victim);
    crashed.push(victim);
  }
  if (crashed.length > 5) world.restart(crashed.shift() as string);
  world.runFor(1_000);
}
figures['churnTimesRealTime'] = (churnSeconds * 1_000) / (performance.now() - startedAt);

process.stdout.write(
  `${JSON.stringify({ bench: 'sim-swim', node: process.version, traceHash: world.traceHash(), figures })}\n`,
);
process.stderr.write('\n');
for (const [name, value] of Object.entries(figures)) process.stderr.write(`${name.padEnd(22)} ${value.toFixed(1)}\n`);
