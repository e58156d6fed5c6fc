import { Args, Flags } from '@oclif/core';
import { envName } from './given.ts';
import { parseDuration, parseShare, parseWhole } from './values.ts';

const global = { helpGroup: 'GLOBAL' } as const;

/** What every command takes. */
export const globalFlags = {
  json: Flags.boolean({
    ...global,
    description: 'print JSON: one document, or one per line for streams',
    env: envName('json'),
  }),
  node: Flags.string({
    ...global,
    description: 'the node to ask: a URL, host:port, or the id of a local node (n3)',
    env: envName('node'),
    helpValue: 'URL',
  }),
  dir: Flags.string({
    ...global,
    description: 'folder of the local cluster: state, logs, data (.grp unless given)',
    env: envName('dir'),
    helpValue: 'DIR',
  }),
  config: Flags.string({
    ...global,
    description: 'YAML or JSON file with values for flags; flags and GRP_* win over it',
    env: envName('config'),
    helpValue: 'FILE',
  }),
  timeout: duration('timeout', 'how long to wait before giving up (500ms, 5s, 2m)', global),
  'token-file': Flags.string({
    ...global,
    description: 'file with the bearer token of the HTTP API',
    env: envName('token-file'),
    helpValue: 'FILE',
  }),
  'tls-ca': Flags.string({
    ...global,
    description: 'certificate authority to trust for https, in PEM',
    env: envName('tls-ca'),
    helpValue: 'FILE',
  }),
  'no-color': Flags.boolean({ ...global, description: 'no colours, also by NO_COLOR', env: envName('no-color') }),
};

interface Extra {
  readonly helpGroup?: string;
}

/** A flag in milliseconds, written as `500ms`, `5s`, `2m`. */
export function duration(name: string, description: string, extra: Extra = {}) {
  return Flags.custom<number>({
    ...extra,
    description,
    env: envName(name),
    helpValue: 'TIME',
    parse: async (text) => parseDuration(text),
  })();
}

/** A flag from 0 to 1, written as `2%` or `0.02`. */
export function share(name: string, description: string) {
  return Flags.custom<number>({
    description,
    env: envName(name),
    helpValue: 'SHARE',
    parse: async (text) => parseShare(text),
  })();
}

/** A flag that takes a whole number in bounds. */
export function whole(name: string, description: string, min: number, max: number, char?: 'n') {
  return Flags.custom<number>({
    description,
    env: envName(name),
    helpValue: 'N',
    ...(char === undefined ? {} : { char }),
    parse: async (text) => parseWhole(text, min, max),
  })();
}

/** A flag that takes text. */
export function text(name: string, description: string, helpValue: string) {
  return Flags.string({ description, env: envName(name), helpValue });
}

/** A flag that may be given several times, or once with commas. */
export function list(name: string, description: string, helpValue: string) {
  return Flags.string({
    description,
    env: envName(name),
    helpValue,
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
  });
}

/** A flag that is there or not. */
export function toggle(name: string, description: string) {
  return Flags.boolean({ description, env: envName(name) });
}

/** Arguments never come from stdin unasked: in a script that would hang or read what is meant for others. */
export function argument(description: string) {
  return Args.string({ description, required: true, ignoreStdin: true });
}

/** As `argument`, but it may be left out. */
export function optionalArgument(description: string) {
  return Args.string({ description, ignoreStdin: true });
}
