// The lessons of the lab: each scenario under each level does what its table says, and the table says why.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { labScenarios, levels, runLevel, type LabReport, type LabScenario } from '../src/index.ts';

// The page that teaches with these runs, without its line breaks.
const page = readFileSync(new URL('../../../docs/lab/gms.md', import.meta.url), 'utf8').replaceAll(/\n(> )?/g, ' ');
const names = Object.keys(levels);
const cases = labScenarios.flatMap((scenario) => names.map((level) => [scenario.name, level, scenario] as const));

function scenario(name: string): LabScenario {
  return labScenarios.find((one) => one.name === name) as LabScenario;
}

async function run(name: string, level: string): Promise<LabReport> {
  const { plan, seed } = scenario(name);
  return runLevel(plan, level, seed);
}

function broken({ violations }: LabReport): readonly string[] {
  return [...new Set(violations.map(({ checker }) => checker))];
}

function coloursOf({ workers }: LabReport): readonly string[] {
  return workers.filter(({ state, view }) => state === 'running' && view !== undefined).map(({ colour }) => colour);
}

describe('scenarios', () => {
  test.each(cases)('%s under %s breaks what its table says', async (_name, level, { plan, seed, expect: wanted }) => {
    const report = await runLevel(plan, level, seed);
    expect(broken(report)).toEqual(wanted[level]);
    expect(wanted[level]?.length === 0 && report.divergence !== undefined).toBe(false);
    expect(new Set(coloursOf(report)).size === 1).toBe(report.divergence === undefined);
    const again = await runLevel(plan, level, seed);
    expect(again.traceHash).toBe(report.traceHash);
  });

  test('each has a name, a question, an answer, and a line for every level', () => {
    expect(labScenarios.map(({ name }) => name)).toContain('gms2-crash');
    expect(new Set(labScenarios.map(({ name }) => name)).size).toBe(labScenarios.length);
    for (const { name, level, question, explanation, expect: wanted } of labScenarios) {
      expect(name).toMatch(/^gms[1-4]-[a-z-]+$/);
      expect(name.startsWith(level)).toBe(true);
      expect(question).toMatch(/\?$/);
      expect(explanation.length).toBeGreaterThan(100);
      expect(Object.keys(wanted)).toEqual(['gms1', 'gms2', 'gms3', 'gms4', 'full']);
      expect(wanted['full']).toEqual([]);
    }
  });
});

describe('the first divergence, in one sentence', () => {
  test.each([
    [
      'gms2-crash',
      'gms2',
      'At position 3 n2 delivered n1-3 and n3 n2-1: n1 crashed in the middle of this multicast, before the turn of n3.',
    ],
    [
      'gms3-loss',
      'gms3',
      'At position 7 n1 delivered n2-2, and n2 nothing any more: on the way from n1 to n2 it was lost.',
    ],
    [
      'gms4-takeover',
      'gms4',
      'At position 3 n2 delivered n4-1 and n3 n1-4: n1 gave number 3 to n1-3 and n2 to view 2, having missed the former.',
    ],
    [
      'gms4-join',
      'gms4',
      'At position 5 n2 delivered n3-2, and n4 nothing any more: n3-2 came to n4, which first wants number 5 (view 2) ' +
        'and does not take it, because it is of a leader that n4 no longer follows.',
    ],
    [
      'gms4-suspicion',
      'gms4',
      'At position 9 n1 delivered n1-3 and n2 n2-3: n1 had put n1-3 there and n2 n2-3, because both took themselves ' +
        'for the leader.',
    ],
  ])('%s under %s', async (name, level, sentence) => {
    expect((await run(name, level)).divergence?.sentence).toBe(sentence);
    expect(page).toContain(sentence);
  });
});

test('the page tells about every scenario', () => {
  for (const { name } of labScenarios) expect(page).toContain(`### ${name}: `);
});

test('gms2-crash: under gms2 the colours of the survivors differ, from gms3 up they do not', async () => {
  expect(coloursOf(await run('gms2-crash', 'gms2'))).toEqual(['#54a562', '#0a9805', '#0a9805']);
  for (const level of names.filter((name) => name > 'gms2' || name === 'full'))
    expect(new Set(coloursOf(await run('gms2-crash', level))).size).toBe(1);
});
