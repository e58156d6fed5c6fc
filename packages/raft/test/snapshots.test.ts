// Snapshots between servers on a table: chunks, answers, failures, and how often one is taken.
import { expect, test } from 'vitest';
import { bare, Script } from './support/script.ts';

const three = ['n1', 'n2', 'n3'];

test('a snapshot in chunks: lost chunks are sent again, and it goes on where it stopped', () => {
  const config = { snapshotEntries: 5, trailingEntries: 0, chunkBytes: 1 };
  const script = new Script({ voters: three, config });
  script.live(1_000);
  script.crash('n1');
  for (let count = 0; count < 20; count++) {
    script.propose('n3');
    script.live(5);
  }
  script.live(600); // a follower that is silent for long does not hold the log back
  for (let count = 0; count < 6; count++) {
    script.propose('n3');
    script.live(5);
  }
  expect(script.status('n3').firstIndex).toBeGreaterThan(5);
  script.start('n1');
  const chunks = new Set<object>();
  let lost: object | undefined;
  script.live(2_000, ({ message }) => {
    if (message.type !== 'snapshot-request') return false;
    chunks.add(message);
    return message.offset === 2 && (lost ??= message) === message;
  });
  const offsets = [...chunks].map((chunk) => (chunk as { offset: number }).offset);
  expect(offsets.filter((offset) => offset < 4)).toEqual([0, 1, 2, 2, 3]);
  script.install('n1');
  script.live(500);
  expect(script.status('n1').commitIndex).toBe(script.status('n3').commitIndex);
  expect(script.violations()).toEqual([]);
});

test('a chunk is answered when it is on disk, and the snapshot begins anew when it could not be kept', () => {
  const script = new Script({ voters: three, config: bare });
  const { term } = script.status('n1');
  const configuration = { voters: three, outgoing: [], learners: [], addresses: {} };
  const snapshot = { id: 's', index: 9, term: 1, configuration, sizeBytes: 4 };
  const send = (offset: number): void =>
    script.receive('n1', 'n3', {
      type: 'snapshot-request',
      term: term + 1,
      round: 0,
      snapshot,
      offset,
      bytes: new Uint8Array(2),
    });
  const offsets = (): unknown[] => {
    const told = script.flying.map(({ message }) => message.type === 'snapshot-response' && message.nextOffset);
    script.lose();
    return told.filter((offset) => offset !== false);
  };
  script.areChunksHeld = true;
  send(0);
  send(0); // again, while the first is being written
  expect(offsets()).toEqual([]);
  script.input('n1', { type: 'chunk-saved', id: 's', isSaved: true });
  expect(offsets()).toEqual([2]);
  send(2);
  script.input('n1', { type: 'chunk-saved', id: 's', isSaved: false });
  expect(offsets()).toEqual([]);
  send(2);
  expect(offsets()).toEqual([0]);
  expect(script.take('n1', 'install-snapshot')).toEqual([]);
  for (const offset of [0, 2]) {
    send(offset);
    script.input('n1', { type: 'chunk-saved', id: 's', isSaved: true });
  }
  expect(script.take('n1', 'install-snapshot')).toHaveLength(1);
});

test('a snapshot that failed is not tried again at once, and one of a large state not for a few entries', () => {
  const script = new Script({ voters: ['n1'], config: { snapshotEntries: 10, trailingEntries: 0 } });
  script.live(1_000);
  const write = (count: number): number => {
    script.takenAt.length = 0;
    for (let done = 0; done < count; done++) script.propose('n1');
    script.live(100);
    return script.takenAt.length;
  };
  script.snapshotBytes = 0;
  expect(write(30)).toBe(1);
  script.snapshotBytes = 4_000;
  script.live(5_000);
  expect(script.takenAt).toHaveLength(2);
  // 42 bytes each: a snapshot when half of the last one's size has come, not every ten entries.
  expect(write(40)).toBe(0);
  expect(write(40)).toBe(1);
  expect(write(1)).toBe(0);
  script.input('n1', { type: 'snapshot' });
  expect(script.takenAt).toHaveLength(1);
});
