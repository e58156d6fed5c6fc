import type { Diagram } from './diagram.ts';
import { interestingUntil } from './steps.ts';

/**
 * Where a run is stopped for a question: when the first thing has gone wrong, and not before a quarter of what there is
 * to see, nor after a half of it.
 */
export function askAt(diagram: Diagram): number {
  const until = interestingUntil(diagram);
  const first = diagram.points.find(({ kind }) => kind === 'crash' || kind === 'suspect' || kind === 'trouble');
  return Math.min(until / 2, Math.max(until / 4, first?.at ?? 0));
}

/** What is said to a guess. */
export function sayTo(options: readonly string[], guessed: number, answer: number): string {
  return guessed === answer ? `Yes: ${options[answer]}.` : `No, not “${options[guessed]}”: ${options[answer]}.`;
}
