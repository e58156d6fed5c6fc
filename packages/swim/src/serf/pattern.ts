import { compilePattern, type Program } from './pattern-compiler.ts';

/** A tag filter's pattern, ready to be matched any number of times. */
export interface Pattern {
  /** No match with this text takes more. */
  stepsMax(text: string): number;
  matches(text: string): boolean;
}

/**
 * Reads a Go (RE2) regular expression, or undefined for what is not one, is longer than 256 characters, or takes more than
 * 1,000 steps to write down. Understood is all of RE2's syntax but Unicode classes (`\p`) and octal escapes. The match is
 * found by following all alternatives at once (Thompson 1968), so its cost is bounded by text × pattern, whatever the
 * pattern: no expression of a peer can stall this node.
 */
export function readPattern(expression: string): Pattern | undefined {
  const program = compilePattern(expression);
  if (program === undefined) return undefined;
  return { stepsMax: (text) => program.length * (text.length + 1), matches: (text) => run(program, text) };
}

/** True when the program matches anywhere in the text. */
function run(program: Program, text: string): boolean {
  const points = Array.from(text, (character) => character.codePointAt(0) as number);
  let current: number[] = [];
  for (let index = 0; index <= points.length; index++) {
    const visited = new Uint8Array(program.length);
    const states: number[] = [];
    for (const start of [...current, 0]) {
      if (follow(program, start, { points, index, visited, states })) return true;
    }
    const point = points[index];
    if (point === undefined) return false;
    current = [];
    for (const state of states) {
      const step = program[state];
      if (step?.op === 'one' && step.accepts(point)) current.push(step.next);
    }
  }
  return false;
}

interface Front {
  readonly points: readonly number[];
  readonly index: number;
  readonly visited: Uint8Array;
  readonly states: number[];
}

/** Collects what is reached from `start` without reading a character. True when that is the end. */
function follow(program: Program, start: number, { points, index, visited, states }: Front): boolean {
  const open = [start];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    if (visited[state] === 1) continue;
    visited[state] = 1;
    const step = program[state];
    if (step === undefined) continue;
    if (step.op === 'match') return true;
    if (step.op === 'one') states.push(state);
    else if (step.op === 'split') open.push(step.second, step.first);
    else if (step.holds(points[index - 1], points[index])) open.push(step.next);
  }
  return false;
}
