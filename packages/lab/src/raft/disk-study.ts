import type { Plan } from '../gms/levels/plan.ts';
import type { LabStudy } from '../studies.ts';
import { factOf } from '../study-fact.ts';
import { runLogPlan } from './plan-run.ts';

const slowMs = 400;

const plan: Plan = {
  founders: 3,
  settleMs: 500,
  delayMs: [1, 3],
  steps: [
    { type: 'multicast', at: 0, node: 'leader', count: 2, everyMs: 60 },
    { type: 'slow-disk', at: 150, node: 'n3', extraMs: slowMs },
    { type: 'multicast', at: 160, node: 'leader', count: 2, everyMs: 60 },
    { type: 'slow-disk', at: 300, node: 'n2', extraMs: slowMs },
    { type: 'multicast', at: 310, node: 'leader', count: 1, everyMs: 20 },
    { type: 'multicast', at: 1_000, node: 'leader', count: 1, everyMs: 10 },
    { type: 'crash', at: 1_020, node: 'n1' },
    { type: 'crash', at: 1_020, node: 'n2' },
    { type: 'crash', at: 1_020, node: 'n3' },
    { type: 'slow-disk', at: 1_100, node: 'n2', extraMs: 0 },
    { type: 'slow-disk', at: 1_100, node: 'n3', extraMs: 0 },
    { type: 'restart', at: 1_200, node: 'n2' },
    { type: 'restart', at: 1_200, node: 'n3' },
    { type: 'multicast', at: 2_000, node: 'leader', count: 1, everyMs: 10 },
  ],
};

/** How long does a write wait for disks, and what if it does not? */
export const diskStudy: LabStudy = {
  name: 'disk',
  question:
    'Three servers of a log. First the disk of n3 becomes slow, later that of n2 as well; then all power fails, and n2 and n3 come back. Which writes take longer? And what if a server answered before its disk did?',
  explanation:
    'One slow disk of three costs nothing: a write is confirmed when a majority has it on disk, and the leader with one follower is a majority. From two slow disks on every write waits for one of them. Whoever does not wait is fast again and confirms what only one disk holds, or none: after the power cut the two that come back have never heard of it, and they are a majority. Under "disk" nothing that was confirmed is lost, for any majority contains a server that has it on disk.',
  guess: {
    question: 'Which writes are slow, and is one lost that was confirmed?',
    options: [
      'from the first slow disk on all wait; none is lost',
      'with two slow disks they wait; none is lost',
      'none waits; one is lost',
    ],
    answer: (report) => (factOf(report, 'confirmed and lost') === 'none' ? 1 : 2),
  },
  seed: 1,
  variant: 'disk',
  variants: { disk: 'answers when it is on disk', memory: 'answers when it is in memory' },
  expect: { disk: [], memory: ['leader completeness', 'state machine safety'] },
  hidden: ['ack', 'heartbeat', 'read-index-request', 'read-index-response'],
  isKey: ({ label }) => label.startsWith('leader'),
  plan,
  run: (variant, seed, changed = plan) =>
    runLogPlan({
      ...{ plan: changed, variant, seed, title: `disk, ${variant}, seed ${seed}` },
      ...(variant === 'memory' && { rules: { appendsWaitForDisk: false } }),
    }),
};
