import { defineErrors } from '@grp/core';
import { invocation } from '../invocation.ts';

const grp = invocation();

/** What a lesson of the lab can fail with. */
export const labError = defineErrors({
  LAB_SCENARIO: {
    kind: 'not-found',
    message: 'There is no scenario "$scenario".',
    hint: `See them all with: ${grp} lab ls`,
  },
  LAB_LEVEL: { kind: 'usage', message: 'There is no level "$level".', hint: 'There are: $levels.' },
  LAB_VIOLATED: {
    kind: 'violated',
    message: '$level is right in $scenario, and yet $count checks were violated; the first: $first',
    hint: 'This is a bug in grp. Write the run down with --out FILE and report it.',
  },
  LAB_NO_OPERATIONS: {
    kind: 'not-found',
    message: 'There are no clients in "$title", and so nothing for Porcupine.',
    hint: 'Seeds of raft have clients, and so has a recorded node with the role raft that was asked by HTTP.',
  },
  LAB_EXPORT_UNWRITABLE: { kind: 'failure', message: '$file could not be written: $reason.' },
  LAB_RECORDING_INVALID: {
    kind: 'usage',
    message: '$file is no recording of the lab: $problem.',
    hint: `Write one with: ${grp} lab run gms2-crash --out FILE, or ${grp} node start --record FILE`,
  },
  LAB_RECORDING_UNWRITABLE: { kind: 'failure', message: 'The recording could not be written to $file: $reason.' },
  LAB_HASH_DIFFERS: {
    kind: 'violated',
    message: 'This run came out as $hash, and the recorded one as $recorded.',
    hint: 'The file was changed, or comes from another version of grp. Take traceHash out of it to compare nothing.',
  },
});
