import { fullLevel } from './full.ts';
import { classicLevel, type StartMember } from './member.ts';
import type { Plan } from './plan.ts';
import type { LabReport } from './report.ts';
import { LabRun } from './run.ts';

/** A protocol that a plan can be run under. */
export interface Level {
  /** What it adds to the one before, for people. */
  readonly about: string;
  readonly start: StartMember;
  /** Whether promises must settle while it runs. */
  readonly isAsync: boolean;
}

const classic = (level: 'gms1' | 'gms2' | 'gms3' | 'gms4', about: string): Level => ({
  about,
  start: classicLevel(level),
  isAsync: false,
});

/** By name, from the simplest on. */
export const levels: Readonly<Record<string, Level>> = {
  gms1: classic('gms1', 'a leader multicasts; nobody may die'),
  gms2: classic('gms2', 'when the leader dies, the next one leads'),
  gms3: classic('gms3', 'messages are numbered, and a new leader sends the last one again'),
  gms4: classic('gms4', 'acknowledgements and repetition, for links that lose'),
  full: {
    about: 'what grp runs: views by majority, a flush before each, state transfer',
    start: fullLevel,
    isAsync: true,
  },
};

/** Runs a plan under a level, from a seed. The same three give the same report, hash included. */
export async function runLevel(plan: Plan, level: string, seed: number): Promise<LabReport> {
  const { start, isAsync } = levelOf(level);
  const run = new LabRun({ plan, level, start, seed });
  return isAsync ? run.run() : run.runSync();
}

/** As `runLevel`, at once; for levels that use no promises. */
export function runLevelSync(plan: Plan, level: string, seed: number): LabReport {
  return new LabRun({ plan, level, start: levelOf(level).start, seed }).runSync();
}

function levelOf(name: string): Level {
  const level = Object.hasOwn(levels, name) ? levels[name] : undefined;
  if (level === undefined) throw new RangeError(`no such level: ${name}`);
  return level;
}
