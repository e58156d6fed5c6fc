import { defineErrors } from '@grp/core';

/** Codes of what a test can do wrong, or a world can report. */
export const simError = defineErrors({
  SIM_PORT_IN_USE: { kind: 'conflict', message: '$address is already open.', hint: 'Close it first, or use port 0.' },
  SIM_NODE_UNKNOWN: { kind: 'usage', message: 'There is no node $name.', hint: 'Add it with world.addNode.' },
  SIM_NODE_EXISTS: { kind: 'usage', message: 'There is a node $name already.', hint: 'Names are unique.' },
  SIM_NODE_NOT_RUNNING: { kind: 'usage', message: 'Node $name is $state.', hint: 'Restart or resume it first.' },
  SIM_NODE_RUNNING: { kind: 'usage', message: 'Node $name is running.', hint: 'Crash it first.' },
  SIM_NEEDS_ASYNC: {
    kind: 'usage',
    message: 'A promise was settled while the world ran without letting promises go on.',
    hint: 'This code uses promises (a disk does): write await world.run(ms) or world.runUntil.',
  },
  SIM_TIMEOUT: {
    kind: 'violated',
    message: 'Not within $withinMs ms: $what (virtual time $now ms, seed $seed).',
    hint: 'createWorld({ seed, trace: { recordMax } }) and world.trace() show what happened.',
  },
  SIM_SEEDS_FAILED: {
    kind: 'violated',
    message: '$failureCount of $seedCount seeds failed.\n$report',
  },
  SIM_NODE_FAILED: {
    kind: 'violated',
    message: 'Node $node threw at $now ms (seed $seed): $reason',
  },
});

/** Codes of the simulated disk; those a real disk gives as well. */
export const diskError = defineErrors({
  DISK_NOT_FOUND: { kind: 'not-found', message: 'There is no file $file.' },
  DISK_IO: { kind: 'failure', message: '$operation of $file failed: input/output error.' },
  DISK_FULL: { kind: 'failure', message: 'The disk is full: $operation of $file.', hint: 'Free some room.' },
  DISK_LOCKED: { kind: 'conflict', message: 'The folder is in use by another process.' },
});
