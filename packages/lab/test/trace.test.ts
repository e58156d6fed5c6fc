import { Script } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  exportFormats,
  exportTrace,
  labStudies,
  lanesOf,
  simProtocols,
  traceOfWorld,
  type LabTrace,
  type SpaceTimeEvent,
} from '../src/index.ts';

const trace: LabTrace = {
  title: 'two </script><script>alert(1)</script> processes',
  origin: 'simulation',
  lanes: ['a b', 'c'],
  events: [
    { type: 'mark', at: 0, lane: 'a b', mark: 'view', label: 'view 1' },
    { type: 'departure', at: 1, lane: 'a b', to: 'c', serial: 1, label: '<img src=x onerror=alert(1)>', kind: 'data' },
    { type: 'departure', at: 2, lane: 'a b', to: 'c', serial: 2, label: 'lost', kind: 'data' },
    { type: 'mark', at: 2.5, lane: '', mark: 'trouble', label: 'cut' },
    { type: 'arrival', at: 3, lane: 'c', from: 'a b', serial: 1 },
    { type: 'mark', at: 3, lane: 'c', mark: 'deliver', label: 'm\n1' },
  ],
  operations: [
    { process: 'x', f: 'write', key: 'k', value: 'v', call: 1, return: 4, out: null, type: 'ok' },
    { process: 'y', f: 'read', key: 'k', value: null, call: 2, return: null, out: null, type: 'info' },
    { process: 'z', f: 'write', key: 'k', value: 'w', call: 2, return: 3, out: null, type: 'fail' },
  ],
  omittedCount: 0,
};

/** Reads a log as ShiViz does: with the pattern of its first line. */
function readShiviz(log: string) {
  const [pattern = '', delimiter, ...rest] = log.split('\n');
  expect(delimiter).toBe('');
  const text = rest.join('\n');
  return [...text.matchAll(new RegExp(pattern.replace('{.*}', '\\{.*\\}'), 'g'))].map(({ groups }) => ({
    host: groups?.['host'] ?? '',
    event: groups?.['event'] ?? '',
    clock: JSON.parse(groups?.['clock'] ?? '{}') as Record<string, number>,
  }));
}

describe('ShiViz', () => {
  test('each process counts its own events from 1, and an arrival knows what its departure knew', () => {
    const entries = readShiviz(exportTrace(trace, 'shiviz'));
    expect(entries.map(({ host, clock }) => [host, clock])).toEqual([
      ['a_b', { a_b: 1 }],
      ['a_b', { a_b: 2 }],
      ['a_b', { a_b: 3 }],
      ['c', { a_b: 2, c: 1 }],
      ['c', { a_b: 2, c: 2 }],
    ]);
    expect(entries[4]?.event).toBe('deliver m 1 (3.0 ms)');
  });

  test('a whole study has clocks without gaps', async () => {
    const { trace: study } = await (labStudies[0] as (typeof labStudies)[0]).run('total', 1);
    const next = new Map<string, number>();
    const entries = readShiviz(exportTrace(study, 'shiviz'));
    for (const { host, clock } of entries) {
      expect(clock[host]).toBe((next.get(host) ?? 0) + 1);
      next.set(host, clock[host] as number);
    }
    expect([...next.values()].reduce((sum, count) => sum + count, 0)).toBe(study.events.length);
  });
});

interface Slice {
  readonly ph: string;
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly bind_id?: string;
  readonly flow_out?: boolean;
  readonly flow_in?: boolean;
}

function perfetto(of: LabTrace): readonly Slice[] {
  return (JSON.parse(exportTrace(of, 'perfetto')) as { traceEvents: Slice[] }).traceEvents;
}

/** As Perfetto's JSON importer reads them: whole ns, rounded down. */
function inNs({ ts, dur }: Slice): { readonly ts: number; readonly end: number } {
  return { ts: Math.trunc(ts * 1_000), end: Math.trunc(ts * 1_000) + Math.trunc((dur ?? 0) * 1_000) };
}

describe('Perfetto', () => {
  test('is Chrome’s trace format: names, slices, an arrow for each message that arrived, and bands', () => {
    const traceEvents = perfetto(trace) as readonly (Slice & Record<string, unknown>)[];
    const of = (ph: string) => traceEvents.filter((event) => event.ph === ph);
    expect(of('M').filter(({ name }) => name === 'process_name')).toMatchObject([
      { pid: 1, args: { name: 'a b' } },
      { pid: 2, args: { name: 'c' } },
    ]);
    expect(of('X').filter(({ flow_out: isOut }) => isOut)).toMatchObject([{ bind_id: '0x1', pid: 1, ts: 1_000 }]);
    expect(of('X').filter(({ flow_in: isIn }) => isIn)).toMatchObject([{ bind_id: '0x1', pid: 2, ts: 3_000 }]);
    expect(of('X').filter(({ args }) => (args as { lost?: boolean } | undefined)?.lost === true)).toHaveLength(1);
    expect(of('X').find(({ cat }) => cat === 'view')).toMatchObject({ name: 'view 1', ts: 0, dur: 2_999.999 });
    expect(of('i').map(({ s }) => s)).toEqual(['t', 'g', 't']);
  });

  test('no slice is one that Perfetto drops: none overlap, none end before they begin, arrows point forward', async () => {
    const burst = Array.from({ length: 2_000 }, (_, index): SpaceTimeEvent => {
      const at = Math.floor(index / 40) * 0.003;
      return { type: 'departure', at, lane: 'a', to: 'b', serial: index, label: 'x', kind: 'data' };
    });
    const arrivals = burst.map((event, serial): SpaceTimeEvent => ({
      type: 'arrival',
      at: event.at,
      lane: 'b',
      from: 'a',
      serial,
    }));
    const crowd = burst.flatMap((event, index) => [event, arrivals[index] as SpaceTimeEvent]);
    const { trace: study } = await (labStudies[0] as (typeof labStudies)[0]).run('total', 1);
    for (const one of [study, { ...trace, lanes: ['a', 'b'], events: crowd }]) {
      const slices = perfetto(one).filter(({ ph }) => ph !== 'M');
      const endOf = new Map<number, number>();
      const pidOf = new Map<number, number>();
      const sentAt = new Map<string, number>();
      for (const slice of slices.toSorted((a, b) => a.ts - b.ts)) {
        const { ts, end } = inNs(slice);
        expect(ts).toBeGreaterThanOrEqual(endOf.get(slice.tid) ?? 0);
        expect(end).toBeGreaterThanOrEqual(ts);
        endOf.set(slice.tid, end);
        expect(pidOf.get(slice.tid) ?? slice.pid).toBe(slice.pid);
        pidOf.set(slice.tid, slice.pid);
        if (slice.flow_out === true) sentAt.set(slice.bind_id ?? '', ts);
        const leftAt = slice.flow_in === true ? sentAt.get(slice.bind_id ?? '') : -1;
        expect(leftAt).toBeLessThan(ts);
      }
      expect(sentAt.size).toBeGreaterThan(50);
    }
  });
});

test('Porcupine: what surely failed is left out, what is unsure returns at the end', () => {
  expect(JSON.parse(exportTrace(trace, 'porcupine'))).toEqual([
    { ClientId: 0, Input: { op: 'write', key: 'k', value: 'v' }, Call: 1_000, Output: { value: null }, Return: 4_000 },
    { ClientId: 1, Input: { op: 'read', key: 'k', value: null }, Call: 2_000, Output: null, Return: 5_000 },
  ]);
});

describe('HTML', () => {
  test('is one page that asks no network for anything and shows names as text', () => {
    const page = exportTrace(trace, 'html');
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).not.toMatch(/https?:|src=["']|<link|url\(/);
    expect(page.match(/<script/g)).toHaveLength(2);
    expect(page).not.toContain('<img');
    const data = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page)?.[1] ?? '';
    expect(JSON.parse(data)).toMatchObject({ lanes: ['a b', 'c'], messages: { took: [200, -1] }, omitted: 0 });
    const script = /<script>(.*?)<\/script>/s.exec(page)?.[1] ?? '';
    expect(() => new Script(script)).not.toThrow();
  });

  test('50,000 messages and as many deliveries are below 500 KB compressed', () => {
    const lanes = ['n1', 'n2', 'n3', 'n4', 'n5'];
    const events: SpaceTimeEvent[] = [];
    let state = 1;
    const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    for (let serial = 1; serial <= 50_000; serial++) {
      const [from, to] = [Math.floor(random() * 5), Math.floor(random() * 5)];
      const at = serial * 0.7 + random();
      const label = `n${from + 1}-${serial}`;
      const lane = lanes[from] as string;
      events.push({ type: 'departure', at, lane, to: lanes[to] as string, serial, label, kind: 'ordered' });
      events.push({ type: 'arrival', at: at + 1 + random() * 7, lane: lanes[to] as string, from: lane, serial });
      events.push({ type: 'mark', at: at + 9, lane: lanes[to] as string, mark: 'deliver', label });
    }
    events.sort((a, b) => a.at - b.at);
    const page = exportTrace({ ...trace, lanes, events }, 'html');
    expect(page).toContain('"omitted":0');
    expect(gzipSync(page).length).toBeLessThan(500 * 1_024);
  });

  test('beyond its limit it says how much was left out', () => {
    const events = Array.from({ length: 130_000 }, (_, index): SpaceTimeEvent => {
      return { type: 'mark', at: index, lane: 'a', mark: 'deliver', label: 'x' };
    });
    expect(exportTrace({ ...trace, events }, 'html')).toContain('"omitted":10000');
  });
});

test('a run of the simulator becomes a trace: names for addresses, serials that match, marks', () => {
  const { trace: recorded } = (simProtocols['ordering'] as (typeof simProtocols)[string]).run('steady', {
    seed: 1,
    nodeCount: 3,
    loss: 0.1,
    durationMs: 300,
    trace: { recordMax: 100_000 },
  });
  const world = traceOfWorld('steady', recorded.events, recorded.omittedCount);
  expect(world.lanes).toEqual(['n1', 'n2', 'n3']);
  const departed = new Map(
    world.events.flatMap((event) => (event.type === 'departure' ? [[event.serial, event] as const] : [])),
  );
  const arrivals = world.events.filter((event) => event.type === 'arrival');
  expect(arrivals.length).toBeGreaterThan(100);
  for (const arrival of arrivals) {
    expect(departed.get(arrival.serial)).toMatchObject({ to: arrival.lane, lane: arrival.from });
    expect(departed.get(arrival.serial)?.at).toBeLessThanOrEqual(arrival.at);
  }
  expect(departed.size).toBeGreaterThan(arrivals.length);
  expect(world.events.some((event) => event.type === 'mark' && event.mark === 'deliver')).toBe(true);
  for (const format of exportFormats) expect(exportTrace(world, format).length).toBeGreaterThan(2);
  expect(lanesOf(world.events)).toHaveLength(3);
});
