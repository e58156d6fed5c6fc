import { defineErrors } from '@grp/core';

/** What a benchmark can fail with, besides what the nodes themselves say. */
export const benchError = defineErrors({
  BENCH_PEER_MISSING: {
    kind: 'not-found',
    message: 'There is no $command on the PATH to measure against.',
    hint: 'Install it (Debian: apt-get install $command), or leave --against out to measure ours alone.',
  },
  BENCH_PEER_UNKNOWN: {
    kind: 'usage',
    message: '"$peer" is no peer that $name is measured against.',
    hint: 'There are: $peers.',
  },
  BENCH_UNKNOWN: {
    kind: 'usage',
    message: 'There is no benchmark $name.',
    hint: 'There are: swim, gms, ordering, isis, messenger, raft, chat, wal, dfs.',
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
    hint: 'It takes $takes.',
  },
  BENCH_NO_SOURCES: {
    kind: 'not-found',
    message: '$name is measured from the sources, and $file is not there.',
    hint: 'Clone the repository and say: npm run bench -- $name',
  },
  BENCH_FAILED: {
    kind: 'failure',
    message: 'The benchmark ended with code $code and without figures.',
    hint: 'What it said before is on stderr.',
  },
  BENCH_PROMISE_BROKEN: {
    kind: 'violated',
    message: 'The benchmark measured what must not happen: $promises.',
    hint: 'Run it again on a machine with less to do; if it stays so, report it.',
  },
});
