import { exitCodes } from '@grp/core';

/** Exit code → what it means; the same for every command. */
export const exitCodeRows: readonly (readonly [code: string, meaning: string])[] = [
  ['0', 'ok; also a first SIGINT or SIGTERM that ended something long-running in order'],
  [String(exitCodes.failure), 'failure'],
  [String(exitCodes.usage), 'usage: an unknown command or flag, a value that cannot be'],
  [String(exitCodes['not-found']), 'not found: no such node, file, cluster'],
  [String(exitCodes.denied), 'denied: a token is missing or wrong, a secret file is open to others'],
  [String(exitCodes.unreachable), 'unreachable, or timed out'],
  [String(exitCodes.conflict), 'conflict: a name, port or folder is taken; not the leader'],
  [String(exitCodes['no-quorum']), 'no quorum, or not ready'],
  [String(exitCodes.violated), 'a check was violated: a promise was measured and not kept'],
  ['130, 143', 'cut short by a second SIGINT or SIGTERM, or by the first where work was asked for and is not done'],
];

const environmentRows: readonly (readonly [name: string, meaning: string])[] = [
  ['GRP_<FLAG>', 'every flag: --base-port is GRP_BASE_PORT; switches take 1 or true, lists take commas'],
  ['GRP_NODE, GRP_DIR', 'the node to ask; the folder of the local cluster'],
  ['GRP_CONFIG', 'a YAML or JSON file with values for flags, and settings of swim under "swim:"'],
  ['GRP_KEY_FILE, GRP_TOKEN_FILE', 'files with secrets; secrets themselves never go on a command line'],
  ['NO_COLOR, FORCE_COLOR', 'no colours at all; colours also without a terminal'],
  ['GRP_DEBUG', 'stack traces with errors'],
];

const jsonRows: readonly (readonly [what: string, meaning: string])[] = [
  ['one result', 'one line of JSON on stdout'],
  ['a stream', 'one document per line (events, logs, --watch)'],
  ['"schema"', 'first in every document and line: grp.<noun>.<what>/<version>; fields are added, never changed'],
  ['errors', '{"error":{"code","message","hint"}} on stdout, with the exit code of its kind'],
  ['stderr', 'stays silent, but for the log of "node start"'],
];

export interface HelpTopic {
  readonly title: string;
  readonly rows: readonly (readonly [string, string])[];
  readonly closing?: string;
}

/** What `grp help TOPIC` explains besides commands. */
export const helpTopics: Readonly<Record<string, HelpTopic>> = {
  'exit-codes': { title: 'EXIT CODES', rows: exitCodeRows },
  environment: {
    title: 'ENVIRONMENT AND CONFIG FILE',
    rows: environmentRows,
    closing:
      'Flags win over GRP_*, GRP_* over the config file, the file over defaults. Unknown keys in the file are errors.',
  },
  json: { title: 'JSON OUTPUT', rows: jsonRows },
};

/** Rows as two columns. */
export function rowsText(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
}
