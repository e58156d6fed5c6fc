import { defineErrors } from '@grp/core';

/** What a run in the simulator can fail with. */
export const simError = defineErrors({
  SIM_SEEDS: {
    kind: 'usage',
    message: '"$text" is no range of seeds.',
    hint: 'Write the first and the last: --seeds 1..100',
  },
  SIM_PROTOCOL: {
    kind: 'usage',
    message: '"$protocol" is no protocol of the simulator.',
    hint: 'There are: $protocols.',
  },
  SIM_SCENARIO: { kind: 'usage', message: '"$scenario" is no scenario of $protocol.', hint: 'There are: $scenarios.' },
  SIM_VIOLATED: {
    kind: 'violated',
    message: '$count violations were found.',
    hint: 'Run the first of them again: $command',
  },
  SIM_TRACE_UNWRITABLE: { kind: 'failure', message: 'The trace could not be written to $file: $reason.' },
  SIM_TRACE_INVALID: {
    kind: 'usage',
    message: '$file is no trace of a simulation (line $line).',
    hint: 'Write one with: grp sim run swim --seed 1 --trace FILE',
  },
});
