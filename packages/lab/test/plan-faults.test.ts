// What a click in the lab can do to single links and to disks, as steps of a plan.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { labScenarios, labStudies, parsePlan, runLevel, type LabStudy, type Plan, type Step } from '../src/index.ts';

const calm = (labScenarios.find(({ name }) => name === 'gms1-calm') as { readonly plan: Plan }).plan;
const disk = labStudies.find(({ name }) => name === 'disk') as LabStudy & { readonly plan: Plan };

/** Messages of a run with one step more, between two processes in either direction. */
async function between(steps: readonly Step[], one: string, other: string, level = 'gms4') {
  const { events } = await runLevel({ ...calm, steps: [...calm.steps, ...steps] }, level, 1);
  const arrived = new Map(events.flatMap((event) => (event.type === 'arrival' ? [[event.serial, event.at]] : [])));
  return events.flatMap((event) => {
    if (event.type !== 'departure' || new Set([event.lane, event.to, one, other]).size > 2) return [];
    return [{ sentAt: event.at, receivedAt: arrived.get(event.serial) }];
  });
}

const link = { node: 'n1', peer: 'n2' } as const;

test('a link that is cut carries nothing either way until it is mended, and all others go on', async () => {
  const steps: readonly Step[] = [
    { type: 'cut', at: 10, ...link },
    { type: 'mend', at: 400, ...link },
  ];
  for (const level of ['gms4', 'full']) {
    const cut = await between(steps, 'n1', 'n2', level);
    const during = cut.filter(({ sentAt }) => sentAt >= 10 && sentAt < 400);
    expect(during.length).toBeGreaterThan(0);
    expect(during.filter(({ receivedAt }) => receivedAt !== undefined)).toEqual([]);
    expect(cut.some(({ sentAt, receivedAt }) => sentAt > 400 && receivedAt !== undefined)).toBe(true);
    const beside = await between(steps, 'n1', 'n3', level);
    expect(beside.every(({ sentAt, receivedAt }) => receivedAt !== undefined || sentAt > 1_900)).toBe(true);
  }
});

test('a lossy link loses its share, and no other link does', async () => {
  const steps: readonly Step[] = [{ type: 'link-loss', at: 0, ...link, share: 0.5 }];
  const lossy = await between(steps, 'n1', 'n2');
  const lost = lossy.filter(({ receivedAt }) => receivedAt === undefined).length;
  expect(lost).toBeGreaterThan(lossy.length / 5);
  expect(lost).toBeLessThan(lossy.length);
  expect((await between(steps, 'n1', 'n3')).some(({ receivedAt }) => receivedAt === undefined)).toBe(false);
});

test('a slow link takes so much longer than before, and is as before when that ends', async () => {
  const steps: readonly Step[] = [
    { type: 'link-delay', at: 0, ...link, extraMs: 50 },
    { type: 'link-delay', at: 300, ...link, extraMs: 0 },
    { type: 'multicast', at: 400, node: 'n1', count: 2, everyMs: 20 },
  ];
  const [slowest, fastest] = calm.delayMs.toReversed() as [number, number];
  for (const { sentAt, receivedAt = Infinity } of await between(steps, 'n1', 'n2')) {
    const more = sentAt < 300 ? 50 : 0;
    expect(receivedAt - sentAt).toBeGreaterThanOrEqual(fastest + more);
    expect(receivedAt - sentAt).toBeLessThanOrEqual(slowest + more);
  }
});

test('who is not there is no fault, and a group has no disks', async () => {
  const { events } = await runLevel(
    {
      ...calm,
      steps: [...calm.steps, { type: 'cut', at: 5, node: 'n1', peer: 'n77' }, { type: 'restart', at: 6, node: 'n2' }],
    },
    'gms1',
    1,
  );
  const told = events.flatMap((event) => (event.type === 'mark' && event.mark === 'trouble' ? [event.label] : []));
  expect(told).toEqual(['no restart of n2: a group keeps nothing on disks']);
});

test.each<[Step | object, boolean]>([
  [{ type: 'cut', at: 0, ...link }, true],
  [{ type: 'mend', at: 0, node: 'leader', peer: 'n2' }, false],
  [{ type: 'cut', at: 0, node: 'n1' }, false],
  [{ type: 'link-loss', at: 0, ...link, share: 1.1 }, false],
  [{ type: 'link-delay', at: 0, ...link, extraMs: 20 }, true],
  [{ type: 'link-delay', at: 0, ...link }, false],
  [{ type: 'slow-disk', at: 0, node: 'leader', extraMs: 10 }, true],
  [{ type: 'restart', at: 0, node: 'n1' }, true],
])('%j in a file: %s', (step, isRight) => {
  expect(typeof parsePlan({ ...calm, steps: [step] }) === 'object').toBe(isRight);
});

describe('disk', () => {
  const outcome = (facts: readonly { what: string; value: string }[], start: string): string =>
    facts.find(({ what }) => what.startsWith(start))?.value ?? '';

  test('one slow disk costs nothing, two make a write wait, and what was not on disk is not confirmed', async () => {
    const { facts } = await disk.run('disk', disk.seed);
    const tookMs = (write: string): number => Number(/after ([\d.]+) ms/.exec(outcome(facts, write))?.[1]);
    for (const write of ['w1,', 'w2,', 'w3,', 'w4,']) expect(tookMs(write)).toBeLessThan(10);
    expect(tookMs('w5,')).toBeGreaterThan(100);
    expect([outcome(facts, 'w6,'), outcome(facts, 'confirmed and lost')]).toEqual(['never confirmed', 'none']);
  });

  test('whoever answers from memory confirms what is lost', async () => {
    const { facts } = await disk.run('memory', disk.seed);
    expect([outcome(facts, 'confirmed and lost'), outcome(facts, 'leads at the end')]).toEqual(['w6', 'n2']);
  });

  test('its plan can be another one: a slow leader is outvoted by two fast disks', async () => {
    const steps: readonly Step[] = [
      { type: 'slow-disk', at: 0, node: 'n1', extraMs: 400 },
      { type: 'multicast', at: 10, node: 'leader', count: 3, everyMs: 20 },
      { type: 'cut', at: 200, node: 'n1', peer: 'n2' },
      { type: 'multicast', at: 210, node: 'n3', count: 1, everyMs: 1 },
    ];
    const runs = [
      await disk.run('disk', 5, { ...disk.plan, steps }),
      await disk.run('disk', 5, { ...disk.plan, steps }),
    ];
    const [{ facts, traceHash }, again] = runs as [Awaited<(typeof runs)[0]>, Awaited<(typeof runs)[0]>];
    expect(again.traceHash).toBe(traceHash);
    for (const write of ['w1,', 'w2,', 'w3,']) expect(outcome(facts, write)).toMatch(/^confirmed after \d\.\d ms/);
    expect(outcome(facts, 'w4,')).toBe('refused: n3 does not lead');
  });
});

test.each(labStudies)('$name: what a reader guesses is among the options, and some variants differ', async (study) => {
  const { guess, variants, seed } = study;
  expect(guess.question).toMatch(/\?$/);
  const answers = await Promise.all(
    Object.keys(variants).map(async (variant) => guess.answer(await study.run(variant, seed))),
  );
  for (const answer of answers) expect(guess.options[answer]).toBeTypeOf('string');
  expect(new Set(answers).size).toBeGreaterThan(1);
});

test('the page tells of every step of a plan', () => {
  const page = readFileSync(new URL('../../../docs/lab/gms.md', import.meta.url), 'utf8');
  for (const type of ['cut', 'mend', 'link-loss', 'link-delay', 'restart', 'slow-disk'])
    expect(page).toContain(`\`${type}\``);
});
