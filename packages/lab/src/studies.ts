import type { Plan } from './gms/levels/plan.ts';
import { orderStudy } from './ordering/study.ts';
import { partitionStudy } from './partition-study.ts';
import { quorumStudy } from './quorum-study.ts';
import { diskStudy } from './raft/disk-study.ts';
import { priorityStudy } from './raft/study.ts';
import type { SpaceTimeEvent } from './spacetime/events.ts';
import { suspicionStudy } from './swim/study.ts';
import type { LabTrace } from './trace/trace.ts';

/** One row of what a study measured or saw. */
export interface StudyFact {
  readonly what: string;
  readonly value: string;
}

/** What a run of a study gives back. */
export interface StudyReport {
  readonly variant: string;
  readonly seed: number;
  /** SHA-256, in hex: a replay must reproduce it. */
  readonly traceHash: string;
  readonly violations: readonly {
    readonly checker: string;
    readonly message: string;
    readonly at?: number | undefined;
    readonly node?: string | undefined;
  }[];
  /** What to look at, in the order of the text that explains it. */
  readonly facts: readonly StudyFact[];
  readonly trace: LabTrace;
}

/** What a reader is asked to say before the run is shown. */
export interface StudyGuess {
  readonly question: string;
  readonly options: readonly string[];
  /** Which of them is right, from 0, for a run of the study's own plan. */
  readonly answer: (report: Pick<StudyReport, 'facts' | 'violations'>) => number;
}

/** A lesson that compares two or more ways of doing the same thing, in the same run of events. */
export interface LabStudy {
  readonly name: string;
  /** To think about before the run. */
  readonly question: string;
  /** The answer. */
  readonly explanation: string;
  readonly guess: StudyGuess;
  /** The seed for which the expectations hold exactly. */
  readonly seed: number;
  /** The one that is run when none is named. */
  readonly variant: string;
  /** What can be compared, with what each is. */
  readonly variants: Readonly<Record<string, string>>;
  /** The checkers that fail, by variant. */
  readonly expect: Readonly<Record<string, readonly string[]>>;
  /** Messages that the diagram leaves out unless asked. */
  readonly hidden: readonly string[];
  /** Marks of the diagram that are kept when it is cut. */
  readonly isKey?: (event: SpaceTimeEvent & { readonly type: 'mark' }) => boolean;
  /** What happens in it, where that can be changed. */
  readonly plan?: Plan;
  /** The same variant, seed and plan (default: its own) give the same report, hash included. */
  run(variant: string, seed: number, plan?: Plan): StudyReport | Promise<StudyReport>;
}

/** Every study of `grp lab run`, in the order of teaching. */
export const labStudies: readonly LabStudy[] = [
  orderStudy,
  suspicionStudy,
  quorumStudy,
  priorityStudy,
  diskStudy,
  partitionStudy,
];
