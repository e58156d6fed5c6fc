import { parsePlan, type Plan } from '@grp/lab';
import type { System } from './faults.ts';

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
  /** What a reader is asked to say before the run is shown. */
  readonly guess: { readonly question: string; readonly options: readonly string[] };
  /** What happens, where it can be changed. */
  readonly plan?: Plan;
  /** What a plan is for. */
  readonly system: System;
}

/** All lessons, in the order of teaching. */
export type Catalogue = readonly Lesson[];

/** What is to be run. The same request gives the same run, in every browser and in Node. */
export interface LabRequest {
  readonly scenario: string;
  readonly level: string;
  readonly seed: number;
  /** Of a lesson with a plan: its own, or one that somebody has changed. */
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

/** The request that a URL's text puts beside the one that is shown; undefined when there is none, or it is none. */
export function besideOf(catalogue: Catalogue, scenario: string, text: string | undefined): LabRequest | undefined {
  const given = parsed(text);
  if (typeof given !== 'object' || given === null) return undefined;
  const { level, seed, plan } = given as Readonly<Record<string, unknown>>;
  return requestOf(catalogue, {
    scenario,
    level: typeof level === 'string' ? level : undefined,
    seed: typeof seed === 'number' && Number.isInteger(seed) && seed >= 0 && seed <= 0xffff_ffff ? seed : undefined,
    plan: plan === undefined ? undefined : JSON.stringify(plan),
  });
}

/** The text for a URL of which `besideOf` makes the same request again. */
export function besideText(catalogue: Catalogue, request: LabRequest): string {
  const { level, seed, plan } = request;
  return JSON.stringify({ level, seed, ...(!isOwnPlan(catalogue, request) && { plan }) });
}

/** Whether a plan is the lesson's own. */
export function isOwnPlan(catalogue: Catalogue, { scenario, plan }: LabRequest): boolean {
  return JSON.stringify(lessonOf(catalogue, scenario).plan) === JSON.stringify(plan);
}

/** The plan of a URL's text; undefined when there is none, or it is none. */
export function planOf(text: string | undefined): Plan | undefined {
  const plan = parsePlan(parsed(text));
  return typeof plan === 'string' ? undefined : plan;
}

function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
