import { describe, expect, test } from 'vitest';
import { mergeRecordings, parseRecordingFile, type NodeRecording } from '../src/index.ts';

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

  test('a server of raft that came later is its node', () => {
    const vote = { role: 'raft', kind: 'vote-request', label: 'vote t2', key: 'v' };
    const late: NodeRecording = {
      head: head('n2', 0),
      omittedCount: 0,
      events: [{ type: 'departure', at: 1, to: 'n1', ...vote }],
    };
    const first: NodeRecording = {
      head: head('n1', 0),
      omittedCount: 0,
      events: [{ type: 'arrival', at: 2, from: 'n2.d36f29c2', ...vote }],
    };
    const { lanes, events } = mergeRecordings([first, late]);
    expect(lanes).toEqual(['n1', 'n2']);
    expect(events).toMatchObject([
      { type: 'departure', serial: 1 },
      { type: 'arrival', from: 'n2', serial: 1 },
    ]);
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
    // A killed node has no last line; where something is missing in between says how much.
    const gap = '{"type":"mark","at":35,"role":"node","mark":"trouble","label":"9 events are missing","missing":9}';
    const killed = parseRecordingFile(`${lines.join('\n')}\n${gap}\n`);
    expect(killed).toMatchObject({ omittedCount: 9 });
    const ended = parseRecordingFile(`${lines.join('\n')}\n${gap}\n{"type":"end","at":40,"omitted":11}\n`);
    expect(ended).toMatchObject({ omittedCount: 11 });
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
