import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { gmsConfig, heartbeatConfig } from '../src/index.ts';

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');

test('the README shows the example as it is', () => {
  const code = /```ts\n([\s\S]*?)```/.exec(read('README.md'))?.[1];
  expect(code).toBe(read('examples/hello.ts'));
});

test('the README lists every setting with its unit and default', () => {
  const readme = read('README.md').replaceAll(/ +/g, ' ');
  for (const table of [gmsConfig.table, heartbeatConfig.table])
    for (const [name, setting] of Object.entries(table))
      expect(readme).toContain(`| \`${name}\` | ${setting.default} | ${setting.unit} |`);
});
