import type { StudyReport } from './studies.ts';

/** What a study saw of something; the empty text when it says nothing of it. */
export function factOf({ facts }: Pick<StudyReport, 'facts'>, start: string): string {
  return facts.find(({ what }) => what.startsWith(start))?.value ?? '';
}
