import { Script } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  exportFormats,
  exportTrace,
  labStudies,
  lanesOf,
  mergeRecordings,
  parseRecordingFile,
  simProtocols,
  traceOfWorld,
  type LabTrace,
  type NodeRecording,
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

describe('Perfetto', () => {
  test('is Chrome’s trace format: names, slices, an arrow for each message that arrived, and bands', () => {
    const { traceEvents } = JSON.parse(exportTrace(trace, 'perfetto')) as { traceEvents: Record<string, unknown>[] };
    const of = (ph: string) => traceEvents.filter((event) => event['ph'] === ph);
    expect(of('M').filter(({ name }) => name === 'process_name')).toMatchObject([
      { pid: 1, args: { name: 'a b' } },
      { pid: 2, args: { name: 'c' } },
    ]);
    expect(of('s')).toMatchObject([{ id: 1, pid: 1, ts: 1_000 }]);
    expect(of('f')).toMatchObject([{ id: 1, pid: 2, ts: 3_000, bp: 'e' }]);
    expect(of('X').filter(({ args }) => (args as { lost?: boolean } | undefined)?.lost === true)).toHaveLength(1);
    expect(of('X').find(({ cat }) => cat === 'view')).toMatchObject({ name: 'view 1', ts: 0, dur: 3_000 });
    expect(of('i').map(({ s }) => s)).toEqual(['t', 'g', 't']);
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

const head = (name: string, wallMs: number) => ({
  schema: 'grp.node.recording/1' as const,
  name,
  id: `${name}#1`,
  wallMs,
  addresses: { gms: `10.0.0.${name.slice(1)}:7947` },
});

const message = { role: 'gms', kind: 'ordered', label: 'ordered 1' };

describe('recordings of nodes', () => {
  const n1: NodeRecording = {
    head: head('n1', 1_000),
    omittedCount: 1,
    events: [
      { type: 'departure', at: 10, to: '10.0.0.2:7947', key: 'a', ...message },
      { type: 'departure', at: 11, to: '10.0.0.2:7947', key: 'b', ...message },
      { type: 'departure', at: 12, to: '10.0.0.9:7947', key: 'c', ...message },
      { type: 'arrival', at: 30, from: '10.0.0.2:7947', key: 'r', ...message },
      { type: 'mark', at: 31, role: 'gms', mark: 'deliver', label: '1 of n1' },
    ],
  };

  test('are one trace: a message is found by its key, what did not arrive was lost, strangers have lanes', () => {
    const n2: NodeRecording = {
      head: head('n2', 1_005),
      omittedCount: 0,
      events: [
        { type: 'arrival', at: 8, from: '10.0.0.1:7947', key: 'a', ...message },
        { type: 'departure', at: 20, to: '10.0.0.1:7947', key: 'r', ...message },
      ],
    };
    const merged = mergeRecordings([n1, n2]);
    expect(merged.lanes).toEqual(['n1', 'n2', '10.0.0.9:7947']);
    expect(merged.omittedCount).toBe(1);
    expect(merged.events.map(({ type, at, lane }) => `${at} ${lane} ${type}`)).toEqual([
      '10 n1 departure',
      '11 n1 departure',
      '12 n1 departure',
      '12 10.0.0.9:7947 arrival',
      '13 n2 arrival',
      '25 n2 departure',
      '30 n1 arrival',
      '31 n1 mark',
    ]);
    const arrived = new Set(
      merged.events.filter(({ type }) => type === 'arrival').map((event) => 'serial' in event && event.serial),
    );
    const lost = merged.events.filter((event) => event.type === 'departure' && !arrived.has(event.serial));
    expect(lost).toMatchObject([{ at: 11 }]);
  });

  test('a clock is moved only where a message would arrive before it was sent', () => {
    const ahead = (wallMs: number): NodeRecording => ({
      head: head('n2', wallMs),
      omittedCount: 0,
      events: [
        { type: 'arrival', at: 12, from: '10.0.0.1:7947', key: 'a', ...message },
        { type: 'departure', at: 28, to: '10.0.0.1:7947', key: 'r', ...message },
      ],
    });
    // An hour apart: the fastest ways there and back say by how much.
    for (const wallMs of [1_000, 3_601_000, 1_000 - 500]) {
      const { events } = mergeRecordings([n1, ahead(wallMs)]);
      const at = (lane: string, type: string): number =>
        events.find((event) => event.lane === lane && event.type === type)?.at ?? -1;
      expect(at('n2', 'arrival') - at('n1', 'departure')).toBeCloseTo(2, 5);
      expect(at('n1', 'arrival') - at('n2', 'departure')).toBeCloseTo(2, 5);
    }
  });

  test.each([
    ['swim', 'datagrams: an arrival belongs to the latest that can have been it', 100],
    ['gms', 'links: to the first that has not arrived', 0],
  ])('equal messages, %s, over %s', (role, _, sentAt) => {
    const equal = { ...message, role, key: 'same', to: '10.0.0.2:7947' };
    const sender: NodeRecording = {
      head: head('n1', 0),
      omittedCount: 0,
      events: [0, 100, 200].map((at) => ({ type: 'departure', at, ...equal })),
    };
    const receiver: NodeRecording = {
      head: head('n2', 0),
      omittedCount: 0,
      events: [{ type: 'arrival', at: 103, from: '10.0.0.1:7947', ...message, role, key: 'same' }],
    };
    const { events } = mergeRecordings([sender, receiver]);
    const serial = events.flatMap((event) => (event.type === 'arrival' ? [event.serial] : []))[0];
    expect(events.find((event) => event.type === 'departure' && event.serial === serial)?.at).toBe(sentAt);
  });

  test('each node keeps the order of its file, also at one instant, and a message never comes before its sender’s past', () => {
    const to2 = { ...message, to: '10.0.0.2:7947' };
    const to1 = { ...message, to: '10.0.0.1:7947' };
    const from1 = { ...message, from: '10.0.0.1:7947' };
    const sender: NodeRecording = {
      head: head('n1', 0),
      omittedCount: 0,
      events: [
        { type: 'arrival', at: 5, from: '10.0.0.2:7947', key: 'r', ...message },
        { type: 'departure', at: 5, key: 's', ...to2 },
      ],
    };
    const receiver: NodeRecording = {
      head: head('n2', 0),
      omittedCount: 0,
      events: [
        { type: 'departure', at: 4, key: 'r', ...to1 },
        { type: 'departure', at: 4, key: 'x', ...to1 },
        { type: 'arrival', at: 4.2, key: 's', ...from1 },
        { type: 'mark', at: 4.5, role: 'gms', mark: 'deliver', label: 'after s' },
      ],
    };
    const { events } = mergeRecordings([sender, receiver]);
    expect(events.map(({ type, lane }) => `${lane} ${type}`)).toEqual([
      'n2 departure',
      'n2 departure',
      'n1 arrival',
      'n1 departure',
      'n2 arrival',
      'n2 mark',
    ]);
  });

  test('two messages taken for each other are parted again: no order has both before themselves', () => {
    const crossed: NodeRecording = {
      head: head('n1', 0),
      omittedCount: 0,
      events: [
        { type: 'arrival', at: 5, from: '10.0.0.2:7947', key: 'b', ...message },
        { type: 'departure', at: 5, to: '10.0.0.2:7947', key: 'a', ...message },
      ],
    };
    const other: NodeRecording = {
      head: head('n2', 0),
      omittedCount: 0,
      events: [
        { type: 'arrival', at: 5, from: '10.0.0.1:7947', key: 'a', ...message },
        { type: 'departure', at: 5, to: '10.0.0.1:7947', key: 'b', ...message },
        { type: 'mark', at: 6, role: 'gms', mark: 'deliver', label: 'x' },
      ],
    };
    const { events } = mergeRecordings([crossed, other]);
    const indexOf = (type: string, serial: number): number =>
      events.findIndex((event) => event.type === type && 'serial' in event && event.serial === serial);
    const serials = events.flatMap((event) => (event.type === 'arrival' ? [event.serial] : []));
    for (const serial of serials) expect(indexOf('departure', serial)).toBeLessThan(indexOf('arrival', serial));
    expect(events).toHaveLength(5);
    expect(events.map(({ at }) => at)).toEqual([5, 5, 5, 5, 6]);
  });

  test('two lives of one node are one lane, the second after the first', () => {
    const first: NodeRecording = {
      head: head('n1', 0),
      omittedCount: 2,
      events: [{ type: 'mark', at: 1, role: 'raft', mark: 'view', label: 'leader t1' }],
    };
    const second: NodeRecording = {
      head: { ...head('n1', 50), id: 'n1#2' },
      omittedCount: 3,
      events: [{ type: 'mark', at: 1, role: 'raft', mark: 'view', label: 'follower t2' }],
    };
    const merged = mergeRecordings([second, first]);
    expect(merged.title).toBe('recording of n1');
    expect(merged.omittedCount).toBe(5);
    expect(merged.events).toMatchObject([
      { at: 1, label: 'leader t1' },
      { at: 51, label: 'follower t2' },
    ]);
  });

  test('a file is read line by line; what a killed process left half-written is passed over', () => {
    const lines = [JSON.stringify(n1.head), ...n1.events.map((event) => JSON.stringify(event))];
    expect(parseRecordingFile(`${lines.join('\n')}\n{"type":"end","at":40,"omitted":1}\n`)).toEqual(n1);
    expect(parseRecordingFile(`${lines.join('\n')}\n{"type":"dep`)).toMatchObject({ head: n1.head, omittedCount: 0 });
    expect(parseRecordingFile(`${lines.join('\n')}\n{"type":"dep\n${lines[1] ?? ''}\n`)).toBe(
      'line 7 is no event of a recording',
    );
    expect(parseRecordingFile('')).toMatch(/schema/);
    expect(parseRecordingFile('{"schema":"grp.node.recording/2"}\n')).toMatch(/schema/);
    expect(parseRecordingFile('[]\n')).toMatch(/schema/);
  });

  test('any line of bytes is an event or a problem, never a throw', () => {
    const first = JSON.stringify(n1.head);
    for (const line of [
      'null',
      '5',
      '"x"',
      '{}',
      '{"type":"mark","at":-1}',
      '{"type":"mark","at":1,"role":"r","label":"l","mark":"no"}',
      '{"at":1e999}',
    ])
      expect(parseRecordingFile(`${first}\n${line}\n`)).toBe('line 2 is no event of a recording');
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
