import type { Millis } from '@grp/core';
import type { GroupDelivery } from '@grp/sim';

/** `leader`: whoever leads when the step comes. */
export type Who = string;

interface At {
  /** Virtual ms since the group was formed. */
  readonly at: Millis;
}

/** One thing that happens. All of it is data, so that a run can be written down, changed, and run again. */
export type Step = At &
  (
    | { readonly type: 'multicast'; readonly node: Who; readonly count: number; readonly everyMs: Millis }
    | { readonly type: 'crash'; readonly node: Who }
    /** In the middle of a multicast, after so many more sends. */
    | { readonly type: 'crash-after-sends'; readonly node: Who; readonly sends: number }
    /** From now on, after each send of a multicast, with probability 1 / `oneIn`. */
    | { readonly type: 'crash-chance'; readonly oneIn: number }
    /** The detectors of those in `by` wrongly say that `node` is down, and after `lastsMs` that it is not. */
    | { readonly type: 'suspect'; readonly node: Who; readonly by: readonly string[]; readonly lastsMs: Millis }
    | { readonly type: 'join'; readonly node: string; readonly contact: string }
    | { readonly type: 'loss'; readonly share: number }
    | { readonly type: 'pause' | 'resume'; readonly node: Who }
    | { readonly type: 'partition'; readonly sides: readonly (readonly string[])[] }
    | { readonly type: 'heal' }
    /** The link between two is cut, both ways, and whole again. */
    | (Link & { readonly type: 'cut' | 'mend' })
    /** Of what either sends to the other from now on, this share is lost. */
    | (Link & { readonly type: 'link-loss'; readonly share: number })
    /** What either sends to the other from now on takes so much longer; 0: as at first. */
    | (Link & { readonly type: 'link-delay'; readonly extraMs: Millis })
    /** Logs alone: a server that has crashed starts again, with what is on its disk. */
    | { readonly type: 'restart'; readonly node: string }
    /** Logs alone: each flush of a disk takes up to so much longer; 0: as at first. */
    | { readonly type: 'slow-disk'; readonly node: Who; readonly extraMs: Millis }
  );

interface Link {
  readonly node: string;
  readonly peer: string;
}

/** Who is there, and what happens to them. */
export interface Plan {
  /** n1 … nN, 1 … 32. */
  readonly founders: number;
  readonly steps: readonly Step[];
  /** Virtual ms from the end of the last step to the end of the run. */
  readonly settleMs: Millis;
  /**
   * One way between each two members is drawn once from this, so that links are FIFO, as Erlang's are; only at the
   * instant at which a `link-delay` ends may a later message overtake an earlier one.
   */
  readonly delayMs: readonly [min: Millis, max: Millis];
  /** What is promised (default `agreed`): the checkers hold every level to it, and `full` is set to it. */
  readonly delivery?: GroupDelivery;
}

const stepsMax = 1_000;
const timeMax = 3_600_000;

type Fields = Readonly<Record<string, 'who' | 'name' | 'time' | 'count' | 'share' | 'names' | 'sides'>>;
const stepFields: Readonly<Record<Step['type'], Fields>> = {
  multicast: { node: 'who', count: 'count', everyMs: 'time' },
  crash: { node: 'who' },
  'crash-after-sends': { node: 'who', sends: 'count' },
  'crash-chance': { oneIn: 'count' },
  suspect: { node: 'who', by: 'names', lastsMs: 'time' },
  join: { node: 'who', contact: 'who' },
  loss: { share: 'share' },
  pause: { node: 'who' },
  resume: { node: 'who' },
  partition: { sides: 'sides' },
  heal: {},
  cut: { node: 'name', peer: 'name' },
  mend: { node: 'name', peer: 'name' },
  'link-loss': { node: 'name', peer: 'name', share: 'share' },
  'link-delay': { node: 'name', peer: 'name', extraMs: 'time' },
  restart: { node: 'name' },
  'slow-disk': { node: 'who', extraMs: 'time' },
};

/** Reads a plan from a file of anybody's: the plan, or what is wrong with it. Unknown fields are ignored. */
export function parsePlan(value: unknown): Plan | string {
  if (!isRecord(value)) return 'a plan is an object';
  const { founders, steps, settleMs, delayMs, delivery } = value;
  if (!isWhole(founders, 1, 32)) return 'founders is a number of 1 … 32';
  if (!isTime(settleMs)) return 'settleMs is a time in ms';
  const [min, max] = Array.isArray(delayMs) && delayMs.length === 2 ? (delayMs as unknown[]) : [];
  if (!isTime(min) || !isTime(max) || min > max) return 'delayMs is two times in ms, the smaller one first';
  if (delivery !== undefined && delivery !== 'agreed' && delivery !== 'safe') return 'delivery is agreed or safe';
  if (!Array.isArray(steps) || steps.length > stepsMax) return `steps is a list of at most ${stepsMax}`;
  for (const [index, step] of steps.entries()) {
    const problem = stepProblem(step);
    if (problem !== undefined) return `step ${index + 1}: ${problem}`;
  }
  return { founders, settleMs, delayMs: [min, max], steps: steps as Step[], ...(delivery && { delivery }) };
}

function stepProblem(step: unknown): string | undefined {
  if (!isRecord(step)) return 'not an object';
  const { type, at } = step;
  if (typeof type !== 'string' || !Object.hasOwn(stepFields, type)) return `no such type: ${String(type)}`;
  if (!isTime(at)) return 'at is a time in ms';
  const fields = Object.entries(stepFields[type as Step['type']]);
  const wrong = fields.find(([name, kind]) => !checks[kind](step[name]));
  return wrong === undefined ? undefined : `${wrong[0]} is missing or wrong`;
}

const checks: Readonly<Record<Fields[string], (value: unknown) => boolean>> = {
  who: isName,
  name: (value) => value !== 'leader' && isName(value),
  time: isTime,
  count: (value) => isWhole(value, 1, 10_000),
  share: (value) => typeof value === 'number' && value >= 0 && value <= 1,
  names: (value) => Array.isArray(value) && value.length <= 64 && value.every(isName),
  sides: (value) => Array.isArray(value) && value.length <= 64 && value.every((side) => checks.names(side)),
};

function isName(value: unknown): value is string {
  return value === 'leader' || (typeof value === 'string' && /^n\d{1,3}$/.test(value));
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= timeMax;
}

function isWhole(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
