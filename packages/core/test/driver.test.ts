import { drive, type Driver, type DriveOptions, type Machine, type Millis, type Wake } from '@grp/core';
import { describe, expect, test } from 'vitest';
import { ManualClock } from './manual-clock.ts';

type Step = { readonly inputs: readonly (string | Wake)[]; readonly now: Millis };

/** Echoes each input as an effect; its deadline is in the test's hands. */
class Echo implements Machine<string, string> {
  readonly steps: Step[] = [];
  deadline: Millis | undefined;
  onStep: () => void = () => {};

  step(inputs: readonly (string | Wake)[], now: Millis): readonly string[] {
    this.steps.push({ inputs, now });
    this.onStep();
    return inputs.map((input) => (typeof input === 'string' ? input : 'woken'));
  }

  nextDeadline(): Millis | undefined {
    return this.deadline;
  }
}

interface Rig {
  readonly clock: ManualClock;
  readonly machine: Echo;
  readonly performed: string[];
  readonly fatal: unknown[];
  readonly driver: Driver<string>;
}

function rig(options: Partial<DriveOptions<string, string>> = {}, machine = new Echo()): Rig {
  const clock = new ManualClock();
  const performed: string[] = [];
  const fatal: unknown[] = [];
  const driver = drive<string, string>({
    machine,
    clock,
    perform: (effect) => performed.push(effect),
    onFatal: (cause) => fatal.push(cause),
    ...options,
  });
  return { clock, machine, performed, fatal, driver };
}

describe('a step', () => {
  test('happens at once, with the time, and its effects are performed in order', () => {
    const { clock, machine, performed, driver } = rig();
    clock.advance(5);
    expect(driver.push('a')).toBe(true);
    driver.push('b');
    expect(machine.steps).toEqual([
      { inputs: ['a'], now: 5 },
      { inputs: ['b'], now: 5 },
    ]);
    expect(performed).toEqual(['a', 'b']);
  });

  test('is never re-entered: what an effect pushes waits for the next one', () => {
    const log: string[] = [];
    const machine = new Echo();
    const { driver } = rig(
      {
        perform(effect) {
          log.push(`start ${effect}`);
          if (effect === 'a') log.push(...['b', 'c'].map((next) => `pushed ${next}: ${driver.push(next)}`));
          log.push(`end ${effect}`);
        },
      },
      machine,
    );
    driver.push('a');
    expect(log).toEqual([
      'start a',
      'pushed b: true',
      'pushed c: true',
      'end a',
      'start b',
      'end b',
      'start c',
      'end c',
    ]);
    expect(machine.steps.map(({ inputs }) => inputs)).toEqual([['a'], ['b', 'c']]);
  });

  test('with `defer` takes everything that arrived in the turn', () => {
    const turns: (() => void)[] = [];
    const { machine, performed, driver } = rig({ defer: (callback) => turns.push(callback) });
    for (const input of ['a', 'b', 'c']) driver.push(input);
    expect([machine.steps.length, turns.length]).toEqual([0, 1]);
    turns.shift()?.();
    expect(machine.steps.map(({ inputs }) => inputs)).toEqual([['a', 'b', 'c']]);
    expect(performed).toEqual(['a', 'b', 'c']);
    driver.push('d');
    expect(turns).toHaveLength(1);
  });
});

describe('the timer', () => {
  test('is one, from the start, and wakes the machine at its deadline', () => {
    const machine = new Echo();
    machine.deadline = 100;
    const { clock, performed } = rig({}, machine);
    expect(clock.timerCount).toBe(1);
    machine.onStep = () => (machine.deadline = undefined);
    clock.advance(99);
    expect(performed).toEqual([]);
    clock.advance(1);
    expect([performed, machine.steps[0]?.now, clock.timerCount]).toEqual([['woken'], 100, 0]);
  });

  test('moves with the deadline, and is left alone when it stays', () => {
    const { clock, machine, performed, driver } = rig();
    machine.deadline = 100;
    driver.push('a');
    driver.push('b');
    expect([clock.timerCount, clock.timersSet]).toEqual([1, 1]);
    machine.deadline = 50;
    driver.push('c');
    machine.onStep = () => (machine.deadline = 200);
    clock.advance(150);
    expect(performed).toEqual(['a', 'b', 'c', 'woken']);
    expect(clock.timerCount).toBe(1);
  });

  test('for a deadline that has passed fires later, never during the step', () => {
    const { clock, machine, performed, driver } = rig();
    clock.advance(10);
    machine.deadline = 3;
    driver.push('a');
    expect(performed).toEqual(['a']);
    machine.onStep = () => (machine.deadline = undefined);
    clock.advance(0);
    expect(performed).toEqual(['a', 'woken']);
  });
});

describe('the inbox', () => {
  test('has a limit; what does not fit is refused and counted', () => {
    const turns: (() => void)[] = [];
    const { performed, driver } = rig({ inboxMax: 2, defer: (callback) => turns.push(callback) });
    expect(['a', 'b', 'c', 'd'].map((input) => driver.push(input))).toEqual([true, true, false, false]);
    expect(driver.droppedCount).toBe(2);
    turns.shift()?.();
    expect(performed).toEqual(['a', 'b']);
    expect(driver.push('e')).toBe(true);
  });

  test('that is full when the deadline comes loses no wake-up', () => {
    const turns: (() => void)[] = [];
    const machine = new Echo();
    machine.deadline = 10;
    const { clock, performed, driver } = rig({ inboxMax: 1, defer: (callback) => turns.push(callback) }, machine);
    driver.push('a');
    clock.advance(10);
    turns.shift()?.();
    expect(performed).toEqual(['a']);
    machine.onStep = () => (machine.deadline = undefined);
    clock.advance(0);
    turns.shift()?.();
    expect(performed).toEqual(['a', 'woken']);
  });
});

describe('the end', () => {
  test('comes when the machine throws: once, and then silence', () => {
    const { clock, machine, performed, fatal, driver } = rig();
    machine.deadline = 10;
    driver.push('a');
    machine.onStep = () => {
      throw new Error('bug');
    };
    driver.push('b');
    clock.advance(100);
    expect([driver.push('c'), performed, clock.timerCount]).toEqual([false, ['a'], 0]);
    expect(fatal).toEqual([new Error('bug')]);
  });

  test('comes when an effect throws: those after it are not performed', () => {
    const turns: (() => void)[] = [];
    const performed: string[] = [];
    const { fatal, driver } = rig({
      defer: (callback) => turns.push(callback),
      perform(effect) {
        if (effect === 'b') throw new Error('broken effect');
        performed.push(effect);
      },
    });
    for (const input of ['a', 'b', 'c']) driver.push(input);
    turns.shift()?.();
    expect([performed, fatal]).toEqual([['a'], [new Error('broken effect')]]);
  });

  test('comes when a deadline is not a number', () => {
    const { fatal, machine, driver } = rig();
    machine.deadline = Number.NaN;
    driver.push('a');
    expect(String(fatal[0])).toMatch(/a deadline is a number/);
  });

  test('comes by stop: what waits is dropped and nothing follows', () => {
    const turns: (() => void)[] = [];
    const machine = new Echo();
    machine.deadline = 10;
    const { clock, performed, driver } = rig({ defer: (callback) => turns.push(callback) }, machine);
    driver.push('a');
    driver.stop();
    driver.stop();
    turns.shift()?.();
    clock.advance(100);
    expect([driver.push('b'), performed, machine.steps, clock.timerCount]).toEqual([false, [], [], 0]);
    expect(driver.droppedCount).toBe(0); // refused, not lost
  });

  test('may come from an effect', () => {
    const turns: (() => void)[] = [];
    const performed: string[] = [];
    const machine = new Echo();
    machine.deadline = 10;
    const { clock, driver } = rig(
      {
        defer: (callback) => turns.push(callback),
        perform(effect) {
          performed.push(effect);
          if (effect === 'b') driver.stop();
        },
      },
      machine,
    );
    for (const input of ['a', 'b', 'c']) driver.push(input);
    turns.shift()?.();
    expect([performed, clock.timerCount]).toEqual([['a', 'b'], 0]);
  });

  test('may come from inside a step that has no effects, and is then not undone', () => {
    const clock = new ManualClock();
    const driver = drive<string, never>({
      machine: {
        step() {
          driver.stop();
          return [];
        },
        nextDeadline: () => (clock.now() === 0 ? undefined : 100),
      },
      clock,
      perform: () => {},
      onFatal: () => {},
    });
    clock.advance(1);
    driver.push('a');
    expect([driver.push('b'), clock.timerCount]).toEqual([false, 0]);
  });
});
