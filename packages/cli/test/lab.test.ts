import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labScenarios, labStudies, runLevelSync, type LabScenario } from '@grp/lab';
import { beforeAll, describe, expect, test } from 'vitest';
import { LabExport } from '../src/commands/lab/export.ts';
import { LabLs } from '../src/commands/lab/ls.ts';
import { LabReplay } from '../src/commands/lab/replay.ts';
import { LabRun } from '../src/commands/lab/run.ts';
import { lessonDocument, lessonError } from '../src/lab/document.ts';
import { runLesson, type Lesson } from '../src/lab/lesson.ts';
import { lessonText } from '../src/lab/views.ts';
import { coloursFor } from '../src/output/colours.ts';
import { grp } from './support/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'grp-lab-'));
const colours = coloursFor({ isTTY: false }, true);

describe('lab run', () => {
  test('draws gms2-crash, names the first divergence, and ends well because the lesson expects it', async () => {
    const { code, stdout, stderr } = await grp('lab', 'run', 'gms2-crash');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^gms2-crash under gms2 \(.*\), seed 1\./);
    expect(stdout).toContain('●─n1-3──────────▶');
    expect(stdout).toContain('✖ crash');
    expect(stdout.replaceAll('\n', ' ')).toContain(
      'At position 3 n2 delivered n1-3 and n3 n2-1: n1 crashed in the middle of this multicast, before the turn of n3.',
    );
    expect(stdout).toMatch(/n2 +running +2: n2,n3,n4 +yes +6 +#54a562/);
    expect(stdout).toContain('Those who live differ.');
    expect(stdout).toContain('Violated, as the lesson expects of gms2');
    expect(stdout).toContain('lab run gms2-crash --level gms3');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  test('under gms3 all survivors show one colour and nothing is violated', async () => {
    const { code, stdout } = await grp('lab', 'run', 'gms2-crash', '--level', 'gms3', '--ascii');
    expect(code).toBe(0);
    expect(stdout).toContain('Those who live agree.');
    expect(stdout).toContain('No check was violated.');
    expect(stdout).toContain('*-n1-3---------->');
    expect(stdout).not.toMatch(/[●▶■│]/);
  });

  test('gives a document with everything', async () => {
    const { code, lines } = await grp('lab', 'run', 'gms2-crash', '--json');
    expect(code).toBe(0);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      schema: 'grp.lab.run/1',
      scenario: 'gms2-crash',
      level: 'gms2',
      seed: 1,
      verdict: 'expected',
      expected: ['virtual synchrony', 'causal order'],
      violations: expect.arrayContaining([expect.objectContaining({ checker: 'virtual synchrony' })]),
      divergence: { position: 3, messages: ['n1-3', 'n2-1'], sentence: expect.stringContaining('n1 crashed') },
      workers: [
        { node: 'n1', state: 'crashed', leads: false, changes: 2 },
        { node: 'n2', state: 'running', leads: true, colour: '#54a562', view: { id: 2, members: ['n2', 'n3', 'n4'] } },
        { node: 'n3', colour: '#0a9805' },
        { node: 'n4', colour: '#0a9805' },
      ],
      traceHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(lines[0]).not.toHaveProperty('events');
    const withEvents = await grp('lab', 'run', 'gms2-crash', '--json', '--events');
    expect(withEvents.lines[0]).toMatchObject({
      events: expect.arrayContaining([expect.objectContaining({ mark: 'crash' })]),
    });
  });

  test('with another seed a level that is not right here may pass, and the text says so', async () => {
    const { code, stdout } = await grp('lab', 'run', 'gms4-second-crash', '--seed', '1');
    expect(code).toBe(0);
    expect(stdout.replaceAll('\n', ' ')).toContain('gms4 is not right here, as seed 2 shows');
  });

  test('--rows keeps what matters', async () => {
    const { stdout } = await grp('lab', 'run', 'gms3-loss', '--rows', '12');
    expect(stdout).toContain('✕');
    expect(stdout).toMatch(/\d+ more rows/);
  });

  test.each([
    [['nothing'], 3, 'LAB_SCENARIO'],
    [['gms2-crash', '--level', 'gms9'], 2, 'LAB_LEVEL'],
    [['gms2-crash', '--level', 'toString'], 2, 'LAB_LEVEL'],
    [['gms2-crash', '--seed', 'x'], 2, 'CLI_FLAG_VALUE'],
    [['gms2-crash', '--rows', '1'], 2, 'CLI_FLAG_VALUE'],
    [['gms2-crash', '--out', join(folder, 'no', 'such', 'folder')], 1, 'LAB_RECORDING_UNWRITABLE'],
    [[], 2, 'CLI_ARGUMENT'],
  ])('refuses %j', async (argv, code, error) => {
    const outcome = await grp('lab', 'run', ...argv, '--json');
    expect(outcome.code).toBe(code);
    expect(outcome.lines[0]).toMatchObject({ error: { code: error } });
  });
});

describe('a check that must hold', () => {
  // A lesson that wrongly holds gms2 to be right: what a violation under `full` would look like.
  async function broken(): Promise<Lesson> {
    return { ...(await runLesson('gms2-crash')), verdict: 'violated' };
  }

  test('is an error with exit code 8, and the text names it', async () => {
    const lesson = await broken();
    expect(lessonError(lesson)).toMatchObject({ code: 'LAB_VIOLATED', kind: 'violated' });
    expect(lessonError({ ...lesson, verdict: 'expected' })).toBeUndefined();
    expect(lessonText(lesson, { colours, width: 80, rowsMax: 20, ascii: false })).toContain('Violated: ');
    expect(lessonDocument('grp.lab.run/1', lesson)).toMatchObject({ verdict: 'violated' });
  });

  test('a replay that comes out differently ends with 8', async () => {
    const { plan } = labScenarios.find(({ name }) => name === 'gms2-crash') as LabScenario;
    const recording = {
      schema: 'grp.lab.recording/1',
      scenario: 'mine',
      level: 'gms2',
      seed: 5,
      plan,
      traceHash: 'f'.repeat(64),
    };
    const file = join(folder, 'other.json');
    writeFileSync(file, JSON.stringify(recording));
    const outcome = await grp('lab', 'replay', file, '--json');
    expect([outcome.code, outcome.lines[0]]).toEqual([
      8,
      { error: expect.objectContaining({ code: 'LAB_HASH_DIFFERS' }) },
    ]);
    expect(runLevelSync(plan, 'gms2', 5).traceHash).not.toBe(recording.traceHash);
  });
});

describe('lab replay', () => {
  const file = join(folder, 'crash.json');

  test('gives the same hash as the run that was written down', async () => {
    const run = await grp('lab', 'run', 'gms4-takeover', '--seed', '8', '--out', file, '--json');
    const replay = await grp('lab', 'replay', file, '--json');
    expect([run.code, replay.code]).toEqual([0, 0]);
    expect(replay.lines[0]).toMatchObject({
      schema: 'grp.lab.replay/1',
      scenario: 'gms4-takeover',
      seed: 8,
      traceHash: run.lines[0]?.['traceHash'],
      question: expect.stringContaining('?'),
    });
  });

  test('runs a plan that was changed by hand, without hash and without a lesson', async () => {
    const recording = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    delete recording['traceHash'];
    recording['plan'] = {
      ...(recording['plan'] as object),
      steps: [{ type: 'multicast', at: 0, node: 'n1', count: 2, everyMs: 5 }],
    };
    const changed = join(folder, 'changed.json');
    writeFileSync(changed, JSON.stringify(recording));
    const { code, lines } = await grp('lab', 'replay', changed, '--json');
    expect(code).toBe(0);
    expect(lines[0]).toMatchObject({ verdict: 'kept', question: null, figures: { sent: 2 } });
    const text = await grp('lab', 'replay', changed);
    expect(text.stdout).toContain('No check was violated.');
    expect(text.stdout).not.toContain('Question');
  });

  test.each([
    ['{', 2, 'LAB_RECORDING_INVALID'],
    ['{"schema":"grp.lab.recording/1"}', 2, 'LAB_RECORDING_INVALID'],
    [undefined, 3, 'CLI_FILE_UNREADABLE'],
  ])('refuses %s', async (content, code, error) => {
    const bad = join(folder, content === undefined ? 'absent.json' : 'bad.json');
    if (content !== undefined) writeFileSync(bad, content);
    const outcome = await grp('lab', 'replay', bad, '--json');
    expect(outcome.code).toBe(code);
    expect(outcome.lines[0]).toMatchObject({ error: { code: error } });
  });
});

describe('lab ls', () => {
  test('lists every scenario with its question', async () => {
    const { code, lines } = await grp('lab', 'ls', '--json');
    expect(code).toBe(0);
    expect(lines[0]).toMatchObject({ schema: 'grp.lab.ls/1' });
    const { scenarios } = lines[0] as unknown as { scenarios: { name: string }[] };
    expect(scenarios.map(({ name }) => name)).toEqual(labScenarios.map(({ name }) => name));
    const { stdout } = await grp('lab', 'ls');
    expect(stdout).toMatch(/gms2-crash +gms1, gms2 +The leader dies in the middle/);
  });

  test('tells about one', async () => {
    expect((await grp('lab', 'ls', 'gms4-join')).stdout).toMatch(
      /^gms4-join: fails under gms1, gms3, gms4\.\nThe leader/,
    );
    expect((await grp('lab', 'ls', 'x')).code).toBe(3);
  });
});

describe('studies', () => {
  test('lab run draws one, says what each saw, and ends well because it expects the violations', async () => {
    const { code, stdout, stderr } = await grp('lab', 'run', 'order');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^order under fifo \(each sender in its own order\), seed 3\./);
    expect(stdout).toMatch(/cat sees +dan-1 bob-1 dan-2 ann-1/);
    expect(stdout).toContain('Violated, as the study expects of fifo');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  test('is written down, and replayed with the same hash', async () => {
    const file = join(folder, 'study.json');
    const run = await grp('lab', 'run', 'partition', '--level', 'gms', '--out', file, '--json');
    const replay = await grp('lab', 'replay', file, '--json');
    expect([run.code, replay.code]).toEqual([0, 0]);
    const { traceHash } = run.lines[0] as { traceHash?: string };
    const facts = expect.arrayContaining([{ what: 'delivered by n1 while cut', value: '0' }]);
    expect(replay.lines[0]).toMatchObject({
      schema: 'grp.lab.replay/1',
      level: 'gms',
      traceHash,
      verdict: 'kept',
      facts,
    });
    writeFileSync(file, readFileSync(file, 'utf8').replace(String(traceHash), 'f'.repeat(64)));
    expect((await grp('lab', 'replay', file)).code).toBe(8);
  });

  test('one with a plan is replayed with a plan of somebody else, and one without is not', async () => {
    const file = join(folder, 'plan.json');
    const steps = [{ type: 'multicast', at: 0, node: 'leader', count: 1, everyMs: 1 }];
    const plan = { founders: 3, settleMs: 100, delayMs: [1, 2], steps };
    const recording = { schema: 'grp.lab.recording/1', scenario: 'disk', level: 'memory', seed: 1, plan };
    writeFileSync(file, JSON.stringify(recording));
    const { code, lines } = await grp('lab', 'replay', file, '--json');
    expect([code, lines[0]]).toMatchObject([0, { scenario: 'disk', verdict: 'kept' }]);
    writeFileSync(file, JSON.stringify({ ...recording, scenario: 'order', level: 'fifo' }));
    expect((await grp('lab', 'replay', file)).code).toBe(2);
  });

  test('a variant that there is not is refused', async () => {
    expect((await grp('lab', 'run', 'order', '--level', 'gms2')).code).toBe(2);
  });

  test('lab ls has them after the lessons', async () => {
    const { lines } = await grp('lab', 'ls', '--json');
    const { studies } = lines[0] as unknown as { studies: { name: string }[] };
    expect(studies.map(({ name }) => name)).toEqual(labStudies.map(({ name }) => name));
    expect((await grp('lab', 'ls', 'order')).stdout).toMatch(/^order: fails under fifo, causal\.\nann asks/);
  });
});

/** What two nodes would have written. */
function writeRecordings(): readonly string[] {
  const message = { role: 'gms', kind: 'ordered', label: 'ordered 1', key: 'k' };
  const lines = {
    n1: [{ at: 1, type: 'departure', to: '127.0.0.1:2', ...message }],
    n2: [
      { at: 3, type: 'arrival', from: '127.0.0.1:1', ...message },
      { at: 3, type: 'mark', role: 'gms', mark: 'deliver', label: '1 of n1' },
    ],
    n3: [{ at: 9, type: 'mark', role: 'gms', mark: 'view', label: 'view 1' }],
  };
  return Object.entries(lines).map(([name, events]) => {
    const addresses = { gms: `127.0.0.1:${name.slice(1)}` };
    const head = { schema: 'grp.node.recording/1', name, id: `${name}#1`, wallMs: 1_000, addresses };
    const file = join(folder, `${name}.trace`);
    writeFileSync(
      file,
      [head, ...events, { type: 'end', at: 9, omitted: 0 }].map((one) => `${JSON.stringify(one)}\n`).join(''),
    );
    return file;
  });
}

describe('recordings of real nodes', () => {
  test('are drawn together, with messages from one to the other', async () => {
    const { code, stdout } = await grp('lab', 'replay', ...writeRecordings());
    expect(code).toBe(0);
    expect(stdout).toMatch(/^recording of n1, n2, n3\./);
    expect(stdout).toMatch(/messages +1, 0 of them lost/);
    expect(stdout).toContain('■ 1 of n1');
    const { lines } = await grp('lab', 'replay', ...writeRecordings(), '--json', '--events');
    expect(lines[0]).toMatchObject({ kind: 'recording', messages: 1, lost: 0, deliveries: 1, durationMs: 9 });
  });

  test('a file of something else among them is refused', async () => {
    const [one = ''] = writeRecordings();
    const other = join(folder, 'other.txt');
    writeFileSync(other, 'hello\n');
    expect((await grp('lab', 'replay', one, other, '--json')).lines[0]).toMatchObject({
      error: { code: 'LAB_RECORDING_INVALID' },
    });
  });
});

describe('lab export', () => {
  test('porcupine has the operations of a seed of raft; a trace without clients says so', async () => {
    const file = join(folder, 'raft-7.ndjson');
    await grp('sim', 'run', 'raft', '--seed', '7', '--scenario', 'steady', '--duration', '1s', '--trace', file);
    const { code, stdout } = await grp('lab', 'export', file, '--format', 'porcupine');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(
      expect.arrayContaining([expect.objectContaining({ ClientId: 0, Call: expect.any(Number) })]),
    );
    const none = await grp('lab', 'export', 'order', '--format', 'porcupine', '--json');
    expect([none.code, none.lines[0]]).toEqual([3, { error: expect.objectContaining({ code: 'LAB_NO_OPERATIONS' }) }]);
  });

  test('names neither a file nor a lesson, or a place that cannot be written', async () => {
    expect((await grp('lab', 'export', 'no-such-thing')).code).toBe(3);
    expect((await grp('lab', 'export', 'order', '--out', join(folder, 'no', 'such', 'x.html'))).code).toBe(1);
  });

  test('with --json and without --out the document has the content', async () => {
    const { lines } = await grp('lab', 'export', 'order', '--format', 'shiviz', '--json');
    expect(lines[0]).toMatchObject({
      schema: 'grp.lab.export/1',
      format: 'shiviz',
      content: expect.stringContaining('(?<clock>'),
    });
  });
});

describe('the examples', () => {
  beforeAll(async () => {
    writeRecordings();
    const seed = ['sim', 'run', 'swim', '--seed', '42', '--duration', '1s', '--trace', join(folder, 'day.ndjson')];
    const raft = ['sim', 'run', 'raft', '--seed', '7', '--scenario', 'steady', '--duration', '1s'];
    await grp(...seed);
    await grp(...raft, '--trace', join(folder, 'raft-7.ndjson'));
  });

  test.each([LabRun, LabReplay, LabLs, LabExport].flatMap(({ examples }) => examples.map(({ command }) => [command])))(
    'runs: %s',
    async (command) => {
      // In the order of the page: what one example writes another one reads.
      const words = command
        .replace('<%= config.bin %> ', '')
        .replace(/ > \S+$/, '')
        .split(' ');
      const isFile = (word: string): boolean => /\.(json|ndjson|trace|html|log)$/.test(word);
      const { code } = await grp(...words.map((word) => (isFile(word) ? join(folder, word) : word)));
      expect(code).toBe(0);
    },
  );
});
