import { readFileSync } from 'node:fs';
import type { CliOptions } from './main.ts';

/** Where oclif finds the commands when nothing has been built: the same table, from sources. */
export function sourceOptions(): CliOptions {
  const root = new URL('..', import.meta.url);
  const pjson = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as Record<string, unknown> & {
    oclif: Record<string, unknown>;
  };
  const oclif = {
    ...pjson.oclif,
    commands: { strategy: 'explicit', target: './src/commands.ts', identifier: 'COMMANDS' },
    helpClass: { target: './src/help.ts', identifier: 'GrpHelp' },
    hooks: { command_not_found: { target: './src/hooks.ts', identifier: 'commandNotFound' } },
  };
  return { root, pjson: { ...pjson, oclif } };
}
