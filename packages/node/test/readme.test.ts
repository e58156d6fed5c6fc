import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { nodeConfig } from '../src/config.ts';

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');

test('the settings in the README are those of the code', () => {
  const rows = Object.entries(nodeConfig.table).map(([name, setting]) => {
    const { min, max, unit, reason } = setting;
    return `| \`${name}\` | ${setting.default} | ${min} … ${max} | ${unit} | ${reason} |`;
  });
  const found = readme.split('\n').filter((line) => /^\| `\w+` +\| \d/.test(line));
  expect(found.map((line) => line.replaceAll(/ +/g, ' '))).toEqual(rows);
});

test('the example in the README is the one that the tests run', async () => {
  const example = await readFile(new URL('../examples/embed.ts', import.meta.url), 'utf8');
  const code = example.split('\n').filter((line) => !line.startsWith('//'));
  expect(readme).toContain(code.join('\n').trim());
});
