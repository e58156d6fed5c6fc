import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { clientConfig, masterConfig, metaConfig, serviceConfig } from '../src/index.ts';
import { storeConfig, transferConfig } from '../src/node/index.ts';

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');

test('the README shows the example as it is', () => {
  const code = /```ts\n([\s\S]*?)```/.exec(read('README.md'))?.[1];
  expect(code).toBe(read('examples/three-servers.ts'));
});

test('the README lists every setting with its unit, default and reason', () => {
  const readme = read('README.md').replaceAll(/ +/g, ' ');
  const configs = [metaConfig, serviceConfig, masterConfig, clientConfig, storeConfig, transferConfig];
  for (const { table } of configs)
    for (const [name, { default: value, unit, reason }] of Object.entries(table))
      expect(readme).toContain(`| \`${name}\` | ${value} | ${unit} | ${reason} |`);
});
