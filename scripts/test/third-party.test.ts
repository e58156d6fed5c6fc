import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { isAllowed, runtimeDependencies } from '../runtime-dependencies.ts';
import { noticesText } from '../third-party-text.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const dependencies = runtimeDependencies(root);

test('everything that an install brings may be passed on with our licence', () => {
  expect(dependencies.filter(({ licence }) => !isAllowed(licence))).toEqual([]);
  expect(dependencies.length).toBeGreaterThan(10);
});

test('the page of notices is what is installed', () => {
  expect(readFileSync(`${root}/docs/third-party.md`, 'utf8')).toBe(noticesText(dependencies));
});

test.each([
  ['MIT', true],
  ['(MIT OR CC0-1.0)', true],
  ['GPL-3.0-only OR Apache-2.0', true],
  ['MIT AND BSD-3-Clause', true],
  ['MIT AND GPL-2.0-only', false],
  ['GPL-3.0-only', false],
  ['none', false],
])('%s: %s', (licence, allowed) => expect(isAllowed(licence)).toBe(allowed));
