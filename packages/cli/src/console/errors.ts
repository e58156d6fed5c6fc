import { defineErrors } from '@grp/core';

/** What can be wrong with the console. */
export const consoleError = defineErrors({
  CONSOLE_BUILD_FAILED: {
    kind: 'failure',
    message: 'The console could not be built: $reason',
    hint: 'Run the build alone to see more: pnpm --filter @grp/console build',
  },
  CONSOLE_NONE: {
    kind: 'not-found',
    message: 'The console is not part of this installation: there is no $folder.',
    hint: 'Install @grp/cli anew, or build it with: pnpm --filter @grp/cli... build',
  },
  CONSOLE_NOT_SERVED: {
    kind: 'not-found',
    message: 'The node at $url serves no console.',
    hint: 'Nodes that "grp node start" and "grp cluster up" have started do; this one may be of an older version.',
  },
});
