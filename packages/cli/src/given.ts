import type { Interfaces } from '@oclif/core';

type FlagTable = Readonly<
  Record<
    string,
    Pick<Interfaces.Flag<unknown>, 'char' | 'type'> & { readonly multiple?: boolean; readonly allowNo?: boolean }
  >
>;
/** Values by flag name, from a config file. */
export type FileValues = Readonly<Record<string, string | boolean | readonly string[]>>;

/** `base-port` is `GRP_BASE_PORT` in the environment. */
export function envName(flag: string): string {
  return `GRP_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/** Whether an environment variable switches something on. */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && ['1', 'true', 'yes', 'on', 'y'].includes(value.toLowerCase());
}

/** Whether the reader wants JSON: known even when the command line cannot be parsed. */
export function wantsJson(argv: readonly string[], environment: NodeJS.ProcessEnv): boolean {
  const end = argv.indexOf('--');
  const flags = end === -1 ? argv : argv.slice(0, end);
  return flags.includes('--json') || isOn(environment[envName('json')]);
}

/** The flags that a command line names itself. */
export function givenFlags(argv: readonly string[], flags: FlagTable): ReadonlySet<string> {
  const given = new Set<string>();
  for (const token of argv) {
    if (token === '--') break;
    const long = /^--(?:no-)?([^=]+)/.exec(token);
    if (long === null) {
      const short = /^-([A-Za-z])/.exec(token)?.[1];
      for (const [name, flag] of Object.entries(flags)) if (flag.char === short && short !== undefined) given.add(name);
      continue;
    }
    // `--no-color` is the name itself; `--no-leave` is the opposite of `--leave`.
    const whole = token.slice(2).split('=')[0] as string;
    given.add(Object.hasOwn(flags, whole) ? whole : (long[1] as string));
  }
  return given;
}

/**
 * The command line with what the environment and the config file add: flags > `GRP_*` > file > default. Flags that are
 * given stay alone; everything added goes through the same parser as if it had been typed.
 */
export function completeArgv(
  argv: readonly string[],
  flags: FlagTable,
  environment: NodeJS.ProcessEnv,
  file: FileValues,
): readonly string[] {
  const given = givenFlags(argv, flags);
  const added: string[] = [];
  for (const [name, flag] of Object.entries(flags)) {
    if (given.has(name)) continue;
    const fromEnvironment = environment[envName(name)];
    const value = fromEnvironment === undefined || fromEnvironment === '' ? file[name] : fromEnvironment;
    if (value === undefined) continue;
    if (flag.type === 'boolean') {
      if (value === true || (typeof value === 'string' && isOn(value))) added.push(`--${name}`);
      else if (flag.allowNo === true) added.push(`--no-${name}`);
      continue;
    }
    for (const one of Array.isArray(value) ? value : [value]) added.push(`--${name}=${String(one)}`);
  }
  return [...added, ...argv];
}
