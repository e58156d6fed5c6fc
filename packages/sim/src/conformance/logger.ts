import type { LogFields, Logger, LogLevel } from '@grp/core';
import { check, checkEqual, runSuite, until, type Case, type Environment, type SuiteOptions } from './suite.ts';

/** `reads`: the environment can say what was logged. */
export type LoggerFeature = 'reads';

/** One line of a log. */
export interface LoggedLine {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

/** A logger for its conformance suite. */
export interface OpenLogger extends Environment {
  readonly logger: Logger;
  /** What was logged up to now, for `reads`. */
  readonly lines?: () => readonly LoggedLine[];
}

/** Judges an implementation of the `Logger` port. */
export function loggerConformance(options: SuiteOptions<LoggerFeature, OpenLogger>): void {
  runSuite(options, cases);
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

const cases: readonly Case<OpenLogger, LoggerFeature>[] = [
  [
    'takes every level, with and without fields',
    ({ logger }) => {
      for (const level of levels) {
        logger.log(level, 'sim.conformance');
        logger.log(level, 'sim.conformance', { name: 'a', count: 1, isOld: false });
      }
    },
  ],
  [
    'never throws, whatever it is given',
    ({ logger }) => {
      const odd: LogFields[] = [
        { text: '\u0000\u001b[31m\ud800' },
        { number: Number.NaN, infinity: Infinity },
        { long: 'x'.repeat(100_000) },
        { level: 'no level', event: 'no event', time: 0, msg: '' },
        Object.freeze({ frozen: true }),
        Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`field${index}`, index])),
      ];
      for (const fields of odd) logger.log('info', 'sim.odd', fields);
      logger.log('info', '', {});
    },
  ],
  [
    'keeps what it was told, in order',
    async (opened) => {
      const { logger, lines } = opened;
      check(lines !== undefined, 'the environment reads');
      const before = lines().length;
      for (const [index, level] of levels.entries()) logger.log(level, `sim.event${index}`, { index });
      const mine = (): readonly LoggedLine[] => lines().slice(before);
      await until(opened, () => mine().length >= levels.length, 'each line is kept');
      const told = levels.map((level, index) => ({ level, event: `sim.event${index}`, index }));
      const kept = mine().map(({ level, event, fields }) => ({ level, event, index: fields['index'] }));
      checkEqual(kept, told, 'level, event and fields are kept');
    },
    'reads',
  ],
];
