import { levels } from './levels.ts';
import { parsePlan, type Plan } from './plan.ts';

/** A run written down: all that is needed to run it again, and the hash that must come out. */
export interface LabRecording {
  readonly schema: 'grp.lab.recording/1';
  /** Where the plan came from. */
  readonly scenario: string;
  readonly level: string;
  readonly seed: number;
  readonly plan: Plan;
  /** Undefined in one that was changed by hand: then nothing is compared. */
  readonly traceHash?: string;
}

/** Reads a recording from a file of anybody's: the recording, or what is wrong with it. */
export function parseRecording(value: unknown): LabRecording | string {
  if (typeof value !== 'object' || value === null) return 'a recording is an object';
  const { schema, scenario, level, seed, plan, traceHash } = value as Readonly<Record<string, unknown>>;
  if (schema !== 'grp.lab.recording/1') return 'its schema is not grp.lab.recording/1';
  if (typeof scenario !== 'string' || !/^[\w-]{1,64}$/.test(scenario)) return 'scenario is a name';
  if (typeof level !== 'string' || !Object.hasOwn(levels, level))
    return `level is one of ${Object.keys(levels).join(', ')}`;
  if (typeof seed !== 'number' || !Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff)
    return 'seed is a whole number of 0 … 4294967295';
  if (traceHash !== undefined && (typeof traceHash !== 'string' || !/^[0-9a-f]{64}$/.test(traceHash)))
    return 'traceHash is 64 hexadecimal digits';
  const parsed = parsePlan(plan);
  if (typeof parsed === 'string') return `plan: ${parsed}`;
  return { schema, scenario, level, seed, plan: parsed, ...(traceHash !== undefined && { traceHash }) };
}
