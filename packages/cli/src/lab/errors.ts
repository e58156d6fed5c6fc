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
  LAB_RECORDING_INVALID: {
    kind: 'usage',
    message: '$file is no recording of the lab: $problem.',
    hint: `Write one with: ${grp} lab run gms2-crash --out FILE`,
  },
  LAB_RECORDING_UNWRITABLE: { kind: 'failure', message: 'The recording could not be written to $file: $reason.' },
  LAB_HASH_DIFFERS: {
    kind: 'violated',
    message: 'This run came out as $hash, and the recorded one as $recorded.',
    hint: 'The file was changed, or comes from another version of grp. Take traceHash out of it to compare nothing.',
  },
});
