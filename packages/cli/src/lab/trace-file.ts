import { readFile, stat } from 'node:fs/promises';
import { normalize } from 'node:path';
import {
  lanesOf,
  mergeRecordings,
  parseRecordingFile,
  simProtocols,
  traceOfWorld,
  type LabTrace,
  type NodeRecording,
  type RunReport,
} from '@grp/lab';
import { recordingsOf } from '../cluster/recordings.ts';
import { cliError } from '../errors.ts';
import { labError } from './errors.ts';
import { replayLesson, runLesson, type Lesson } from './lesson.ts';
import { parseStudyRecording, replayStudy, runStudy, studyOf, type StudyRun } from './study.ts';

/** A seed of the simulator, run again. */
export interface SeedRun {
  readonly protocol: string;
  readonly scenario: string;
  readonly seed: number;
  readonly report: RunReport;
  readonly trace: LabTrace;
}

/** What a file, several files, or a name of the lab turned out to be. */
export type Source =
  | { readonly type: 'lesson'; readonly lesson: Lesson; readonly trace: LabTrace }
  | { readonly type: 'study'; readonly run: StudyRun; readonly trace: LabTrace }
  | { readonly type: 'seed'; readonly run: SeedRun; readonly trace: LabTrace }
  | { readonly type: 'recording'; readonly nodes: readonly NodeRecording[]; readonly trace: LabTrace };

const simEventsMax = 1_000_000;

/**
 * Reads what `lab run --out`, `sim run --trace` and `node start --record` have written; the first two are run again, and
 * must come out with the same hash. Several files are the recordings of several nodes; so is a folder, for instance that of
 * a cluster.
 * @throws GrpError CLI_FILE_UNREADABLE, LAB_RECORDING_INVALID, LAB_HASH_DIFFERS
 */
export async function openSource(sources: readonly string[]): Promise<Source> {
  const [file = '', ...more] = await filesOf(sources);
  const text = await readText(file);
  const schema = schemaOf(text);
  if (schema === 'grp.node.recording/1') return recordings([file, ...more]);
  if (more.length > 0)
    throw labError('LAB_RECORDING_INVALID', { context: { file, problem: 'only recordings of nodes go together' } });
  if (schema === 'grp.sim.trace/1') {
    const run = replaySeed(file, text);
    return { type: 'seed', run, trace: run.trace };
  }
  const study = parseStudyRecording(parseJson(text));
  if (study !== undefined) {
    const run = await replayStudy(study);
    return { type: 'study', run, trace: run.report.trace };
  }
  const lesson = await replayLesson(file);
  return { type: 'lesson', lesson, trace: traceOfLesson(lesson) };
}

/** Each file once, folders as the recordings in them. */
async function filesOf(sources: readonly string[]): Promise<readonly string[]> {
  const files = new Set<string>();
  for (const source of sources) {
    if (!(await isFolder(source))) {
      files.add(normalize(source));
      continue;
    }
    const recordings = await recordingsOf(source);
    if (recordings.length === 0)
      throw labError('LAB_RECORDING_INVALID', { context: { file: source, problem: 'no file in it ends in .trace' } });
    for (const file of recordings) files.add(normalize(file));
  }
  return [...files];
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** The trace of a lesson or study by its name; undefined when there is none. @throws GrpError LAB_LEVEL */
export async function traceOfName(name: string, level?: string, seed?: number): Promise<LabTrace | undefined> {
  const study = studyOf(name);
  if (study !== undefined) return (await runStudy(study, level, seed)).report.trace;
  const { labScenarios } = await import('@grp/lab');
  if (!labScenarios.some((scenario) => scenario.name === name)) return undefined;
  return traceOfLesson(await runLesson(name, level, seed));
}

function traceOfLesson({ recording, report }: Lesson): LabTrace {
  const { scenario, level, seed } = recording;
  const { events, workers } = report;
  const lanes = lanesOf(
    events,
    workers.map(({ node }) => node),
  );
  const title = `${scenario} under ${level}, seed ${seed}`;
  return { title, origin: 'simulation', lanes, events, operations: [], omittedCount: 0 };
}

async function recordings(files: readonly string[]): Promise<Source> {
  const nodes: NodeRecording[] = [];
  for (const file of files) {
    const parsed = parseRecordingFile(await readText(file));
    if (typeof parsed === 'string') throw labError('LAB_RECORDING_INVALID', { context: { file, problem: parsed } });
    nodes.push(parsed);
  }
  return { type: 'recording', nodes, trace: mergeRecordings(nodes) };
}

/** Runs what the head of a simulation's trace names, and compares the hash. */
function replaySeed(file: string, text: string): SeedRun {
  const head = parseJson(text.slice(0, text.indexOf('\n'))) as Readonly<Record<string, unknown>>;
  const { protocol, scenario, seed, nodes, loss, durationMs, traceHash } = head;
  const known =
    typeof protocol === 'string' && Object.hasOwn(simProtocols, protocol) ? simProtocols[protocol] : undefined;
  const isRight =
    typeof scenario === 'string' &&
    known?.scenarios.includes(scenario) === true &&
    [seed, nodes, loss, durationMs].every(isNumber);
  if (known === undefined || !isRight)
    throw labError('LAB_RECORDING_INVALID', {
      context: { file, problem: 'its first line names no run of this version' },
    });
  const what = { protocol: String(protocol), scenario, seed: Number(seed) };
  const report = known.run(scenario, {
    seed: Number(seed),
    nodeCount: Number(nodes),
    loss: Number(loss),
    durationMs: Number(durationMs),
    trace: { recordMax: simEventsMax },
  });
  if (typeof traceHash === 'string' && traceHash !== report.traceHash)
    throw labError('LAB_HASH_DIFFERS', {
      context: { hash: report.traceHash.slice(0, 16), recorded: traceHash.slice(0, 16) },
    });
  const title = `${what.protocol} ${what.scenario}, seed ${what.seed}`;
  const trace = traceOfWorld(title, report.trace.events, report.trace.omittedCount);
  return { ...what, report, trace: { ...trace, operations: report.operations ?? [] } };
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function schemaOf(text: string): unknown {
  const end = text.indexOf('\n');
  const first = parseJson(end === -1 ? text : text.slice(0, end));
  return typeof first === 'object' && first !== null && 'schema' in first ? first.schema : undefined;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw cliError('CLI_FILE_UNREADABLE', { context: { file, reason }, cause });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
