import { readFile, writeFile } from 'node:fs/promises';
import {
  labScenarios,
  levels,
  parseRecording,
  runLevel,
  type LabRecording,
  type LabReport,
  type LabScenario,
  type Plan,
} from '@grp/lab';
import { cliError } from '../errors.ts';
import { labError } from './errors.ts';

/**
 * What the checkers' answer means: `kept`, nothing was violated; `expected`, the level fails here, as the lesson says;
 * `unshown`, the level fails here with other seeds; `violated`, something failed that must not.
 */
export type Verdict = 'kept' | 'expected' | 'unshown' | 'violated';

/** One run of a lesson. */
export interface Lesson {
  readonly recording: LabRecording;
  /** Undefined for a plan that is in no table. */
  readonly scenario: LabScenario | undefined;
  readonly report: LabReport;
  readonly verdict: Verdict;
}

/** @throws GrpError LAB_SCENARIO */
export function scenarioOf(name: string): LabScenario {
  const scenario = labScenarios.find((known) => known.name === name);
  if (scenario === undefined) throw labError('LAB_SCENARIO', { context: { scenario: name } });
  return scenario;
}

/** Runs a scenario of the table. @throws GrpError LAB_SCENARIO, LAB_LEVEL */
export async function runLesson(name: string, level?: string, seed?: number): Promise<Lesson> {
  const scenario = scenarioOf(name);
  const chosen = level ?? scenario.level;
  if (!Object.hasOwn(levels, chosen))
    throw labError('LAB_LEVEL', { context: { level: chosen, levels: Object.keys(levels).join(', ') } });
  return runPlan({ scenario: name, level: chosen, seed: seed ?? scenario.seed, plan: scenario.plan });
}

/** Runs what a file says. @throws GrpError CLI_FILE_UNREADABLE, LAB_RECORDING_INVALID, LAB_HASH_DIFFERS */
export async function replayLesson(file: string): Promise<Lesson> {
  const recording = await readRecording(file);
  const lesson = await runPlan(recording);
  const { traceHash } = lesson.report;
  if (recording.traceHash !== undefined && recording.traceHash !== traceHash)
    throw labError('LAB_HASH_DIFFERS', {
      context: { hash: traceHash.slice(0, 16), recorded: recording.traceHash.slice(0, 16) },
    });
  return lesson;
}

/** @throws GrpError LAB_RECORDING_UNWRITABLE */
export async function writeRecording(file: string, { recording }: Lesson): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify(recording, undefined, 2)}\n`);
  } catch (cause) {
    throw labError('LAB_RECORDING_UNWRITABLE', { context: { file, reason: reasonOf(cause) }, cause });
  }
}

async function runPlan(what: Omit<LabRecording, 'schema' | 'traceHash'>): Promise<Lesson> {
  const { level, seed, plan } = what;
  const report = await runLevel(plan, level, seed);
  const scenario = labScenarios.find((known) => known.name === what.scenario && isSame(known.plan, plan));
  const { scenario: name } = what;
  return {
    recording: { schema: 'grp.lab.recording/1', scenario: name, level, seed, plan, traceHash: report.traceHash },
    scenario,
    report,
    verdict: judge(report, scenario),
  };
}

// A plan that is in no table proves nothing about the levels, which all fail somewhere; `full` must stand any plan.
function judge({ level, violations }: LabReport, scenario: LabScenario | undefined): Verdict {
  const mayFail = scenario === undefined ? level !== 'full' : scenario.expect[level]?.length !== 0;
  if (violations.length > 0) return mayFail ? 'expected' : 'violated';
  return mayFail && scenario !== undefined ? 'unshown' : 'kept';
}

async function readRecording(file: string): Promise<LabRecording> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw cliError('CLI_FILE_UNREADABLE', { context: { file, reason: reasonOf(cause) }, cause });
  }
  const recording = parseRecording(parseJson(text));
  if (typeof recording !== 'string') return recording;
  throw labError('LAB_RECORDING_INVALID', { context: { file, problem: recording } });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isSame(one: Plan, other: Plan): boolean {
  const sorted = (plan: Plan): string =>
    JSON.stringify(plan, (_key, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : value,
    );
  return sorted(one) === sorted(other);
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
