import { parsePlan, type Plan } from '@grp/lab';

/** What can be looked at in the lab: a lesson of a group, which may be changed, or a study that compares rules. */
export interface Lesson {
  readonly name: string;
  readonly kind: 'group' | 'study';
  /** To think about before the run. */
  readonly question: string;
  /** The answer. */
  readonly explanation: string;
  /** The seed and the level for which it was made. */
  readonly seed: number;
  readonly level: string;
  /** Levels or variants, with what each is. */
  readonly levels: Readonly<Record<string, string>>;
  /** The checkers that fail, by level. */
  readonly expect: Readonly<Record<string, readonly string[]>>;
  /** Kinds of messages that hide the story. */
  readonly hidden: readonly string[];
  /** Of a lesson of a group. */
  readonly plan?: Plan;
}

/** All lessons, in the order of teaching. */
export type Catalogue = readonly Lesson[];

/** What is to be run. The same request gives the same run, in every browser and in Node. */
export interface LabRequest {
  readonly scenario: string;
  readonly level: string;
  readonly seed: number;
  /** Of a lesson of a group: its own, or one that somebody has changed. */
  readonly plan?: Plan;
}

const firstLesson = 'gms2-crash';

/** A lesson by name; the one that the lab begins with when there is none of that name. */
export function lessonOf(catalogue: Catalogue, name: string): Lesson {
  const known = catalogue.find((one) => one.name === name) ?? catalogue.find((one) => one.name === firstLesson);
  return known ?? (catalogue[0] as Lesson);
}

/** A request from what a URL says; what it does not say, or says wrongly, is the lesson's own. */
export function requestOf(
  catalogue: Catalogue,
  given: {
    readonly scenario: string;
    readonly level?: string | undefined;
    readonly seed?: number | undefined;
    readonly plan?: string | undefined;
  },
): LabRequest {
  const { name, level: own, levels, seed, plan } = lessonOf(catalogue, given.scenario);
  const level = given.level !== undefined && Object.hasOwn(levels, given.level) ? given.level : own;
  const wanted = plan === undefined ? undefined : (planOf(given.plan) ?? plan);
  return { scenario: name, level, seed: given.seed ?? seed, ...(wanted !== undefined && { plan: wanted }) };
}

/** Whether a plan is the lesson's own. */
export function isOwnPlan(catalogue: Catalogue, { scenario, plan }: LabRequest): boolean {
  return JSON.stringify(lessonOf(catalogue, scenario).plan) === JSON.stringify(plan);
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
