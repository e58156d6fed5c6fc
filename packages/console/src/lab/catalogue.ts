import { labScenarios, parsePlan, type LabScenario, type Plan } from '@grp/lab';

/** What is to be run. The same four give the same run, in every browser and in Node. */
export interface LabRequest {
  readonly scenario: string;
  readonly level: string;
  readonly seed: number;
  readonly plan: Plan;
}

/** The scenarios in the order of teaching. */
export const scenarios: readonly LabScenario[] = labScenarios;

/** The one that the lab begins with. */
export const firstScenario = 'gms2-crash';

/** A scenario by name; the first one when there is none of that name. */
export function scenarioOf(name: string): LabScenario {
  const known = scenarios.find((one) => one.name === name) ?? scenarios.find((one) => one.name === firstScenario);
  return known as LabScenario;
}

/** The levels of the protocol that a scenario can be run under, from the simplest on. */
export function levelNames(name: string): readonly string[] {
  return Object.keys(scenarioOf(name).expect);
}

/** A request from what a URL says; what it does not say, or says wrongly, is the scenario's own. */
export function requestOf(given: {
  readonly scenario: string;
  readonly level?: string | undefined;
  readonly seed?: number | undefined;
  readonly plan?: string | undefined;
}): LabRequest {
  const { name, level: own, seed, plan } = scenarioOf(given.scenario);
  const level = given.level !== undefined && levelNames(name).includes(given.level) ? given.level : own;
  return { scenario: name, level, seed: given.seed ?? seed, plan: planOf(given.plan) ?? plan };
}

/** Whether a plan is the scenario's own. */
export function isOwnPlan({ scenario, plan }: Pick<LabRequest, 'scenario' | 'plan'>): boolean {
  return JSON.stringify(scenarioOf(scenario).plan) === JSON.stringify(plan);
}

/** The plan of a URL's text; undefined when there is none, or it is none. */
export function planOf(text: string | undefined): Plan | undefined {
  if (text === undefined) return undefined;
  try {
    const plan = parsePlan(JSON.parse(text));
    return typeof plan === 'string' ? undefined : plan;
  } catch {
    return undefined;
  }
}
