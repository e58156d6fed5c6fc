import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventText, explainTrace } from '../src/sim/explain.ts';
import { replayCommand, scenarioOf } from '../src/sim/seeds.ts';
import { simText } from '../src/sim/views.ts';
import { coloursFor } from '../src/output/colours.ts';
import { grp } from './support/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'grp-sim-'));
const options = { colours: coloursFor({ isTTY: false }, true), width: undefined };

describe('sim run', () => {
  test('runs many seeds and says what happened and what was measured', async () => {
    const { code, lines } = await grp('sim', 'run', 'swim', '--seeds', '1..6', '--duration', '10s', '--json');
    expect(code).toBe(0);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      schema: 'grp.sim.run/1',
      scenario: 'chaos',
      seeds: { from: 1, to: 6, run: 6 },
      nodes: 5,
      violations: [],
      figures: { calmMs: { min: expect.any(Number), mean: expect.any(Number), max: expect.any(Number) } },
      counts: { send: expect.any(Number), deliver: expect.any(Number) },
      interrupted: false,
    });
    expect(lines[0]).not.toHaveProperty('traceHash');
  });

  test.each(['kill', 'flap', 'partition', 'leave', 'steady'])('knows the scenario %s', async (scenario) => {
    const argv = ['--seed', '3', '--scenario', scenario, '--nodes', '6', '--loss', '10%', '--duration', '20s'];
    const { code, lines } = await grp('sim', 'run', 'swim', ...argv, '--json');
    expect(code).toBe(0);
    expect(lines[0]).toMatchObject({ scenario, nodes: 6, loss: 0.1, deterministic: true, violations: [] });
  });

  test('runs one seed twice and gives its hash, the same each time', async () => {
    const run = () => grp('sim', 'run', 'swim', '--seed', '9', '--duration', '10s', '--json');
    const [first, second] = [(await run()).lines[0], (await run()).lines[0]];
    expect(first).toMatchObject({ deterministic: true, traceHash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(second).toEqual(first);
  });

  test('prints a table for people', async () => {
    const { code, stdout } = await grp('sim', 'run', 'swim', '--seed', '2', '--duration', '5s');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^swim, chaos: seed 2, 5 members, 5 s virtual/);
    expect(stdout).toContain('the same in a second run');
    expect(stdout).toContain('No violation.');
  });

  test('a violation ends with exit code 8 and the command that shows it again', async () => {
    // Half of all datagrams lost is more than is promised: healthy members are declared down.
    const argv = ['--seed', '1', '--scenario', 'kill', '--loss', '60%', '--duration', '2m'];
    const json = await grp('sim', 'run', 'swim', ...argv, '--json');
    process.exitCode = 0;
    expect(json.code).toBe(8);
    const { violations } = json.lines[0] as unknown as { violations: { replay: string; seed: number }[] };
    expect(violations[0]).toMatchObject({
      seed: 1,
      replay: expect.stringMatching(/sim run swim --seed 1 --scenario kill --nodes 5 --loss 0\.6 --duration 120000ms$/),
    });
    const text = await grp('sim', 'run', 'swim', ...argv);
    process.exitCode = 0;
    expect(text.code).toBe(8);
    expect(text.stdout).toContain(violations[0]?.replay);
    expect(text.stderr).toContain('violations were found');
  });

  test.each([
    [['--seeds', '5..1'], 'SIM_SEEDS'],
    [['--seeds', 'x'], 'SIM_SEEDS'],
    [['--scenario', 'rain'], 'SIM_SCENARIO'],
    [['--seed', '1', '--seeds', '1..2'], 'CLI_USAGE'],
    [['--trace', join(folder, 'none')], 'CLI_USAGE'],
    [['--nodes', '1'], 'CLI_FLAG_VALUE'],
  ])('refuses %j', async (argv, code) => {
    const outcome = await grp('sim', 'run', 'swim', ...argv, '--json');
    expect(outcome.code).toBe(2);
    expect(outcome.lines[0]).toMatchObject({ error: { code } });
  });

  test('says when the trace cannot be written', async () => {
    const file = join(folder, 'no', 'such', 'folder');
    const { code, lines } = await grp(
      'sim',
      'run',
      'swim',
      '--seed',
      '1',
      '--duration',
      '1s',
      '--trace',
      file,
      '--json',
    );
    expect(code).toBe(1);
    expect(lines[0]).toMatchObject({ error: { code: 'SIM_TRACE_UNWRITABLE' } });
  });
});

describe('sim explain', () => {
  const file = join(folder, 'day.ndjson');

  test('tells the story of a trace', async () => {
    await grp('sim', 'run', 'swim', '--seed', '4', '--scenario', 'kill', '--duration', '20s', '--trace', file);
    expect(existsSync(file)).toBe(true);
    expect(JSON.parse(readFileSync(file, 'utf8').split('\n')[0] as string)).toMatchObject({
      schema: 'grp.sim.trace/1',
      seed: 4,
      omitted: 0,
    });
    const { code, stdout } = await grp('sim', 'explain', file);
    expect(code).toBe(0);
    expect(stdout).toMatch(/\d+\.\d{3} s {2}n\d +(host-)?crash/);
    expect(stdout).toMatch(/n\d +swim\.down .*name=n\d/);
    expect(stdout).not.toContain('deliver');
  });

  test('of one member, with its packets', async () => {
    const { lines } = await grp('sim', 'explain', file, '--member', 'n2', '--packets', '--json');
    const { events } = lines[0] as unknown as { events: { node: string; kind: string }[] };
    expect(new Set(events.map(({ node }) => node))).toEqual(new Set(['n2']));
    expect(events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['send', 'deliver']));
  });

  test('refuses what is no trace', async () => {
    const wrong = join(folder, 'wrong');
    for (const text of [
      '',
      '{"schema":"other/1"}\n',
      '{"schema":"grp.sim.trace/1"}\n{"at":"x"}\n',
      'no json\n',
      '7\n',
    ]) {
      writeFileSync(wrong, text);
      await expect(explainTrace(wrong, { member: undefined, packets: false })).rejects.toMatchObject({
        code: 'SIM_TRACE_INVALID',
      });
    }
    const { code, lines } = await grp('sim', 'explain', join(folder, 'absent'), '--json');
    expect(code).toBe(3);
    expect(lines[0]).toMatchObject({ error: { code: 'CLI_FILE_UNREADABLE' } });
  });

  test('prints nothing that a terminal obeys', () => {
    expect(eventText({ at: 1_500, kind: 'note', text: 'a\u001B[2Jb', why: 'c\u0007' })).not.toMatch(/\p{Cc}/u);
  });
});

test('at most twenty violations are shown, the others counted', () => {
  const violation = {
    seed: 1,
    checker: 'accuracy',
    atMs: 1_000,
    message: 'n1 declared n2 down',
    replay: 'grp sim run',
  };
  const text = simText(
    {
      protocol: 'swim',
      scenario: scenarioOf('swim', 'chaos'),
      seeds: { from: 1, to: 2, run: 2 },
      nodes: 5,
      loss: 0,
      durationMs: 1_000,
      violations: Array.from({ length: 25 }, () => violation),
      figures: {},
      counts: {},
      interrupted: false,
    },
    options,
  );
  expect(text.match(/accuracy/g)).toHaveLength(20);
  expect(text).toContain('and 5 more');
});

test('the replay command has everything that the run depends on', () => {
  const plan = {
    protocol: 'swim',
    scenario: 'flap',
    from: 1,
    to: 9,
    nodeCount: 7,
    loss: 0.25,
    durationMs: 60_000,
  } as const;
  expect(replayCommand({ ...plan, isTraced: false }, 3)).toMatch(
    /sim run swim --seed 3 --scenario flap --nodes 7 --loss 0\.25 --duration 60000ms$/,
  );
});
