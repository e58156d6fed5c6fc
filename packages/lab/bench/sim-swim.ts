// How many times faster than the clock one core simulates a swim cluster, bytes, codec and trace hash included.
// Virtual seconds by CPU seconds of this process, its collector's and compiler's threads included; by wall time too,
// which says less on a machine that has other work.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { below } from '@grp/core';
import { createSwimCluster, isConverged } from '../src/index.ts';

// A thousand members make garbage faster than V8's young generation of 16 MiB is meant for, and what is copied out of it
// too early costs a fifth of the time. The size can only be chosen when Node starts.
const youngGeneration = '--max-semi-space-size=64';
if (!process.execArgv.includes(youngGeneration)) {
  const again = [...process.execArgv, youngGeneration, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  process.exit(spawnSync(process.execPath, again, { stdio: 'inherit' }).status ?? 1);
}

const [members = 1_000, steadySeconds = 60, churnSeconds = 20] = process.argv.slice(2).map(Number);
const figures: Record<string, number> = { members };

/** Runs one phase and notes how it went. */
function measured(phase: string, run: () => void): void {
  const wallFrom = performance.now();
  const cpuFrom = process.cpuUsage();
  const virtualFrom = world.now;
  const sentFrom = world.counts().send;
  run();
  const cpu = process.cpuUsage(cpuFrom);
  const virtualMs = world.now - virtualFrom;
  figures[`${phase}VirtualSeconds`] = virtualMs / 1_000;
  figures[`${phase}CpuSeconds`] = (cpu.user + cpu.system) / 1e6;
  figures[`${phase}WallSeconds`] = (performance.now() - wallFrom) / 1_000;
  figures[`${phase}TimesRealTime`] = virtualMs / ((cpu.user + cpu.system) / 1_000);
  figures[`${phase}TimesRealTimeByWall`] = virtualMs / (performance.now() - wallFrom);
  figures[`${phase}DatagramsPerVirtualSecond`] = (world.counts().send - sentFrom) / (virtualMs / 1_000);
}

const world = createSwimCluster({ seed: 1, nodeCount: members });
measured('form', () => {
  while (!isConverged(world)) {
    world.runFor(1_000);
    if (world.now % 10_000 === 0) process.stderr.write(`forming: ${(world.now / 1_000).toFixed(0)} s simulated\n`);
  }
});
measured('settle', () => {
  // Until the last news of the joins has died out.
  while (world.names.some((name) => world.node(name).health().broadcastsQueued > 0)) world.runFor(1_000);
});
measured('steady', () => world.runFor(steadySeconds * 1_000));
measured('churn', () => {
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
});

process.stdout.write(
  `${JSON.stringify({ bench: 'sim-swim', node: process.version, traceHash: world.traceHash(), figures })}\n`,
);
process.stderr.write('\n');
for (const [name, value] of Object.entries(figures)) process.stderr.write(`${name.padEnd(32)} ${value.toFixed(2)}\n`);
