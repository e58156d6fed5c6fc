import { systemClock } from '@grp/core';

/** The one thing a suite needs of a test runner. vitest's and jest's `test`, and `test` of `node:test`, fit. */
export interface TestFunction {
  (name: string, body: () => Promise<void> | void): unknown;
  /** Used for what an implementation does not claim, so that the report shows it. */
  readonly skip?: (name: string, body: () => Promise<void> | void) => unknown;
}

/**
 * What an implementation can do, by feature: `true`, or the reason why not, which is printed with the skipped case.
 * A feature that is not named must be there.
 */
export type Supports<Feature extends string> = Readonly<Partial<Record<Feature, true | string>>>;

/** What a conformance suite is run on. */
export interface SuiteOptions<Feature extends string, Opened extends Environment> {
  /** The implementation's name, first word of each case. */
  readonly name: string;
  readonly test: TestFunction;
  readonly supports?: Supports<Feature>;
  /** Called at the start of each case, for a fresh environment. */
  readonly open: () => Promise<Opened> | Opened;
}

/** What a conformance suite opens for each of its cases. */
export interface Environment {
  /** Lets virtual time pass. Left out: the suite waits in real time. */
  readonly run?: (ms: number) => Promise<void> | void;
  close(): Promise<void> | void;
}

export type Case<Opened, Feature extends string> = readonly [
  name: string,
  body: (opened: Opened) => Promise<void> | void,
  needs?: Feature,
];

/** Hands each case to the test runner, with a fresh environment that is closed whatever happens. */
export function runSuite<Feature extends string, Opened extends Environment>(
  { name, test, supports, open }: SuiteOptions<Feature, Opened>,
  cases: readonly Case<Opened, Feature>[],
): void {
  for (const [title, body, needs] of cases) {
    const support = needs === undefined ? true : (supports?.[needs] ?? true);
    const run = async (): Promise<void> => {
      const opened = await open();
      try {
        await body(opened);
      } finally {
        await opened.close();
      }
    };
    if (support === true) test(`${name}: ${title}`, run);
    else if (test.skip === undefined) test(`${name}: ${title} (not claimed: ${support})`, () => {});
    else test.skip(`${name}: ${title} (not claimed: ${support})`, run);
  }
}

/** An implementation does not keep what its port promises. */
export class ConformanceError extends Error {
  override readonly name = 'ConformanceError';
}

export function check(condition: boolean, promise: string): asserts condition {
  if (!condition) throw new ConformanceError(promise);
}

export function checkEqual(actual: unknown, expected: unknown, promise: string): void {
  const [shown, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  check(shown === wanted, `${promise}: expected ${wanted}, got ${shown}`);
}

export function checkBytes(actual: Uint8Array, expected: Uint8Array, promise: string): void {
  check(actual.length === expected.length, `${promise}: expected ${expected.length} bytes, got ${actual.length}`);
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  check(at === -1, `${promise}: byte ${at} is ${actual[at]} instead of ${expected[at]}`);
}

/** Waits, in virtual time when the environment has one. */
export async function pass({ run }: Pick<Environment, 'run'>, ms: number): Promise<void> {
  if (run !== undefined) return run(ms);
  const clock = systemClock();
  await new Promise<void>((resolve) => clock.wakeAt(clock.now() + ms, resolve));
}

/** Waits for a condition, in small steps; `promise` says what did not come true. */
export async function until(
  environment: Pick<Environment, 'run'>,
  condition: () => boolean,
  promise: string,
  withinMs = 3_000,
): Promise<void> {
  const stepMs = 5;
  for (let waitedMs = 0; !condition(); waitedMs += stepMs) {
    check(waitedMs < withinMs, `${promise} (waited ${withinMs} ms)`);
    await pass(environment, stepMs);
  }
}

/** Bytes that differ from place to place and from `salt` to `salt`, so that loss, doubling and mixing show. */
export function pattern(lengthBytes: number, salt: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes);
  let state = (salt * 2_654_435_761 + 1) >>> 0;
  for (let index = 0; index < lengthBytes; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

/** As one value. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
