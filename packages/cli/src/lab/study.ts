import { writeFile } from 'node:fs/promises';
import {
  drawSpaceTime,
  labStudies,
  parsePlan,
  spaceTimeLegend,
  type LabStudy,
  type LabTrace,
  type Plan,
  type StudyReport,
} from '@grp/lab';
import { invocation } from '../invocation.ts';
import { document } from '../output/json.ts';
import { table } from '../output/table.ts';
import type { LessonBody } from './document.ts';
import { labError } from './errors.ts';
import type { Verdict } from './lesson.ts';
import { paint, pipeWidth, proseMax, wrap, type LessonTextOptions } from './views.ts';

/** A study under one of its variants. */
export interface StudyRun {
  readonly study: LabStudy;
  readonly report: StudyReport;
  readonly verdict: Verdict;
}

/** A study written down: its name, variant and seed are all that is needed to run it again, and a plan that was changed. */
interface StudyRecording {
  readonly schema: 'grp.lab.recording/1';
  readonly scenario: string;
  readonly level: string;
  readonly seed: number;
  readonly plan?: Plan;
  readonly traceHash?: string;
}

/** Undefined: no study has this name. */
export function studyOf(name: string): LabStudy | undefined {
  return labStudies.find((study) => study.name === name);
}

/** Runs a study; one with a plan may be given another one. @throws GrpError LAB_LEVEL */
export async function runStudy(study: LabStudy, level?: string, seed?: number, plan?: Plan): Promise<StudyRun> {
  const variant = level ?? study.variant;
  if (!Object.hasOwn(study.variants, variant))
    throw labError('LAB_LEVEL', { context: { level: variant, levels: Object.keys(study.variants).join(', ') } });
  const report = await study.run(variant, seed ?? study.seed, plan);
  // A plan of somebody's own is in no table: only a variant that keeps its promises in the study must keep them there.
  const mayFail = (study.expect[variant]?.length ?? 0) > 0;
  const isBroken = report.violations.length > 0;
  const verdict = isBroken ? (mayFail ? 'expected' : 'violated') : mayFail && plan === undefined ? 'unshown' : 'kept';
  return { study, report, verdict };
}

/** The study that a recording is of; undefined for a recording of something else. */
export function parseStudyRecording(value: unknown): StudyRecording | undefined {
  const { schema, scenario, level, seed, plan, traceHash } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (schema !== 'grp.lab.recording/1') return undefined;
  if (typeof scenario !== 'string' || typeof level !== 'string' || typeof seed !== 'number') return undefined;
  const study = studyOf(scenario);
  if (study === undefined || !Number.isInteger(seed) || seed < 0) return undefined;
  const parsed = plan === undefined ? undefined : parsePlan(plan);
  if (typeof parsed === 'string' || (parsed !== undefined && study.plan === undefined)) return undefined;
  return {
    ...{ schema, scenario, level, seed },
    ...(parsed !== undefined && { plan: parsed }),
    ...(typeof traceHash === 'string' && { traceHash }),
  };
}

/** Runs a written-down study again. @throws GrpError LAB_LEVEL, LAB_HASH_DIFFERS */
export async function replayStudy({ scenario, level, seed, plan, traceHash }: StudyRecording): Promise<StudyRun> {
  const run = await runStudy(studyOf(scenario) as LabStudy, level, seed, plan);
  const hash = run.report.traceHash;
  if (traceHash !== undefined && traceHash !== hash)
    throw labError('LAB_HASH_DIFFERS', { context: { hash: hash.slice(0, 16), recorded: traceHash.slice(0, 16) } });
  return run;
}

/** @throws GrpError LAB_RECORDING_UNWRITABLE */
export async function writeStudy(file: string, { study, report }: StudyRun): Promise<void> {
  const { variant: level, seed, traceHash } = report;
  const recording: StudyRecording = {
    schema: 'grp.lab.recording/1',
    scenario: study.name,
    level,
    seed,
    traceHash,
  };
  try {
    await writeFile(file, `${JSON.stringify(recording, undefined, 2)}\n`);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw labError('LAB_RECORDING_UNWRITABLE', { context: { file, reason }, cause });
  }
}

/** As the document of a lesson; what a study saw is in `facts`. */
export function studyDocument(
  schema: 'grp.lab.run/1' | 'grp.lab.replay/1',
  { study, report, verdict }: StudyRun,
  { events = false }: { readonly events?: boolean } = {},
): { readonly schema: string } & LessonBody {
  const { variant: level, seed, traceHash, violations, facts, trace } = report;
  return document(schema, {
    scenario: study.name,
    level,
    seed,
    question: study.question,
    explanation: study.explanation,
    verdict,
    expected: study.expect[level] ?? [],
    violations: violations.map(({ checker, message, at, node }) => ({
      checker,
      message,
      atMs: at === undefined ? null : Math.round(at * 10) / 10,
      node: node ?? null,
    })),
    divergence: null,
    workers: [],
    figures: {},
    facts,
    traceHash,
    ...(events && { events: trace.events }),
  });
}

/** The error of a run in which something failed that must not. */
export function studyError({ study, report, verdict }: StudyRun): Error | undefined {
  const [first] = report.violations;
  if (verdict !== 'violated' || first === undefined) return undefined;
  return labError('LAB_VIOLATED', {
    context: {
      level: report.variant,
      scenario: study.name,
      count: report.violations.length,
      first: `${first.checker}: ${first.message}`,
    },
  });
}

/** A study for people: the question, what happened, what each saw, and the answer. */
export function studyText(run: StudyRun, options: LessonTextOptions): string {
  const { study, report } = run;
  const { colours } = options;
  const width = Math.min(options.width ?? pipeWidth, proseMax);
  const say = (title: string, prose: string): string => `${colours.bold(title)}\n${wrap(prose, width)}`;
  const about = study.variants[report.variant] ?? '';
  const others = Object.keys(study.variants).filter((variant) => variant !== report.variant);
  const columns = [
    { title: 'WHAT', text: ({ what }: StudyReport['facts'][number]) => what },
    { title: 'SEEN', text: ({ value }: StudyReport['facts'][number]) => value },
  ];
  return [
    wrap(`${study.name} under ${report.variant} (${about}), seed ${report.seed}.`, width),
    say('Question', study.question),
    traceDiagram(report.trace, options, study),
    table(report.facts, columns, { colours, width: options.width }),
    wrap(verdictText(run, options), width),
    say('Answer', study.explanation),
    colours.dim(`Compare: ${others.map((name) => `${invocation()} lab run ${study.name} --level ${name}`).join(', ')}`),
  ].join('\n\n');
}

function verdictText({ report, verdict, study }: StudyRun, { colours }: LessonTextOptions): string {
  const broken = [...new Set(report.violations.map(({ checker }) => checker))].join(', ');
  switch (verdict) {
    case 'kept':
      return colours.green('No check was violated.');
    case 'unshown':
      return `With this seed no check was violated; seed ${study.seed} shows what ${report.variant} does not promise.`;
    case 'expected':
      return `${colours.yellow(`Violated, as the study expects of ${report.variant}`)}: ${broken}.`;
    default:
      return `${colours.red('Violated')}: ${broken}.`;
  }
}

/** Any trace as a diagram with its legend. */
export function traceDiagram(
  { events, lanes }: LabTrace,
  { colours, width, rowsMax, ascii }: LessonTextOptions,
  { hidden = ['ack'], isKey }: Partial<Pick<LabStudy, 'hidden' | 'isKey'>> = {},
): string {
  const lines = drawSpaceTime(events, lanes, {
    width: width ?? pipeWidth,
    unicode: !ascii,
    rowsMax,
    hidden,
    ...(isKey && { isKey }),
  });
  const painted = lines.map((line) =>
    line
      .map(({ text, tone }) => paint(tone, colours)(text))
      .join('')
      .trimEnd(),
  );
  const prose = Math.min(width ?? pipeWidth, proseMax);
  return `${painted.join('\n')}\n\n${colours.dim(wrap(spaceTimeLegend(!ascii), prose, ' · '))}`;
}
