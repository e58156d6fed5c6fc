// Bytes as format 1 has them on the wire. A change that makes them others needs a new version and a golden file of its
// own; this one stays, and must still be read. GRP_GOLDEN=write makes the file of a new format.
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decodeGreeting, encodeGreeting, encodeReset, readId, type Greeting } from '../../src/wire.ts';

interface Case {
  readonly value: object;
  readonly write: () => Uint8Array;
  readonly read: (bytes: Uint8Array) => unknown;
}

const hello: Greeting = {
  type: 'hello',
  source: { low: 1, high: -2 },
  destination: { low: 0, high: 0 },
  windowPackets: 512,
};
const welcome: Greeting = { ...hello, type: 'welcome', destination: { low: 0x7fffffff, high: 5 } };
const key = { low: 0x1234_5678, high: -1 };

const cases: Readonly<Record<string, Case>> = {
  hello: { value: hello, write: () => encodeGreeting(hello), read: decodeGreeting },
  welcome: { value: welcome, write: () => encodeGreeting(welcome), read: decodeGreeting },
  reset: { value: key, write: () => encodeReset(key), read: (bytes) => readId(bytes, bytes.length - 8) },
};

const file = new URL('./wire-v1.json', import.meta.url);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
if (process.env['GRP_GOLDEN'] === 'write') {
  const written = Object.entries(cases).map(([name, { write }]) => [name, hex(write())]);
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(written), undefined, 2)}\n`);
}
const golden = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, string>>;

test('every golden message has a case', () => expect(Object.keys(golden)).toEqual(Object.keys(cases)));

test.each(Object.entries(cases))('%s', (name, { value, write, read }) => {
  expect(read(Uint8Array.from(Buffer.from(golden[name] ?? '', 'hex')))).toEqual(value);
  expect(hex(write())).toBe(golden[name]);
});
