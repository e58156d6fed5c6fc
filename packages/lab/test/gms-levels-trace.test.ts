import { describe, expect, test } from 'vitest';
import {
  drawSpaceTime,
  labScenarios,
  levels,
  parsePlan,
  parseRecording,
  runLevelSync,
  spaceTimeLegend,
  type LabRecording,
  type LabScenario,
  type Plan,
  type SpaceTimeEvent,
} from '../src/index.ts';

const crash = labScenarios.find(({ name }) => name === 'gms2-crash') as LabScenario;

function draw(events: readonly SpaceTimeEvent[], options: Parameters<typeof drawSpaceTime>[2] = {}): readonly string[] {
  return drawSpaceTime(events, ['n1', 'n2', 'n3', 'n4'], options).map((line) =>
    line
      .map(({ text }) => text)
      .join('')
      .trimEnd(),
  );
}

describe('the space-time diagram', () => {
  const { events } = runLevelSync(crash.plan, 'gms2', crash.seed);

  test('gms2-crash under gms2, until the survivors have their view', () => {
    const lines = draw(events.filter(({ at }) => at < 150));
    expect(`\n${lines.join('\n')}\n`).toBe(`
     ms  n1              n2              n3              n4
    0.0  ▣ view 1        ▣ view 1        ▣ view 1        ▣ view 1
    8.3  ○ n1-1          │               │               │
    8.3  ●─n1-1──────────▶───────────────▶───────────────▶
    8.3  ■ n1-1          ■ n1-1          ■ n1-1          ■ n1-1
   50.7  ○ n1-2          │               │               │
   50.7  ●─n1-2──────────▶───────────────▶───────────────▶
   50.7  ■ n1-2          ■ n1-2          ■ n1-2          ■ n1-2
   75.7  ○ n1-3          │               │               │
   75.7  ●─n1-3──────────▶               │               │
   75.7  ✖ crash         ■ n1-3          │               │
   90.0                  ? n1 down       │               │
   90.0                  ●─view 2────────▶───────────────▶
   90.0                  ▣ view 2        · (view 2)      ? n1 down
   95.4                  │               ? n1 down       │
   95.4                  │               ▣ view 2        ▣ view 2
`);
  });

  test.each([40, 80, 100, 120])('fits into %i columns, in ASCII too', (width) => {
    for (const line of draw(events, { width })) expect(line.length).toBeLessThanOrEqual(width);
    for (const line of draw(events, { width, unicode: false })) expect(line).toMatch(/^[ -~]*$/);
    expect(spaceTimeLegend(false)).toMatch(/lost/);
  });

  test('shows lost messages, and leaves acknowledgements out', () => {
    const loss = labScenarios.find(({ name }) => name === 'gms4-takeover') as LabScenario;
    const text = draw(runLevelSync(loss.plan, 'gms4', loss.seed).events).join('\n');
    expect(text).toContain('●─n1-3──────────✕───────────────✕───────────────▶');
    expect(text).toContain('── loss 25 %');
    expect(text).not.toContain('ack');
  });

  test('when rows must be left out, those around crashes, losses and what is looked for stay', () => {
    const isKey = ({ mark, label }: { readonly mark: string; readonly label: string }): boolean =>
      mark === 'deliver' && label === 'n4-1';
    const lines = draw(events, { rowsMax: 10, isKey });
    expect(lines.length).toBeLessThan(20);
    const text = lines.join('\n');
    expect(text).toContain('✖ crash');
    expect(text).toContain('■ n4-1');
    expect(text).toMatch(/⋮.*\d+ more rows/);
  });
});

describe('recordings', () => {
  const { plan, seed, name: scenario } = crash;
  const { traceHash } = runLevelSync(plan, 'gms2', seed);
  const recording: LabRecording = { schema: 'grp.lab.recording/1', scenario, level: 'gms2', seed, plan, traceHash };

  test('survive JSON, and give the same hash again', () => {
    const read = parseRecording(JSON.parse(JSON.stringify(recording))) as LabRecording;
    expect(read).toEqual(recording);
    expect(runLevelSync(read.plan, read.level, read.seed).traceHash).toBe(traceHash);
  });

  test('every plan of the table is one', () => {
    for (const { plan: own } of labScenarios) expect(parsePlan(JSON.parse(JSON.stringify(own)))).toEqual(own);
  });

  test.each([
    [null, 'object'],
    [{ ...recording, schema: 'x' }, 'schema'],
    [{ ...recording, scenario: '../x' }, 'scenario'],
    [{ ...recording, level: 'constructor' }, Object.keys(levels).join(', ')],
    [{ ...recording, seed: 1.5 }, 'seed'],
    [{ ...recording, traceHash: 'x' }, 'traceHash'],
    [{ ...recording, plan: [] }, 'a plan is an object'],
    [{ ...recording, plan: { ...plan, founders: 1_000 } }, 'founders'],
    [{ ...recording, plan: { ...plan, settleMs: -1 } }, 'settleMs'],
    [{ ...recording, plan: { ...plan, delayMs: [9, 1] } }, 'delayMs'],
    [{ ...recording, plan: { ...plan, delivery: 'never' } }, 'delivery'],
    [{ ...recording, plan: { ...plan, steps: {} } }, 'steps'],
    [{ ...recording, plan: { ...plan, steps: [{ type: 'toString', at: 0 }] } }, 'step 1: no such type'],
    [{ ...recording, plan: { ...plan, steps: [{ type: 'crash', at: Number.NaN, node: 'n1' }] } }, 'step 1: at'],
    [{ ...recording, plan: { ...plan, steps: [{ type: 'crash', at: 0, node: 'rm -rf' }] } }, 'step 1: node'],
    [{ ...recording, plan: { ...plan, steps: [{ type: 'loss', at: 0, share: 2 }] } }, 'step 1: share'],
    [{ ...recording, plan: { ...plan, steps: [{ type: 'partition', at: 0, sides: [1] }] } }, 'step 1: sides'],
  ])('are refused with what is wrong: %#', (value, problem) => {
    expect(parseRecording(value)).toEqual(expect.stringContaining(problem));
  });

  test('steps about nodes that are not there do nothing', () => {
    const steps = [
      { type: 'crash', at: 1, node: 'n9' },
      { type: 'multicast', at: 1, node: 'n9', count: 1, everyMs: 1 },
      { type: 'suspect', at: 1, node: 'n9', by: ['n8'], lastsMs: 1 },
      { type: 'join', at: 1, node: 'n1', contact: 'n2' },
      { type: 'pause', at: 1, node: 'n9' },
      { type: 'partition', at: 1, sides: [['n9'], ['n1']] },
      { type: 'crash-after-sends', at: 1, node: 'n9', sends: 1 },
    ];
    const strange = parsePlan({ ...plan, steps }) as Plan;
    expect(runLevelSync(strange, 'gms3', 1).violations).toEqual([]);
  });
});

test('partitions, pauses and their ends are steps too', () => {
  const plan = parsePlan({
    founders: 3,
    settleMs: 500,
    delayMs: [1, 5],
    steps: [
      { type: 'pause', at: 5, node: 'n3' },
      { type: 'multicast', at: 10, node: 'leader', count: 2, everyMs: 5 },
      { type: 'resume', at: 50, node: 'n3' },
      { type: 'partition', at: 100, sides: [['n1'], ['n2', 'n3']] },
      { type: 'multicast', at: 110, node: 'n1', count: 1, everyMs: 5 },
      { type: 'heal', at: 150 },
    ],
  }) as Plan;
  const { violations, divergence } = runLevelSync(plan, 'gms3', 1);
  expect(divergence?.sentence).toContain('lost');
  expect(violations.length).toBeGreaterThan(0);
});
