import type { Clock } from '@grp/core';
import { check, checkEqual, pass, runSuite, until, type Case, type Environment, type SuiteOptions } from './suite.ts';

/** `punctual`: a wake-up comes within 100 ms of its time; a loaded machine cannot promise that. */
export type ClockFeature = 'punctual';

/** A clock for its conformance suite. */
export interface OpenClock extends Environment {
  readonly clock: Clock;
}

/** Judges an implementation of the `Clock` port. */
export function clockConformance(options: SuiteOptions<ClockFeature, OpenClock>): void {
  runSuite(options, cases);
}

const cases: readonly Case<OpenClock, ClockFeature>[] = [
  [
    'never goes back, and advances',
    async (opened) => {
      const { clock } = opened;
      const startedAt = clock.now();
      let last = startedAt;
      for (let step = 0; step < 20; step++) {
        await pass(opened, 2);
        check(clock.now() >= last, 'time does not go back');
        last = clock.now();
      }
      check(last > startedAt, 'time passes');
    },
  ],
  [
    'shows a wall clock in ms since 1970',
    ({ clock }) => check(clock.wallMs() > 1_577_836_800_000, 'the wall clock is after 2020'),
  ],
  [
    'wakes once, and not early',
    async (opened) => {
      const { clock } = opened;
      const heard: number[] = [];
      const times = [3, 1.25, 20, 7.5, 12.0625, 1 / 3].map((ms) => clock.now() + ms);
      for (const at of times) clock.wakeAt(at, () => heard.push(clock.now() - at));
      checkEqual(heard.length, 0, 'wakeAt returns before any callback');
      await until(opened, () => heard.length >= times.length, 'every wake-up comes');
      await pass(opened, 30);
      checkEqual(heard.length, times.length, 'a wake-up comes once');
      check(
        heard.every((lateMs) => lateMs >= 0),
        'a wake-up is never early',
      );
    },
  ],
  [
    'wakes soon, but not at once, when the time has passed',
    async (opened) => {
      const { clock } = opened;
      let heard = 0;
      for (const at of [clock.now(), clock.now() - 1_000, -Infinity]) clock.wakeAt(at, () => heard++);
      checkEqual(heard, 0, 'wakeAt never calls back during the call');
      await until(opened, () => heard === 3, 'a wake-up in the past comes', 500);
    },
  ],
  [
    'keeps the order of different times',
    async (opened) => {
      const { clock } = opened;
      const startedAt = clock.now();
      const heard: number[] = [];
      for (const ms of [50, 10, 30, 20, 40]) clock.wakeAt(startedAt + ms, () => heard.push(ms));
      await until(opened, () => heard.length === 5, 'every wake-up comes');
      checkEqual(heard, [10, 20, 30, 40, 50], 'earlier wake-ups come first');
    },
  ],
  [
    'cancels, as often as asked',
    async (opened) => {
      const { clock } = opened;
      let heard = 0;
      const cancel = clock.wakeAt(clock.now() + 5, () => heard++);
      cancel();
      cancel();
      let later = 0;
      const cancelLater = clock.wakeAt(clock.now() + 1, () => later++);
      await until(opened, () => later === 1, 'the other wake-up comes');
      cancelLater(); // too late, and harmless
      await pass(opened, 20);
      checkEqual([heard, later], [0, 1], 'a cancelled wake-up does not come');
    },
  ],
  [
    'lets a callback set and cancel others',
    async (opened) => {
      const { clock } = opened;
      let count = 0;
      let cancelled = 0;
      const victim = clock.wakeAt(clock.now() + 15, () => cancelled++);
      const again = (): void => {
        if (++count === 2) victim();
        if (count < 10) clock.wakeAt(clock.now() + 1, again);
      };
      clock.wakeAt(clock.now(), again);
      await until(opened, () => count === 10, 'a chain of wake-ups goes on');
      await pass(opened, 20);
      checkEqual(cancelled, 0, 'a callback cancels another');
    },
  ],
  [
    'is punctual',
    async (opened) => {
      const { clock } = opened;
      const at = clock.now() + 20;
      let lateMs: number | undefined;
      clock.wakeAt(at, () => (lateMs = clock.now() - at));
      await until(opened, () => lateMs !== undefined, 'the wake-up comes');
      check((lateMs as number) < 100, `a wake-up is not late, but this one was, by ${lateMs} ms`);
    },
    'punctual',
  ],
];
