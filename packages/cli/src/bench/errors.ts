import { defineErrors } from '@grp/core';

/** What a benchmark can fail with, besides what the nodes themselves say. */
export const benchError = defineErrors({
  BENCH_PEER_MISSING: {
    kind: 'not-found',
    message: 'There is no $command on the PATH to measure against.',
    hint: 'Install it (Debian: apt-get install serf), or measure ours alone with --against none.',
  },
  BENCH_PEER_UNKNOWN: {
    kind: 'usage',
    message: '"$peer" is no peer to measure against.',
    hint: 'It is serf for swim, corosync for gms, or none.',
  },
  BENCH_SIZE: {
    kind: 'usage',
    message: '"$size" is no size of a cluster.',
    hint: 'Write whole numbers from 3 to 100, with commas between: --sizes 5,10,30',
  },
  BENCH_NOT_WHOLE: {
    kind: 'failure',
    message: 'The lists of $system were not whole and quiet within $timeoutMs ms: $reason.',
  },
  BENCH_AGENT_ENDED: { kind: 'failure', message: 'The serf agent $name ended by itself.', hint: 'Its log is $log' },
  BENCH_FLAG: {
    kind: 'usage',
    message: '--$flag says nothing about $name.',
    hint: 'grp bench gms takes --against, --sizes, --runs and --quick.',
  },
  BENCH_NO_SOURCES: {
    kind: 'not-found',
    message: 'gms is measured from the sources, and $file is not there.',
    hint: 'Clone the repository and say: npm run bench -- gms',
  },
  BENCH_FAILED: { kind: 'failure', message: 'The benchmark ended with code $code and without figures.' },
  BENCH_PROMISE_BROKEN: { kind: 'violated', message: 'The benchmark measured what must not happen: $promises.' },
});
