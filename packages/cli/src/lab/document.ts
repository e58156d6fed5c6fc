import type { SpaceTimeEvent } from '@grp/lab';
import { document } from '../output/json.ts';
import { labError } from './errors.ts';
import type { Lesson, Verdict } from './lesson.ts';

/** What `lab run` and `lab replay` give under `--json`. */
export interface LessonBody {
  readonly scenario: string;
  readonly level: string;
  readonly seed: number;
  readonly question: string | null;
  readonly explanation: string | null;
  readonly verdict: Verdict;
  /** The checkers that fail under this level with the scenario's own seed. */
  readonly expected: readonly string[];
  readonly violations: readonly {
    readonly checker: string;
    readonly message: string;
    readonly atMs: number | null;
    readonly node: string | null;
  }[];
  readonly divergence: {
    readonly position: number;
    readonly messages: readonly string[];
    readonly sentence: string;
  } | null;
  readonly workers: readonly {
    readonly node: string;
    readonly state: string;
    readonly view: { readonly id: number; readonly members: readonly string[] } | null;
    readonly leads: boolean;
    readonly colour: string;
    readonly changes: number;
  }[];
  readonly figures: Readonly<Record<string, number>>;
  /** What a study saw; a lesson has none. */
  readonly facts: readonly { readonly what: string; readonly value: string }[];
  readonly traceHash: string;
  readonly events?: readonly SpaceTimeEvent[];
}

/** The document of a run; `events` adds all that the diagram is drawn from. */
export function lessonDocument(
  schema: 'grp.lab.run/1' | 'grp.lab.replay/1',
  { recording, report, scenario, verdict }: Lesson,
  { events = false }: { readonly events?: boolean } = {},
): { readonly schema: string } & LessonBody {
  const { divergence } = report;
  return document(schema, {
    scenario: recording.scenario,
    level: report.level,
    seed: report.seed,
    question: scenario?.question ?? null,
    explanation: scenario?.explanation ?? null,
    verdict,
    expected: scenario?.expect[report.level] ?? [],
    violations: report.violations.map(({ checker, message, at, node }) => ({
      checker,
      message,
      atMs: at === undefined ? null : Math.round(at * 10) / 10,
      node: node ?? null,
    })),
    divergence: divergence ?? null,
    workers: report.workers.map(({ node, state, view, leads, colour, count }) => ({
      node,
      state,
      view: view === undefined ? null : { id: view.id, members: view.members },
      leads,
      colour,
      changes: count,
    })),
    figures: report.figures,
    facts: [],
    traceHash: report.traceHash,
    ...(events && { events: report.events }),
  });
}

/** The error of a run in which something failed that must not; undefined for all others. */
export function lessonError({ recording, report, verdict }: Lesson): Error | undefined {
  const [first] = report.violations;
  if (verdict !== 'violated' || first === undefined) return undefined;
  const { level, scenario } = recording;
  return labError('LAB_VIOLATED', {
    context: { level, scenario, count: report.violations.length, first: `${first.checker}: ${first.message}` },
  });
}
