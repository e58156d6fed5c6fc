import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { labStudies, type LabStudy, type StudyReport } from '../src/index.ts';

const page = readFileSync(new URL('../../../docs/lab/studies.md', import.meta.url), 'utf8').replaceAll(/\s+/g, ' ');

function study(name: string): LabStudy {
  const found = labStudies.find((known) => known.name === name);
  if (found === undefined) throw new Error(`no study ${name}`);
  return found;
}

async function run(name: string, variant: string, seed = study(name).seed) {
  const report = await study(name).run(variant, seed);
  const fact = (what: string): string => report.facts.find((one) => one.what.startsWith(what))?.value ?? `no "${what}"`;
  return { report, fact };
}

const broken = ({ violations }: StudyReport): readonly string[] =>
  [...new Set(violations.map(({ checker }) => checker))].toSorted();

describe.each(labStudies)('$name', ({ name, question, explanation, variants, expect: wanted, variant, seed }) => {
  test('asks, answers, and is on the page', () => {
    expect(question).toMatch(/\?$/);
    expect(explanation.length).toBeGreaterThan(100);
    expect(Object.keys(wanted)).toEqual(Object.keys(variants));
    expect(Object.keys(variants)).toContain(variant);
    expect(page).toContain(`## ${name}: `);
  });

  test.each(Object.keys(variants))('%s breaks what the study says, and nothing else', async (chosen) => {
    const report = await study(name).run(chosen, seed);
    expect(broken(report)).toEqual((wanted[chosen] ?? []).toSorted());
    expect(report.trace.events.length).toBeGreaterThan(50);
    expect(report.trace.lanes.length).toBeGreaterThan(2);
  });

  test('comes out the same from the same seed', async () => {
    const [one, other] = [await study(name).run(variant, seed), await study(name).run(variant, seed)];
    expect(other).toEqual(one);
  });
});

describe('order', () => {
  test('fifo: cat sees the answer before the question', async () => {
    const { fact } = await run('order', 'fifo');
    expect(fact('cat sees')).toBe('dan-1 bob-1 dan-2 ann-1');
    expect(page).toContain('`dan-1 bob-1 dan-2 ann-1`');
  });

  test('causal: the question comes first everywhere, and the rows still differ', async () => {
    const { fact } = await run('order', 'causal');
    for (const name of ['ann', 'bob', 'cat', 'dan'])
      expect(fact(`${name} sees`).indexOf('ann-1')).toBeLessThan(fact(`${name} sees`).indexOf('bob-1'));
    expect(Number(fact('rows that differ'))).toBeGreaterThan(1);
  });

  test.each([1, 2, 3, 4, 5])('total, seed %i: one row for all, and the longest wait is longer', async (seed) => {
    const { fact } = await run('order', 'total', seed);
    expect(fact('rows that differ')).toBe('1');
    const wait = (text: string): number => Number.parseInt(text, 10);
    expect(wait(fact('longest wait'))).toBeGreaterThan(wait((await run('order', 'fifo', seed)).fact('longest wait')));
  });
});

describe('suspicion', () => {
  test.each([1, 4, 5])(
    'seed %i: only without suspicion is the living declared down, and the crash noticed sooner',
    async (seed) => {
      const [slow, quick] = [await run('suspicion', 'suspicion', seed), await run('suspicion', 'none', seed)];
      expect([slow.fact('lists that suspected n3'), slow.fact('lists that declared n3 down')]).toEqual(['4', '0']);
      expect(quick.fact('lists that declared n3 down')).toBe('4');
      const lateMs = Number.parseInt(slow.fact('all lists'), 10) - Number.parseInt(quick.fact('all lists'), 10);
      expect(lateMs).toBeGreaterThan(500);
      expect(lateMs).toBeLessThan(2_500);
    },
  );
});

describe('quorum', () => {
  const seen = async (variant: string, seed: number) => {
    const { fact } = await run('quorum', variant, seed);
    return ['ann reads', 'ben reads, 150', 'ben reads, 650'].map(fact);
  };

  test.each([1, 2, 3])('seed %i: who reads what, under each rule', async (seed) => {
    expect(await seen('w1r1', seed)).toEqual(['new', 'old', 'old']);
    expect(await seen('w2r1', seed)).toEqual(['new', 'old', 'old']);
    expect(await seen('w2r2', seed)).toEqual(['new', 'old', 'new']);
    expect(await seen('write-back', seed)).toEqual(['new', 'new', 'new']);
  });

  test('a confirmation costs what the W-th nearest copy costs', async () => {
    const cost = async (variant: string) => Number.parseInt((await run('quorum', variant)).fact('confirmed'), 10);
    expect(await cost('w1r1')).toBeLessThan(10);
    expect(await cost('w2r2')).toBeGreaterThan(300);
    expect(await cost('w2r2')).toBeLessThan(320);
  });
});

describe('priority', () => {
  test.each([3, 4, 6])('seed %i: the greatest leads, and leads again when it is back', async (seed) => {
    const { fact } = await run('priority', 'priorities', seed);
    const seen = ['leads at first', 'after the crash of n5', 'after the crash of n4', 'when both are back'].map(fact);
    expect(seen).toEqual(['n5', 'n4', 'n3', 'n5']);
    expect(Number.parseInt(fact('longest time'), 10)).toBeLessThan(500);
  });

  test('without priorities who comes back follows', async () => {
    const { fact } = await run('priority', 'none');
    expect(fact('changes of leader after')).toBe('0');
    expect(fact('leads at first')).toBe('n3');
  });
});

describe('partition', () => {
  test('swim: both sides go on with lists of their own, and find each other again', async () => {
    const { fact } = await run('partition', 'swim');
    expect([fact('living in the list of n1, while'), fact('living in the list of n3, while')]).toEqual([
      'n1 n2',
      'n3 n4 n5',
    ]);
    expect(fact('living in the list of n1, at the end')).toBe('n1 n2 n3 n4 n5');
    expect(Number.parseFloat(fact('one list again'))).toBeLessThan(10);
  });

  test.each([1, 2])('gms, seed %i: the two deliver nothing, the three go on, and all end alike', async (seed) => {
    const { fact } = await run('partition', 'gms', seed);
    expect([fact('delivered by n1'), fact('delivered by n3')]).toEqual(['0', '3']);
    expect(fact('members of the last view').split(' ').toSorted().join()).toBe('n1,n2,n3,n4,n5');
    expect(new Set(fact('colours of n1 and n3').split(' ')).size).toBe(1);
    expect(fact('own messages of n1')).toBe('0');
  });

  test.each([1, 2])('raft, seed %i: the two confirm nothing and end with what the three wrote', async (seed) => {
    const { fact } = await run('partition', 'raft', seed);
    expect([fact('writes confirmed by n1 and n2'), fact('writes confirmed by n3')]).toEqual(['0', '1']);
    expect(fact('leaders among n1 and n2')).toBe('0');
    expect(fact('colour at n1 and at n3')).toBe('blue blue');
  });
});
