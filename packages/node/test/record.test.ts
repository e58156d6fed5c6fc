import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@grp/core';
import { nodeError } from '../src/errors.ts';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../src/record/digest.ts';
import { tapStateMachine } from '../src/record/log-entries.ts';
import { tapLogger } from '../src/record/log-tap.ts';
import { describeDatagram } from '../src/record/memberlist.ts';
import { tapOrders } from '../src/record/order-tap.ts';
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
    size: () => statSync(file).size,
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

  test.each([2_000, 20_000])(
    'is never larger than %d bytes, and says how many events are not in it',
    async (bytesMax) => {
      const { recorder, lines, size } = await openRecorder(`full-${bytesMax}`, { bytesMax });
      // Two bytes in UTF-8 for what is one unit of a string.
      for (let count = 0; count < 500; count++) recorder.mark('swim', 'state', 'é'.repeat(100));
      expect(recorder.omittedCount).toBeGreaterThan(300);
      await recorder.close();
      expect(size()).toBeLessThanOrEqual(bytesMax);
      expect(size()).toBeGreaterThan(bytesMax - 1_000);
      const [gap, end] = lines().slice(-2);
      expect(gap).toMatchObject({
        mark: 'trouble',
        label: 'the recording is full: what follows is missing',
        missing: 1,
      });
      expect(end).toMatchObject({ type: 'end', omitted: recorder.omittedCount });
      expect(lines().length - 3 + recorder.omittedCount).toBe(500);
    },
  );

  test('counts what a slow disk does not take in time', async () => {
    const { recorder, lines } = await openRecorder('slow', { bufferBytesMax: 1_000 });
    for (let count = 0; count < 50; count++) recorder.mark('node', 'trouble', 'x'.repeat(100));
    await recorder.close();
    expect(lines().at(-1)).toMatchObject({ type: 'end', omitted: recorder.omittedCount });
    expect(recorder.omittedCount).toBeGreaterThan(30);
  });

  test('says where events are missing, because a killed node writes no end', async () => {
    const { recorder, clock, lines } = await openRecorder('gap', { bufferBytesMax: 1_000 });
    for (let count = 0; count < 50; count++) recorder.mark('node', 'trouble', 'x'.repeat(100));
    const missing = recorder.omittedCount;
    await clock.advance(100);
    await expect.poll(() => lines().length).toBeGreaterThan(5);
    await clock.advance(1);
    recorder.mark('node', 'state', 'again');
    await clock.advance(100);
    await expect.poll(() => lines().at(-1)).toMatchObject({ label: 'again' });
    expect(lines().at(-2)).toMatchObject({ label: `${missing} events are missing: the disk was slow`, missing });
    await recorder.close();
    expect(lines().at(-1)).toMatchObject({ type: 'end', omitted: missing });
  });

  test('keeps in memory what its buffer takes, and no more, however much happens', async () => {
    const { recorder } = await openRecorder('memory', { bufferBytesMax: 65_536, bytesMax: 1_000_000_000 });
    const before = process.memoryUsage().heapUsed;
    for (let count = 0; count < 200_000; count++) recorder.departure('swim', '127.0.0.1:7956', message);
    expect(recorder.omittedCount).toBeGreaterThan(199_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(128 * 1_048_576); // what is not collected yet is in it
    await recorder.close();
  });

  test('cuts long text', async () => {
    const { recorder, lines } = await openRecorder('long');
    recorder.mark('gms', 'deliver', 'y'.repeat(5_000));
    await recorder.close();
    expect(lines()[1].label).toHaveLength(300);
  });

  test('an operation is recorded with its answer, as not done when it was refused, or as unsure', async () => {
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
    const refused = recorder.operation(write, () => Promise.reject(nodeError('NODE_ROLES_EMPTY')), String);
    await expect(refused).rejects.toThrow('role');
    const unread = recorder.operation({ ...write, f: 'read' }, () => Promise.reject(new Error('gone')), String);
    await expect(unread).rejects.toThrow('gone');
    await recorder.close();
    expect(lines().slice(1, 5)).toEqual([
      { at: 3, type: 'operation', operation: { ...write, call: 0, return: 3, out: true, type: 'ok' } },
      { at: 3, type: 'operation', operation: { ...write, call: 3, return: null, out: null, type: 'info' } },
      { at: 3, type: 'operation', operation: { ...write, call: 3, return: 3, out: null, type: 'fail' } },
      { at: 3, type: 'operation', operation: { ...write, f: 'read', call: 3, return: 3, out: null, type: 'fail' } },
    ]);
  });

  test('a long value is recorded as its digest: equal values stay equal, and different ones different', async () => {
    const { recorder, lines } = await openRecorder('values');
    const long = 'v'.repeat(2_000);
    for (const value of [long, `${long}!`, [null, long]])
      await recorder.operation(
        { process: 'p', f: 'write', key: 'k', value },
        async () => long,
        (out) => out,
      );
    await recorder.close();
    const [first, second, third] = lines()
      .slice(1, 4)
      .map(({ operation }) => operation);
    expect(first.value).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(first.out).toBe(first.value);
    expect(second.value).not.toBe(first.value);
    expect(third.value).toEqual([null, first.value]);
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

describe('what a node tells besides its messages', () => {
  const labels = (lines: readonly { readonly mark?: string; readonly label?: string; readonly role?: string }[]) =>
    lines.flatMap(({ role, mark, label }) => (mark === undefined ? [] : [`${role} ${mark}: ${label}`]));

  test('its log, but for what is in the events already, and for details', async () => {
    const { recorder, lines } = await openRecorder('log');
    const logged: string[] = [];
    const logger = tapLogger({ log: (level, event) => void logged.push(`${level} ${event}`) }, recorder);
    logger.log('info', 'tracker.hello', { nick: 'ann', host: '127.0.0.1' });
    logger.log('info', 'tracker.view', { group: 'tea', number: 3, members: 2 });
    logger.log('warn', 'dfs.expelled', { incarnation: 7 });
    logger.log('debug', 'node.http', { path: '/' });
    logger.log('info', 'raft.role', { role: 'leader' });
    await recorder.close();
    expect(logged).toHaveLength(5);
    expect(labels(lines())).toEqual([
      'tracker state: hello, nick ann, host 127.0.0.1',
      'tracker view: view, group tea, number 3, members 2',
      'dfs trouble: expelled, incarnation 7',
    ]);
  });

  test('each entry of a raft log as it is applied, by what it did and not by what it holds', async () => {
    const { recorder, lines } = await openRecorder('entries');
    const bytes = new Uint8Array([1, 2, 3]);
    const inner = { apply: () => bytes, snapshot: () => bytes, restore: () => {}, inPieces: true };
    const machine = tapStateMachine('dfs-meta', inner, recorder, () => ['put a: version 4 on n1, n2']);
    expect(machine.apply(bytes, 17)).toBe(bytes);
    expect(tapStateMachine('raft', inner, recorder).apply(bytes, 18)).toBe(bytes);
    machine.snapshot();
    machine.restore(bytes, { isFirst: true, isLast: false });
    machine.restore(bytes, { isFirst: false, isLast: true });
    expect(machine.inPieces).toBe(true);
    await recorder.close();
    expect(labels(lines())).toEqual([
      'raft deliver: dfs-meta 17: put a: version 4 on n1, n2',
      'raft deliver: raft 18',
      'raft state: dfs-meta snapshot',
      'raft state: dfs-meta restored',
    ]);
  });

  test('what the master of the file store has servers do, and what becomes of it', async () => {
    const { recorder, lines } = await openRecorder('orders');
    const server = (id: string) => ({ id, incarnation: 1, address: `${id}:1`, zone: '', freeBytes: 0, up: true });
    const copy = {
      copy: 1,
      blob: '5f3a91c0ffee',
      bytes: 9,
      sha256: '',
      epoch: 3,
      from: server('n1'),
      to: server('n2'),
    };
    const answers = [{ node: 'n2', incarnation: 1, epoch: 3 }, 'target-full'] as const;
    let count = 0;
    const copied = tapOrders(
      {
        copy: async () => answers[count++] ?? 'source-bad',
        verify: async () => 'intact',
        remove: async () => false,
      },
      recorder,
    );
    expect(await copied.copy(copy)).toBe(answers[0]);
    expect(await copied.copy(copy)).toBe('target-full');
    expect(await copied.remove({ deletion: 1, at: server('n3'), items: [{ blob: 'ab', epoch: 1 }] })).toBe(false);
    await recorder.close();
    expect(labels(lines())).toEqual([
      'dfs send: order: copy of 5f3a91c0 from n1 to n2',
      'dfs state: copy of 5f3a91c0 from n1 to n2: done',
      'dfs send: order: copy of 5f3a91c0 from n1 to n2',
      'dfs trouble: copy of 5f3a91c0 from n1 to n2: target-full',
      'dfs send: order: n3 deletes 1',
      'dfs trouble: n3 deletes 1: not reached',
    ]);
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
