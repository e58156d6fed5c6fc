// What the lab and its recorders have written, as version 1 has it. It stays, and must still be read by later versions.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { mergeRecordings, parseRecording, parseRecordingFile } from '../../src/index.ts';

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

test('a plan of version 1 is read', () => {
  const recording = parseRecording(JSON.parse(read('./plan-v1.json')));
  expect(recording).toMatchObject({ scenario: 'mine', level: 'gms3', seed: 1, plan: { founders: 3 } });
});

test('recordings of nodes of version 1 become one trace', () => {
  const nodes = ['./n1-v1.ndjson', './n2-v1.ndjson'].map((name) => parseRecordingFile(read(name)));
  const parsed = nodes.filter((node) => typeof node !== 'string');
  expect(parsed).toHaveLength(2);
  const { lanes, events, operations, omittedCount } = mergeRecordings(parsed);
  expect([lanes, omittedCount, operations.length]).toEqual([['n1', 'n2'], 3, 1]);
  expect(events.map(({ type, lane }) => `${lane} ${type}`)).toEqual(['n1 departure', 'n2 arrival', 'n2 mark']);
});
