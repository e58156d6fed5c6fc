import { groupCheckers } from '@grp/sim';
import {
  labScenarios,
  labStudies,
  levels,
  mergeRecordings,
  parseRecordingFile,
  runLevel,
  type LabReport,
  type NodeRecording,
  type Plan,
  type SpaceTimeEvent,
} from '@grp/lab';
import { isOwnPlan, lessonOf, type Catalogue, type LabRequest } from './catalogue.ts';
import type { Finding } from './checks.ts';

/** A run, simulated or recorded: plain data, so that it can cross from a worker to the page. */
export interface LabResult {
  /** The processes, in the order in which they are drawn. */
  readonly lanes: readonly string[];
  readonly events: readonly SpaceTimeEvent[];
  /** SHA-256, in hex; empty for what was recorded. */
  readonly traceHash: string;
  readonly violations: readonly Finding[];
  /** Every property that was judged, kept or not. */
  readonly checkers: readonly string[];
  /** The checkers that are known to fail here; undefined for a plan that is in no table. */
  readonly expected: readonly string[] | undefined;
  /** Where deliveries part, and why. */
  readonly divergence: { readonly position: number; readonly sentence: string } | undefined;
  /** What a study measured. */
  readonly facts: readonly { readonly what: string; readonly value: string }[];
  /** Which of the options of the lesson's guess is right, from 0. */
  readonly answer: number;
  /** Events that happened and are not here, because a limit was reached. */
  readonly omittedCount: number;
  readonly tookMs: number;
}

/** All lessons and studies of the lab. */
export function makeCatalogue(): Catalogue {
  const abouts = Object.fromEntries(Object.entries(levels).map(([name, { about }]) => [name, about]));
  return [
    ...labScenarios.map((scenario) => ({
      ...{ ...scenario, kind: 'group' as const, system: 'group' as const },
      ...{ levels: abouts, hidden: ['ack'], guess: groupGuess },
    })),
    ...labStudies.map(({ name, question, explanation, seed, variant, variants, expect, hidden, guess, plan }) => ({
      ...{ name, kind: 'study' as const, question, explanation, seed, system: 'log' as const },
      ...{ level: variant, levels: variants, expect, hidden },
      guess: { question: guess.question, options: guess.options }, // its function cannot cross from a worker
      ...(plan !== undefined && { plan }),
    })),
  ];
}

const groupGuess = {
  question: 'Under this level, at the end, of those who live:',
  options: ['every promise is kept', 'the colours differ', 'the colours are the same, and yet a promise is broken'],
} as const;

function groupAnswer({ violations, workers }: Pick<LabReport, 'violations' | 'workers'>): number {
  if (violations.length === 0) return 0;
  const living = workers.filter(({ state, view }) => state !== 'crashed' && view !== undefined);
  return new Set(living.map(({ colour }) => colour)).size > 1 ? 1 : 2;
}

/** Runs it to its end, in virtual time. `now` measures how long that really took. */
export async function simulate(catalogue: Catalogue, request: LabRequest, now: () => number): Promise<LabResult> {
  const startedAt = now();
  const { plan, scenario } = request;
  const isGroup = lessonOf(catalogue, scenario).kind === 'group';
  const result =
    plan !== undefined && isGroup ? await group(catalogue, { ...request, plan }) : await study(catalogue, request);
  return { ...result, tookMs: now() - startedAt };
}

async function group(
  catalogue: Catalogue,
  request: LabRequest & { readonly plan: Plan },
): Promise<Omit<LabResult, 'tookMs'>> {
  const { plan, level, seed, scenario } = request;
  const { events, workers, traceHash, violations, divergence } = await runLevel(plan, level, seed);
  return {
    ...{ events, traceHash, violations, divergence, facts: [], omittedCount: 0 },
    answer: groupAnswer({ violations, workers }),
    lanes: workers.map(({ node }) => node),
    checkers: groupCheckers({ delivery: plan.delivery ?? 'agreed', quorum: 'none' }).map(({ name }) => name),
    expected: isOwnPlan(catalogue, request) ? (lessonOf(catalogue, scenario).expect[level] ?? []) : undefined,
  };
}

async function study(catalogue: Catalogue, request: LabRequest): Promise<Omit<LabResult, 'tookMs'>> {
  const { scenario, level, seed, plan } = request;
  const lesson = labStudies.find(({ name }) => name === scenario);
  if (lesson === undefined) throw new Error(`there is no study ${scenario}`);
  const report = await lesson.run(level, seed, plan);
  const { trace, traceHash, violations, facts } = report;
  const { lanes, events, omittedCount } = trace;
  return {
    ...{ lanes, events, traceHash, facts, omittedCount, divergence: undefined },
    answer: lesson.guess.answer(report),
    violations: violations.map(({ checker, message, at }) => ({ checker, message, ...(at !== undefined && { at }) })),
    checkers: [...new Set(Object.values(lesson.expect).flat())],
    expected: isOwnPlan(catalogue, request) ? (lesson.expect[level] ?? []) : undefined,
  };
}

/** The files that nodes wrote with `--record`, as one run. @throws Error with what is wrong with which file */
export function readRecordings(files: readonly { readonly name: string; readonly text: string }[]): LabResult {
  const recordings = files.map(({ name, text }): NodeRecording => {
    const recording = parseRecordingFile(text);
    if (typeof recording === 'string') throw new Error(`${name} is no recording of a node: ${recording}`);
    return recording;
  });
  const { lanes, events, omittedCount } = mergeRecordings(recordings);
  return {
    ...{ lanes, events, omittedCount, traceHash: '', violations: [], checkers: [], expected: undefined },
    ...{ divergence: undefined, facts: [], answer: -1, tookMs: 0 },
  };
}

/**
 * The shortest plan, found by leaving steps out one by one and making multicasts shorter, that still breaks the same
 * checker (delta debugging; Zeller, Hildebrandt 2002). The same plan when nothing was broken.
 */
export async function shrink(request: LabRequest & { readonly plan: Plan }, checker: string): Promise<Plan> {
  const { level, seed, scenario } = request;
  const own = labStudies.find(({ name }) => name === scenario);
  const run = (plan: Plan) => (own === undefined ? runLevel(plan, level, seed) : own.run(level, seed, plan));
  const breaks = async (plan: Plan): Promise<boolean> =>
    (await run(plan)).violations.some((violation) => violation.checker === checker);
  let { plan } = request;
  if (!(await breaks(plan))) return plan;
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false;
    for (const candidate of smaller(plan)) {
      if (!(await breaks(candidate))) continue;
      plan = candidate;
      isSmaller = true;
      break;
    }
  }
  return plan;
}

function* smaller(plan: Plan): Generator<Plan> {
  const { steps } = plan;
  for (let index = steps.length - 1; index >= 0; index--) yield { ...plan, steps: steps.toSpliced(index, 1) };
  for (const [index, step] of steps.entries())
    if (step.type === 'multicast' && step.count > 1)
      for (const count of new Set([1, Math.floor(step.count / 2), step.count - 1]))
        if (count > 0) yield { ...plan, steps: steps.with(index, { ...step, count }) };
}
