import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@grp/core';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../src/record/digest.ts';
import { describeDatagram } from '../src/record/memberlist.ts';
import { Recorder } from '../src/record/recorder.ts';
import { noteEvent } from '../src/record/taps.ts';
import { ManualClock } from './support/manual-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'grp-record-'));

async function openRecorder(name: string, limits: { bytesMax?: number; bufferBytesMax?: number } = {}) {
  const clock = new ManualClock();
  const file = join(folder, name);
  const options = { file, name: 'n1', id: 'n1#5', addresses: { swim: '127.0.0.1:7946' }, clock, logger: silentLogger };
  const recorder = await Recorder.open({ bytesMax: 1_000_000, bufferBytesMax: 1_000_000, ...options, ...limits });
  return {
    recorder,
    clock,
    lines: () =>
      readFileSync(file, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
  };
}

const message = { kind: 'ping', label: 'ping', key: 'k1' };

describe('recorder', () => {
  test('writes a head, what happened with its time, and an end', async () => {
    const { recorder, clock, lines } = await openRecorder('whole');
    await clock.advance(12.5);
    recorder.departure('swim', '127.0.0.1:7956', message);
    recorder.arrival('swim', '127.0.0.1:7956', { ...message, key: 'k2' });
    noteEvent(recorder, { noun: 'swim', type: 'down', member: { name: 'n2' } });
    noteEvent(recorder, { noun: 'swim', type: 'update', member: { name: 'n2' } });
    noteEvent(recorder, { noun: 'gms', type: 'message', sequence: 7, sender: 'n2#9', payload: 'x' });
    noteEvent(recorder, { noun: 'raft', type: 'role', group: 'raft', role: 'leader', term: 3, leader: 'n1' });
    await recorder.close();
    await recorder.close();
    const [head, ...events] = lines();
    expect(head).toMatchObject({ schema: 'grp.node.recording/1', name: 'n1', id: 'n1#5', wallMs: expect.any(Number) });
    expect(events).toEqual([
      { at: 12.5, type: 'departure', role: 'swim', to: '127.0.0.1:7956', ...message },
      { at: 12.5, type: 'arrival', role: 'swim', from: '127.0.0.1:7956', ...message, key: 'k2' },
      { at: 12.5, type: 'mark', role: 'swim', mark: 'suspect', label: 'n2 down' },
      { at: 12.5, type: 'mark', role: 'gms', mark: 'deliver', label: '7 of n2' },
      { at: 12.5, type: 'mark', role: 'raft', mark: 'view', label: 'leader t3 raft' },
      { type: 'end', at: 12.5, omitted: 0 },
    ]);
  });

  test('ends at its size, and says how many events are not in it', async () => {
    const { recorder, lines } = await openRecorder('full', { bytesMax: 1_000 });
    for (let count = 0; count < 50; count++) recorder.departure('swim', '127.0.0.1:7956', message);
    expect(recorder.omittedCount).toBeGreaterThan(30);
    await recorder.close();
    expect(lines().at(-1)).toMatchObject({ type: 'end', omitted: recorder.omittedCount });
    expect(lines().length - 2 + recorder.omittedCount).toBe(50);
  });

  test('counts what a slow disk does not take in time', async () => {
    const { recorder, lines } = await openRecorder('slow', { bufferBytesMax: 1_000 });
    for (let count = 0; count < 50; count++) recorder.mark('node', 'trouble', 'x'.repeat(100));
    await recorder.close();
    expect(lines().at(-1)).toMatchObject({ type: 'end', omitted: recorder.omittedCount });
    expect(recorder.omittedCount).toBeGreaterThan(30);
  });

  test('cuts long text', async () => {
    const { recorder, lines } = await openRecorder('long');
    recorder.mark('gms', 'deliver', 'y'.repeat(5_000));
    await recorder.close();
    expect(lines()[1].label).toHaveLength(300);
  });

  test('an operation is recorded with its answer, or as unsure when it failed', async () => {
    const { recorder, clock, lines } = await openRecorder('operations');
    const write = { process: 'req-1', f: 'write', key: 'k', value: 'v' };
    await recorder.operation(
      write,
      async () => {
        await clock.advance(3);
        return { holds: true };
      },
      ({ holds }) => holds,
    );
    const failing = recorder.operation(write, () => Promise.reject(new Error('no leader')), String);
    await expect(failing).rejects.toThrow('no leader');
    await recorder.close();
    expect(lines().slice(1, 3)).toEqual([
      { at: 3, type: 'operation', operation: { ...write, call: 0, return: 3, out: true, type: 'ok' } },
      { at: 3, type: 'operation', operation: { ...write, call: 3, return: null, out: null, type: 'info' } },
    ]);
  });

  test('a file that cannot be written is an error before the node starts', async () => {
    const clock = new ManualClock();
    const options = {
      name: 'n',
      id: 'n#1',
      addresses: {},
      clock,
      logger: silentLogger,
      bytesMax: 1,
      bufferBytesMax: 1,
    };
    await expect(Recorder.open({ ...options, file: join(folder, 'none', 'x') })).rejects.toMatchObject({
      code: 'NODE_RECORD_UNWRITABLE',
    });
  });
});

describe('what a datagram of the membership is', () => {
  test.each([
    [[0, 0x81], 'ping', 'ping'],
    [[244, 3, 1, 2, 3, 2, 0x81], 'ack', 'ack'],
    [[12, 9, 9, 9, 9, 3, 0x81], 'suspect', 'suspect'],
    [[7, 2, 0, 2, 0, 1, 0, 0x81, 4], 'ping', 'ping+alive'],
    [[7, 0], 'compound', 'compound'],
    [[7, 200, 1], 'other', 'other+other+other+other+other+other+other+other'],
    [[99], 'other', 'other'],
    [[], 'other', 'other'],
  ])('%j is %s', (bytes, kind, label) => {
    expect(describeDatagram(Uint8Array.from(bytes), false)).toEqual({ kind, label });
    expect(describeDatagram(Uint8Array.from(bytes), true).kind).toBe('sealed');
  });

  test('digests tell messages apart by content and length', () => {
    const bytes = new TextEncoder().encode('a message');
    expect(digestOf(bytes)).toBe(digestOf(Uint8Array.from(bytes)));
    expect(digestOf(bytes)).toMatch(/^[0-9a-f]{16}$/);
    expect(new Set([bytes, bytes.subarray(1), Uint8Array.from([...bytes, 0])].map(digestOf)).size).toBe(3);
  });
});
