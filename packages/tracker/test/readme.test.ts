import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { trackerClientConfig, trackerConfig, type TrackerEvent } from '../src/index.ts';
import { commandShapes, noticeShapes } from '../src/wire/messages.ts';

const folder = new URL('../', import.meta.url);
const [readme, protocol] = await Promise.all(
  ['README.md', 'PROTOCOL.md'].map((file) => readFile(new URL(file, folder), 'utf8')),
);
const rowsOf = (text = ''): readonly string[] =>
  text.split('\n').flatMap((line) => (line.startsWith('|') ? [line.replaceAll(/ +/g, ' ')] : []));

test('the settings in the README are those of the code', () => {
  const rows = rowsOf(readme);
  const settings = [...Object.entries(trackerConfig.table), ...Object.entries(trackerClientConfig.table)];
  for (const [name, { default: value, unit, min, max, reason }] of settings) {
    const [shown, low, high] = [value, min, max].map((number) => number.toLocaleString('en-US'));
    expect(rows).toContain(`| \`${name}\` | ${shown} ${unit} | ${low} … ${high} | ${reason} |`);
  }
});

test('every error has a row, with its kind', async () => {
  const errors = await readFile(new URL('src/errors.ts', folder), 'utf8');
  const rows = rowsOf(readme);
  const starts = [...errors.matchAll(/(TRACKER_\w+): \{\s+kind: '([\w-]+)'/g)].map(
    ([, code, kind]) => `| \`${code}\` | ${kind} |`,
  );
  expect(starts.length).toBeGreaterThan(35);
  for (const start of starts) expect([start, rows.some((row) => row.startsWith(start))]).toEqual([start, true]);
});

test('every event has a row', () => {
  const events: Record<TrackerEvent['type'], true> = {
    ...{ view: true, member: true, topic: true, policy: true, ticket: true, invite: true, removed: true },
    ...{ relay: true, motd: true, lost: true, back: true, refused: true, fault: true },
  };
  for (const type of Object.keys(events))
    expect(rowsOf(readme).some((row) => row.startsWith(`| \`${type}\` |`))).toBe(true);
});

test('every command and notice has a row in PROTOCOL.md, with all its fields', () => {
  const rows = rowsOf(protocol);
  const policy = ['access', 'allow', 'deny', 'limit', 'moderated', 'secret'];
  for (const [name, shape] of [...Object.entries(commandShapes), ...Object.entries(noticeShapes)]) {
    const own = rows.filter((row) => row.startsWith(`| \`${name}\` |`)).join();
    expect([name, own === '']).toEqual([name, false]);
    const isPolicy = own.includes('policy?');
    for (const field of Object.keys(shape).filter((given) => !isPolicy || ![...policy, 'key'].includes(given))) {
      expect([name, field, own.includes(`\`${field}\``)]).toEqual([name, field, true]);
    }
  }
});

test('the example stands in the README as it is run', async () => {
  const [, ...code] = (await readFile(new URL('examples/meet.ts', folder), 'utf8')).split('\n');
  expect(readme).toContain(code.join('\n').trim());
});
