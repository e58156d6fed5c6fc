import { groupCheckers } from '@grp/sim';
import { levels, runLevel, type LabReport, type Plan } from '@grp/lab';
import { isOwnPlan, scenarioOf, type LabRequest } from './catalogue.ts';

/** What came out: plain data, so that it can cross from a worker to the page. */
export interface LabResult {
  readonly request: LabRequest;
  readonly report: LabReport;
  /** Every property that was judged, kept or not. */
  readonly checkers: readonly string[];
  /** The checkers that this level is known to break here; undefined for a plan that is in no table. */
  readonly expected: readonly string[] | undefined;
  /** What the level is. */
  readonly about: string;
  readonly tookMs: number;
}

/** Runs it to its end, in virtual time. `now` measures how long that really took. */
export async function simulate(request: LabRequest, now: () => number): Promise<LabResult> {
  const { plan, level, seed } = request;
  const startedAt = now();
  const report = await runLevel(plan, level, seed);
  return {
    request,
    report,
    checkers: groupCheckers({ delivery: plan.delivery ?? 'agreed', quorum: 'none' }).map(({ name }) => name),
    expected: isOwnPlan(request) ? (scenarioOf(request.scenario).expect[level] ?? []) : undefined,
    about: levels[level]?.about ?? '',
    tookMs: now() - startedAt,
  };
}

/**
 * The shortest plan, found by leaving steps out one by one and making multicasts shorter, that still breaks the same
 * checker (delta debugging; Zeller, Hildebrandt 2002). The same plan when nothing was broken.
 */
export async function shrink(request: LabRequest, checker: string): Promise<Plan> {
  const breaks = async (plan: Plan): Promise<boolean> =>
    (await runLevel(plan, request.level, request.seed)).violations.some((violation) => violation.checker === checker);
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
