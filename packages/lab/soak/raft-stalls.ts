// An hour of virtual time and more in which every server stands still now and then: how long may they before somebody is
// elected without a fault? `npm run soak -- raft-stalls [--hours 1] [--stall 300] [--nodes 3] [--seed 1]`.
import { parseArgs } from 'node:util';
import { stallRun } from '../test/support/raft-stalls.ts';

const { values } = parseArgs({
  options: {
    hours: { type: 'string', default: '1' },
    stall: { type: 'string', default: '300' },
    nodes: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
  },
});
const plan = {
  seed: Number(values.seed),
  nodeCount: Number(values.nodes),
  durationMs: Number(values.hours) * 3_600_000,
  stallMsMax: Number(values.stall),
};
const startedAt = performance.now();
const figures = stallRun(plan);
const ok = figures.elections === 0 && figures.violations.length === 0;
const seconds = Math.round((performance.now() - startedAt) / 1_000);
process.stdout.write(`${JSON.stringify({ soak: 'raft-stalls', ok, ...plan, ...figures, seconds })}\n`);
if (!ok) process.exitCode = 8;
