import { GrpError } from './errors.ts';

/** One setting: its bounds are inclusive; `reason` says why the default is what it is. */
export interface NumberSetting {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** `ms`, `bytes`, `count`, … */
  readonly unit: string;
  readonly reason: string;
  /** Fractions are allowed (default: whole numbers only). */
  readonly fraction?: boolean;
}

export interface BooleanSetting {
  readonly default: boolean;
  readonly reason: string;
}

export type Setting = NumberSetting | BooleanSetting;
/** Settings by name. */
export type ConfigTable = Readonly<Record<string, Setting>>;
/** The values of a table of settings. */
export type ConfigOf<Table extends ConfigTable> = {
  readonly [Name in keyof Table]: Table[Name] extends NumberSetting ? number : boolean;
};
/** A rule over several settings: what must hold, as a sentence, and the test. */
export type ConfigRule<Table extends ConfigTable> = readonly [
  sentence: string,
  holds: (config: ConfigOf<Table>) => boolean,
];

/** A table of settings with its defaults and its checks: what `defineConfig` makes. */
export interface ConfigDefinition<Table extends ConfigTable> {
  readonly table: Table;
  readonly defaults: ConfigOf<Table>;
  /**
   * Fills in the defaults and checks everything.
   * @throws GrpError CONFIG_INVALID, naming every problem at once
   */
  resolve(given?: Partial<ConfigOf<Table>>): ConfigOf<Table>;
}

/** Makes a package's settings: one table with unit, default, bounds and reason, and the rules across settings. */
export function defineConfig<const Table extends ConfigTable>(
  table: Table,
  rules: readonly ConfigRule<Table>[] = [],
): ConfigDefinition<Table> {
  const defaults = Object.fromEntries(
    Object.entries(table).map(([name, setting]) => [name, setting.default]),
  ) as ConfigOf<Table>;

  function resolve(given: Partial<ConfigOf<Table>> = {}): ConfigOf<Table> {
    const config: Record<string, unknown> = { ...defaults };
    const problems: string[] = [];
    for (const [name, value] of Object.entries(given)) {
      if (value === undefined) continue;
      const setting = Object.hasOwn(table, name) ? table[name] : undefined;
      const problem = setting === undefined ? unknownSetting(name, Object.keys(table)) : check(name, setting, value);
      if (problem === undefined) config[name] = value;
      else problems.push(problem);
    }
    const resolved = config as ConfigOf<Table>;
    // Rules over values that are wrong by themselves would only repeat the complaint.
    if (problems.length === 0) {
      for (const [sentence, holds] of rules) if (!holds(resolved)) problems.push(sentence);
    }
    if (problems.length > 0) {
      throw new GrpError({
        code: 'CONFIG_INVALID',
        kind: 'usage',
        message: problems.join('; '),
        hint: 'Every problem is named above; units and bounds are in the options table of the README.',
        context: { problemCount: problems.length },
      });
    }
    return resolved;
  }

  return { table, defaults, resolve };
}

function check(name: string, setting: Setting, value: unknown): string | undefined {
  if (typeof setting.default === 'boolean') {
    return typeof value === 'boolean' ? undefined : `${name} must be true or false, not ${shown(value)}`;
  }
  const { min, max, unit, fraction = false } = setting;
  if (typeof value !== 'number' || Number.isNaN(value))
    return `${name} must be a number of ${unit}, not ${shown(value)}`;
  if (!fraction && !Number.isInteger(value)) return `${name} must be a whole number of ${unit}, not ${value}`;
  if (value < min || value > max) return `${name} must be ${min} to ${max} ${unit}, not ${value}`;
  return undefined;
}

function unknownSetting(name: string, known: readonly string[]): string {
  const near = known.find((other) => other.toLowerCase().startsWith(name.toLowerCase().slice(0, 5)));
  return `${name} is no setting${near === undefined ? '' : `; did you mean ${near}?`}`;
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : typeof value;
}
