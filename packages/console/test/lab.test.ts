import { runLevel, type Plan } from '@grp/lab';
import { expect, test } from 'vitest';
import { besideOf, besideText, lessonOf, planOf, requestOf, type Lesson } from '../src/lab/catalogue.ts';
import { checksAt } from '../src/lab/checks.ts';
import { coneOf, isInCone } from '../src/lab/cone.ts';
import { layOut } from '../src/lab/diagram.ts';
import { differenceOf, outcomeRows } from '../src/lab/compare.ts';
import { faultsOf, linkFaults, stepText, withFault, type FaultKind } from '../src/lab/faults.ts';
import { momentAt, timelineOf } from '../src/lab/moment.ts';
import { narrate } from '../src/lab/narrate.ts';
import { atPlace, ordersOf } from '../src/lab/orders.ts';
import { askAt, sayTo } from '../src/lab/predict.ts';
import { makeCatalogue, readRecordings, shrink, simulate } from '../src/lab/simulation.ts';
import { interestingUntil, neighbour } from '../src/lab/steps.ts';
import { endOf, fitted, panned, showing, timeAt, xAt, zoomed } from '../src/lab/viewport.ts';

const still = (): number => 0;
const catalogue = makeCatalogue();

const { plan: gms1Plan } = lessonOf(catalogue, 'gms1-calm') as Lesson & { readonly plan: Plan };

function groupRequest(scenario: string, level?: string, seed?: number) {
  const { plan = gms1Plan, ...rest } = requestOf(catalogue, {
    scenario,
    level,
    seed,
  });
  return { ...rest, plan };
}

async function shown(scenario: string, level?: string, seed?: number) {
  const request = requestOf(catalogue, { scenario, level, seed });
  const result = await simulate(catalogue, request, still);
  const { events, lanes } = result;
  const diagram = layOut(events, lanes);
  return { request, result, events, diagram, orders: ordersOf(events, lanes), timeline: timelineOf(events, lanes) };
}

const all = catalogue.flatMap(({ name, levels, kind }) =>
  Object.keys(levels).map((level) => [name, level, kind] as const),
);

test.each(all)(
  '%s under %s: what is laid out is consistent, and what fails is what the lesson says',
  async (name, level) => {
    const { result, diagram } = await shown(name, level);
    for (const { sentAt, receivedAt = sentAt, from, to } of diagram.messages) {
      expect(receivedAt).toBeGreaterThanOrEqual(sentAt);
      expect(Math.min(from, to)).toBeGreaterThanOrEqual(0);
    }
    expect(narrate(diagram).length).toBe(diagram.messages.length + diagram.points.length);
    expect([...new Set(result.violations.map(({ checker }) => checker))].toSorted()).toEqual(
      result.expected?.toSorted(),
    );
  },
);

test.each(all.filter(([, , kind]) => kind === 'group'))(
  '%s under %s: the wall ends as the report says',
  async (name, level) => {
    const { timeline, orders, diagram } = await shown(name, level);
    const { plan, seed } = groupRequest(name, level);
    const report = await runLevel(plan, level, seed);
    expect(diagram.messages.length).toBe(report.figures.transmitted);
    const { workers } = momentAt(timeline, Infinity);
    for (const { node, colour, count, view } of report.workers)
      expect(workers.find((worker) => worker.node === node)).toMatchObject({ colour, count, view: view?.id });
    expect(orders.length).toBeGreaterThanOrEqual(Math.max(...report.workers.map(({ count }) => count)));
    expect(report.divergence !== undefined || orders.divergesAt === undefined).toBe(true);
  },
);

test('the page gives the hash that the lab gives, for its own plan and for a changed one', async () => {
  const request = groupRequest('gms4-takeover', 'gms4', 8);
  expect((await simulate(catalogue, request, still)).traceHash).toBe(
    (await runLevel(request.plan, request.level, request.seed)).traceHash,
  );
});

test('gms2-crash: the wall shows the moment at which colours part, and who held what back', async () => {
  const { timeline, result, diagram, orders } = await shown('gms2-crash', 'gms2');
  expect(momentAt(timeline, 0)).toMatchObject({ isEqual: true, behind: 0 });
  expect(momentAt(timeline, diagram.endsAt).isEqual).toBe(false);
  expect(momentAt(timeline, diagram.endsAt).workers[0]).toMatchObject({ node: 'n1', state: 'crashed' });
  expect(result.divergence?.position).toBe(orders.divergesAt);
  const place = orders.divergesAt ?? 0;
  expect(orders.rows.map((row) => atPlace(row, place)?.label)).toEqual([undefined, 'n1-3', 'n2-1', 'n2-1']);
});

test('gms3-loss: what waits for a lost number is held back for ever', async () => {
  const { diagram } = await shown('gms3-loss', 'gms3');
  expect(diagram.held.some(({ until }) => until === Infinity)).toBe(true);
  expect(diagram.messages.some(({ isLost }) => isLost)).toBe(true);
});

test('gms4-takeover: what is sent again is told from what is sent', async () => {
  const { diagram } = await shown('gms4-takeover', 'gms4');
  const repeats = diagram.messages.filter(({ isRepeat }) => isRepeat);
  expect(repeats.length).toBeGreaterThan(0);
  for (const { label, kind, to } of repeats)
    expect(
      diagram.messages.filter((one) => one.label === label && one.kind === kind && one.to === to).length,
    ).toBeGreaterThan(1);
});

test('bands follow views without overlap, and the first member leads', async () => {
  const { diagram } = await shown('gms2-crash', 'full');
  for (const [lane, name] of diagram.lanes.entries()) {
    const own = diagram.bands.filter((band) => band.lane === lane);
    for (const [index, band] of own.entries()) {
      expect(band.leads).toBe(band.members[0] === name);
      expect(band.from).toBeGreaterThanOrEqual(own[index - 1]?.until ?? 0);
    }
  }
});

test('the causal cone: what led to a delivery, and what came of it', () => {
  const base = { isLost: false, isRepeat: false, kind: 'message', label: 'm' };
  const line = (from: number, to: number, sentAt: number, receivedAt?: number) => ({
    ...base,
    from,
    to,
    sentAt,
    receivedAt,
  });
  const [before, into, beside, out, onward, lost] = [
    line(0, 1, 1, 2),
    line(1, 2, 3, 4),
    line(3, 1, 3.5, 9),
    line(2, 0, 6, 7),
    line(0, 3, 8, 10),
    line(2, 3, 6),
  ];
  const messages = [before, into, beside, out, lost, onward];
  const cone = coneOf({ messages }, 2, 5);
  expect([...cone.past].toSorted(([a], [b]) => a - b)).toEqual([
    [0, 1],
    [1, 3],
    [2, 5],
  ]);
  expect([...cone.future].toSorted(([a], [b]) => a - b)).toEqual([
    [0, 7],
    [2, 5],
    [3, 10],
  ]);
  expect(messages.filter((one) => isInCone(cone, one))).toEqual([before, into, out, lost, onward]);
});

test('raft: a band for each term, led by who says so', async () => {
  const { diagram, result } = await shown('priority', 'priorities');
  const leaders = diagram.bands.filter(({ word, leads }) => word === 'term' && leads);
  // The first leader was elected before the trace begins.
  const after = result.facts.filter(({ what }) => /^after the crash|^when both/.test(what)).map(({ value }) => value);
  expect(leaders.map(({ lane }) => diagram.lanes[lane])).toEqual(after);
  expect(new Set(leaders.map((band) => band.number)).size).toBe(leaders.length);
});

test('recordings of nodes are shown as one run; what is none is refused with its name', () => {
  const line = (name: string, address: string, ...events: readonly object[]): string =>
    [{ schema: 'grp.node.recording/1', name, id: name, wallMs: 1_000, addresses: { gms: address } }, ...events]
      .map((one) => `${JSON.stringify(one)}\n`)
      .join('');
  const message = { role: 'gms', kind: 'message', label: 'm1', key: 'k' };
  const run = readRecordings([
    { name: 'a.trace', text: line('a', '10.0.0.1:1', { type: 'departure', at: 1, to: '10.0.0.2:1', ...message }) },
    { name: 'b.trace', text: line('b', '10.0.0.2:1', { type: 'arrival', at: 3, from: '10.0.0.1:1', ...message }) },
  ]);
  expect(layOut(run.events, run.lanes).messages).toMatchObject([{ from: 0, to: 1, kind: 'message', isLost: false }]);
  expect(() => readRecordings([{ name: 'c.trace', text: '<script>' }])).toThrow(/^c\.trace is no recording/);
});

test('steps go from event to event and end at the ends', async () => {
  const { diagram } = await shown('gms1-calm');
  let at = 0;
  let count = 0;
  for (; at < diagram.endsAt; count++) {
    const next = neighbour(diagram, at, 1);
    expect(next).toBeGreaterThan(at);
    expect(neighbour(diagram, next, -1)).toBe(at);
    at = next;
  }
  expect(count).toBe(diagram.instants.filter((instant) => instant > 0).length);
  expect(neighbour(diagram, 0, -1)).toBe(0);
  expect(interestingUntil(diagram)).toBeLessThanOrEqual(diagram.endsAt);
});

test('checks are green before the violation, red after it, and announced', () => {
  const violations = [
    { checker: 'a', message: 'late', at: 50 },
    { checker: 'a', message: 'early', at: 20 },
    { checker: 'b', message: 'at the end' },
  ];
  const states = (at: number): readonly string[] =>
    checksAt(['a', 'b', 'c'], violations, { at, endsAt: 100 }).map(({ state }) => state);
  expect(states(19)).toEqual(['ahead', 'ahead', 'holds']);
  expect(states(20)).toEqual(['broken', 'ahead', 'holds']);
  expect(states(100)).toEqual(['broken', 'broken', 'holds']);
  expect(checksAt(['a'], violations, { at: 0, endsAt: 100 })[0]).toMatchObject({ at: 20, message: 'early' });
});

const kinds = (system: 'group' | 'log'): readonly (readonly [string, FaultKind])[] =>
  [...faultsOf(system), ...linkFaults, { kind: 'heal' as const }].map(({ kind }) => [
    system === 'group' ? 'gms1-calm' : 'disk',
    kind,
  ]);

test.each([...kinds('group'), ...kinds('log')])(
  '%s: a click on %s is a step of the plan, and the run before it stays the same',
  async (scenario, kind) => {
    const level = scenario === 'disk' ? 'disk' : 'full';
    const { diagram, result } = await shown(scenario, level);
    const request = groupRequest(scenario, level);
    const fault = { kind, node: 'n2', peer: 'n1', at: 60, lanes: diagram.lanes };
    const plan = withFault(request.plan, fault);
    const next = await simulate(catalogue, { ...request, plan }, still);
    // The serials of a log are given when all is over, and only say which arrival belongs to which departure.
    const before = (events: typeof next.events) =>
      events.filter(({ at }) => at < 60).map((event) => ({ ...event, serial: 0 }));
    expect(before(next.events)).toEqual(before(result.events));
    for (const step of plan.steps) expect(stepText(step)).toMatch(/^\S.{5,}/);
    expect(planOf(JSON.stringify(plan))).toEqual(plan);
    expect((await simulate(catalogue, { ...request, plan }, still)).traceHash).toBe(next.traceHash);
  },
);

test('two processes that join by click have names of their own', () => {
  const lanes = ['n1', 'n2', 'n3', 'n4'];
  const join = (plan: Plan) => withFault(plan, { kind: 'join', node: 'n1', peer: 'n2', at: 5, lanes });
  const names = join(join(gms1Plan)).steps.flatMap((step) => (step.type === 'join' ? [step.node] : []));
  expect(names).toEqual(['n5', 'n6']);
});

test('compared: one cut more, where the runs part, and what came of both', async () => {
  const { diagram, result } = await shown('gms1-calm', 'full');
  const request = groupRequest('gms1-calm', 'full');
  const plan = withFault(request.plan, { kind: 'cut', node: 'n2', peer: 'n1', at: 60, lanes: diagram.lanes });
  const other = await simulate(catalogue, { ...request, plan }, still);
  const { at = 0, sentence } = differenceOf(diagram, layOut(other.events, other.lanes));
  expect(at).toBeGreaterThan(30); // what was under way when the link was cut is lost
  expect(at).toBeLessThanOrEqual(60);
  expect(sentence).toMatch(
    /^The runs are the same until [\d.]+ ms\. What comes next here: n\d .*, and it is lost, at /,
  );
  expect(differenceOf(diagram, layOut(result.events, result.lanes)).at).toBeUndefined();
  const outcome = ({ violations }: typeof other, count: string) => ({
    broken: [...new Set(violations.map(({ checker }) => checker))],
    facts: [{ what: 'messages', value: count }],
  });
  expect(outcomeRows(outcome(result, '7'), outcome(other, '7'))).toMatchObject([
    { what: 'promises broken', differs: true, values: ['none', expect.stringContaining('virtual synchrony')] },
    { what: 'messages', differs: false },
  ]);
});

test('a second run goes into the URL and comes out of it', () => {
  const request = groupRequest('gms2-crash', 'gms3', 7);
  const plan = { ...request.plan, steps: [] };
  for (const one of [request, { ...request, plan }])
    expect(besideOf(catalogue, 'gms2-crash', besideText(catalogue, one))).toEqual(one);
  expect(besideText(catalogue, request)).not.toContain('plan');
  for (const nonsense of ['', 'x', '7', 'null', '[]'])
    expect(besideOf(catalogue, 'order', nonsense)?.plan).toBeUndefined();
  expect(besideOf(catalogue, 'gms2-crash', '{"level":"<b>","seed":-1,"plan":{}}')).toMatchObject({
    seed: 1,
    level: 'gms2',
  });
});

test.each(all)(
  '%s under %s: a reader is asked before the end, and one of the options is right',
  async (name, level) => {
    const { result, diagram } = await shown(name, level);
    const { guess } = lessonOf(catalogue, name);
    expect(guess.options[result.answer]).toBeTypeOf('string');
    expect(askAt(diagram)).toBeGreaterThan(0);
    expect(askAt(diagram)).toBeLessThanOrEqual(interestingUntil(diagram) / 2);
  },
);

test('gms2-crash: the question stands at the crash, and a guess is answered', async () => {
  const { result, diagram } = await shown('gms2-crash', 'gms2');
  const crash = diagram.points.find(({ kind }) => kind === 'crash');
  expect(askAt(diagram)).toBe(crash?.at);
  const { options } = lessonOf(catalogue, 'gms2-crash').guess;
  expect(sayTo(options, 1, result.answer)).toBe('Yes: the colours differ.');
  expect(sayTo(options, 0, result.answer)).toBe('No, not “every promise is kept”: the colours differ.');
});

test('disk: who died had confirmed something else than those who live', async () => {
  const { orders, diagram } = await shown('disk', 'memory');
  expect([orders.divergesAt, orders.lastWords]).toEqual([undefined, { node: 'n1', place: 6, label: 'w6' }]);
  expect(diagram.held.some(({ until, from }) => until - from > 100)).toBe(false);
  const slow = await shown('disk', 'disk');
  expect(slow.diagram.held.some(({ until, from }) => until - from > 100)).toBe(true);
  expect(slow.orders.lastWords).toBeUndefined();
});

test('a failing log is made shorter, too', async () => {
  const request = groupRequest('disk', 'memory');
  const plan = await shrink(request, 'leader completeness');
  expect(plan.steps.length).toBeLessThan(request.plan.steps.length);
  expect((await simulate(catalogue, { ...request, plan }, still)).violations.map(({ checker }) => checker)).toContain(
    'leader completeness',
  );
});

test('a failing run is made shorter and still fails in the same way', async () => {
  const request = groupRequest('gms4-suspicion', 'gms4');
  const checker = 'virtual synchrony';
  const plan = await shrink(request, checker);
  const weight = ({ steps }: typeof plan): number =>
    steps.reduce((sum, step) => sum + (step.type === 'multicast' ? step.count : 1), 0);
  expect(weight(plan)).toBeLessThan(weight(request.plan) / 2);
  const { violations } = await simulate(catalogue, { ...request, plan }, still);
  expect(violations.map((violation) => violation.checker)).toContain(checker);
});

test('what is not broken is not made shorter', async () => {
  const request = groupRequest('gms1-calm', 'full');
  expect(await shrink(request, 'virtual synchrony')).toBe(request.plan);
});

test('the stretch in sight stays within the run, and zooming keeps the time under the pointer', () => {
  const view = fitted(1_000, 0, 100, 1_000);
  expect(endOf(view) - view.from).toBeGreaterThanOrEqual(100);
  const nearer = zoomed(view, 2, 400, 1_000);
  expect(timeAt(nearer, 400)).toBeCloseTo(timeAt(view, 400));
  expect(panned(view, -1e9, 1_000).from).toBeGreaterThan(-10);
  expect(panned(view, 1e9, 1_000).from).toBeLessThan(1_000);
  expect(xAt(showing(view, 900, 1_000), 900)).toBeLessThan(1_000);
  for (let count = 0; count < 50; count++)
    expect(zoomed(view, 1_000 ** (count % 2 ? 1 : -1), 10, 1_000).pxPerMs).toBeGreaterThan(0);
});
