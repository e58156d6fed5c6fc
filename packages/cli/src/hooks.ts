import type { Hook } from '@oclif/core';
import { cliError } from './errors.ts';
import { nearest } from './nearest.ts';
import { invocation } from './invocation.ts';

/** Refuses what is no command, with the nearest one that is. */
export const commandNotFound: Hook<'command_not_found'> = async ({ id, config }) => {
  const words = id.split(':');
  const known = config.commands.filter((command) => !command.hidden).map((command) => command.id);
  const command = words.join(' ');
  for (let length = words.length - 1; length > 0; length--) {
    const prefix = words.slice(0, length).join(':');
    if (!known.includes(prefix)) continue;
    const shown = prefix.replaceAll(':', ' ');
    throw cliError('CLI_ARGUMENT', {
      context: { what: `"${shown}" takes no argument "${words.slice(length).join(' ')}".` },
      hint: `See what it takes with: ${invocation()} ${shown} --help`,
    });
  }
  // Also "cluster kil n3": the words after the verb are arguments.
  const near = nearest(id, known) ?? nearest(words.slice(0, 2).join(':'), known) ?? nearest(words[0] as string, known);
  throw cliError('CLI_UNKNOWN_COMMAND', {
    context: { command },
    hint: near === undefined ? undefined : `Did you mean: ${invocation()} ${near.replaceAll(':', ' ')}?`,
  });
};
