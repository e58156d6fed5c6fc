import { readFile } from 'node:fs/promises';
import { cliError, isRecord } from './errors.ts';
import type { FileValues } from './given.ts';
import { nearest } from './nearest.ts';

const sizeMax = 1_048_576;

/** Settings of protocols in a config file, checked by the protocol itself. */
export type ProtocolSettings = Readonly<Record<string, number | boolean>>;

export interface ConfigFile {
  /** Values for flags, as if typed. */
  readonly flags: FileValues;
  /** The section `swim`, for `node start` and `cluster up`. */
  readonly swim: ProtocolSettings | undefined;
}

/**
 * Reads a config file: YAML, of which JSON is a part. Its keys are flag names of any command, plus `swim`.
 * @param known every flag name of every command
 * @throws GrpError CLI_CONFIG_UNREADABLE, CLI_CONFIG_INVALID naming every problem at once
 */
export async function readConfigFile(file: string, known: readonly string[]): Promise<ConfigFile> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw cliError('CLI_CONFIG_UNREADABLE', { context: { file, reason: cause.code ?? cause.message }, cause });
  });
  const invalid = (problems: string): Error => cliError('CLI_CONFIG_INVALID', { context: { file, problems } });
  if (text.length > sizeMax) throw invalid(`it is larger than ${sizeMax} bytes`);
  const { parse } = await import('yaml');
  let document: unknown;
  try {
    // Aliases are bounded, so that ten lines cannot grow to gigabytes.
    document = parse(text, { maxAliasCount: 100 }) ?? {};
  } catch (cause) {
    throw invalid((cause as Error).message.split('\n', 1)[0] as string);
  }
  if (!isRecord(document)) throw invalid('it must be a table of keys and values');
  return readTable(document, known, invalid);
}

function readTable(
  table: Record<string, unknown>,
  known: readonly string[],
  invalid: (problems: string) => Error,
): ConfigFile {
  const flags: Record<string, string | boolean | readonly string[]> = {};
  const problems: string[] = [];
  let swim: ProtocolSettings | undefined;
  for (const [key, value] of Object.entries(table)) {
    if (key === 'swim') {
      if (isSettings(value)) swim = value;
      else problems.push('swim must be a table of numbers and true or false');
    } else if (key === 'config' || !known.includes(key)) {
      const near = nearest(
        key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
        [...known, 'swim'],
      );
      problems.push(`${key} is no setting${near === undefined ? '' : `; did you mean ${near}?`}`);
    } else {
      const read = readValue(value);
      if (read === undefined)
        problems.push(`${key} must be text, a number, true or false, a list, or key: value pairs`);
      else flags[key] = read;
    }
  }
  if (problems.length > 0) throw invalid(problems.join('; '));
  return { flags, swim };
}

function readValue(value: unknown): string | boolean | readonly string[] | undefined {
  if (typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return value.every(isScalar) ? value.map(String) : undefined;
  if (!isRecord(value) || !Object.values(value).every(isScalar)) return undefined;
  return Object.entries(value).map(([key, one]) => `${key}=${String(one)}`);
}

function isScalar(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

function isSettings(value: unknown): value is ProtocolSettings {
  return isRecord(value) && Object.values(value).every((one) => typeof one === 'number' || typeof one === 'boolean');
}
