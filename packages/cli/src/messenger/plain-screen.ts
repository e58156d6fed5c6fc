import { jsonText } from '../output/json.ts';
import type { TableOptions } from '../output/table.ts';
import type { Output, Screen } from './output.ts';
import { outputText } from './text.ts';

/** One event per line of JSON. */
export function jsonScreen(write: (text: string) => void): Screen {
  return {
    show: (output) => write(`${jsonText({ schema: `grp.messenger.${output.type}/1`, ...output })}\n`),
  };
}

// What was asked for, or said; all else is talk about it.
const data: ReadonlySet<Output['type']> = new Set([
  'message',
  'groups',
  'members',
  'peers',
  'order',
  'metrics',
  'log',
  'help',
]);

/** Lines of text: messages and answers on `out`, notices on `talk`. */
export function plainScreen(out: (text: string) => void, talk: (text: string) => void, options: TableOptions): Screen {
  return {
    show(output) {
      const write = data.has(output.type) ? out : talk;
      write(`${outputText(output, options)}\n`);
    },
  };
}
