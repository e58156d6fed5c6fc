import { drawSpaceTime, levels, spaceTimeLegend, type LabReport, type Tone, type WorkerReport } from '@grp/lab';
import { invocation } from '../invocation.ts';
import type { Colours } from '../output/colours.ts';
import { table } from '../output/table.ts';
import type { Lesson } from './lesson.ts';

export interface LessonTextOptions {
  readonly colours: Colours;
  /** Of the terminal; undefined for a pipe. */
  readonly width: number | undefined;
  readonly rowsMax: number;
  readonly ascii: boolean;
}

/** Where there is no terminal. */
export const pipeWidth = 100;
/** Prose is not wider. */
export const proseMax = 100;

/** A lesson for people: the question, what happened, the colours, what was broken, and the answer. */
export function lessonText(lesson: Lesson, options: LessonTextOptions): string {
  const { recording, report, scenario } = lesson;
  const { colours } = options;
  const width = Math.min(options.width ?? pipeWidth, proseMax);
  const { about = '' } = levels[report.level] ?? {};
  const say = (title: string, prose: string): string => `${colours.bold(title)}\n${wrap(prose, width)}`;
  return [
    wrap(`${recording.scenario} under ${report.level} (${about}), seed ${report.seed}.`, width),
    ...(scenario === undefined ? [] : [say('Question', scenario.question)]),
    diagram(report, options, width),
    workersText(report, options),
    ...(report.divergence === undefined ? [] : [say('First divergence', report.divergence.sentence)]),
    wrap(verdictText(lesson, colours), width),
    ...(scenario === undefined ? [] : [say('Answer', scenario.explanation), othersText(lesson, colours)]),
  ].join('\n\n');
}

function diagram(report: LabReport, { colours, width, rowsMax, ascii }: LessonTextOptions, prose: number): string {
  const { divergence, events, workers } = report;
  const lines = drawSpaceTime(
    events,
    workers.map(({ node }) => node),
    {
      width: width ?? pipeWidth,
      unicode: !ascii,
      rowsMax,
      isKey: ({ mark, label }) => mark === 'deliver' && divergence?.messages.includes(label) === true,
    },
  );
  const painted = lines.map((line) =>
    line
      .map(({ text, tone }) => paint(tone, colours)(text))
      .join('')
      .trimEnd(),
  );
  return `${painted.join('\n')}\n\n${colours.dim(wrap(spaceTimeLegend(!ascii), prose, ' · '))}`;
}

/** The colour of a piece of a diagram. */
export function paint(tone: Tone, colours: Colours): (text: string) => string {
  switch (tone) {
    case 'faint':
      return colours.dim;
    case 'arrow':
      return colours.cyan;
    case 'deliver':
      return colours.green;
    case 'view':
      return colours.blue;
    case 'crash':
    case 'lost':
      return colours.red;
    case 'suspect':
      return colours.yellow;
    case 'key':
      return (text) => colours.bold(colours.magenta(text));
    default:
      return (text) => text;
  }
}

function workersText({ workers, divergence }: LabReport, { colours, width }: LessonTextOptions): string {
  const columns = [
    { title: 'WORKER', text: ({ node }: WorkerReport) => node },
    { title: 'STATE', text: ({ state, view }: WorkerReport) => (view === undefined ? 'outside' : state) },
    {
      title: 'VIEW',
      text: ({ view }: WorkerReport) => (view === undefined ? '-' : `${view.id}: ${view.members.join()}`),
    },
    { title: 'LEADS', text: ({ leads }: WorkerReport) => (leads ? 'yes' : '') },
    { title: 'CHANGES', text: ({ count }: WorkerReport) => String(count), align: 'right' as const },
    {
      title: 'COLOUR',
      text: ({ colour }: WorkerReport) => colour,
      paint: (cell: string, { colour }: WorkerReport) => (colours.isColorSupported ? `${cell} ${patch(colour)}` : cell),
    },
  ];
  const lamp =
    divergence === undefined ? colours.green('Those who live agree.') : colours.red('Those who live differ.');
  return `${table(workers, columns, { colours, width })}\n${lamp}`;
}

/** A patch of the colour itself; a terminal without 24 bits shows the nearest it has. */
function patch(hex: string): string {
  const value = Number.parseInt(hex.slice(1), 16);
  return `\u001B[48;2;${value >> 16};${(value >> 8) & 0xff};${value & 0xff}m    \u001B[0m`;
}

function verdictText({ report, verdict, scenario }: Lesson, colours: Colours): string {
  const { violations, level } = report;
  const counts = new Map<string, number>();
  for (const { checker } of violations) counts.set(checker, (counts.get(checker) ?? 0) + 1);
  const broken = [...counts]
    .map(([checker, count]) => (count === 1 ? checker : `${checker} (${count} times)`))
    .join(', ');
  switch (verdict) {
    case 'kept':
      return colours.green('No check was violated.');
    case 'unshown':
      return `With this seed no check was violated; ${level} is not right here, as seed ${scenario?.seed ?? 0} shows.`;
    case 'expected':
      return `${colours.yellow(`Violated, as the lesson expects of ${level}`)}: ${broken}.`;
    default:
      return `${colours.red('Violated')}: ${broken}.`;
  }
}

function othersText({ recording, scenario }: Lesson, colours: Colours): string {
  const right = Object.entries(scenario?.expect ?? {})
    .filter(([level, fails]) => fails.length === 0 && level !== recording.level && Object.hasOwn(levels, level))
    .map(([level]) => level);
  const next = right[0];
  if (next === undefined) return colours.dim('No other level of this version is right here.');
  return colours.dim(
    `Right here: ${right.join(', ')}. See: ${invocation()} lab run ${recording.scenario} --level ${next}`,
  );
}

/** Breaks prose into lines, at spaces unless told otherwise. */
export function wrap(prose: string, width: number, at = ' '): string {
  const lines: string[] = [];
  for (const word of prose.split(at)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + at.length + word.length <= width)
      lines[lines.length - 1] = `${last}${at}${word}`;
    else lines.push(word);
  }
  return lines.join('\n');
}
