import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { messengerConfig } from '../src/index.ts';
import { conversation } from './support/conversation.ts';

const folder = new URL('../', import.meta.url);
const readme = await readFile(new URL('README.md', folder), 'utf8');

test('the conversation in the README happened like that', async () => {
  const screens = await conversation();
  expect(await conversation()).toBe(screens);
  expect(readme).toContain(`\`\`\`text\n${screens}\`\`\``);
});

test('the settings in the README are those of the code', () => {
  const rows = readme.split('\n').flatMap((line) => (line.startsWith('|') ? [line.replaceAll(/ +/g, ' ')] : []));
  const shown = (value: number): string => value.toLocaleString('en-US');
  const expected = Object.entries(messengerConfig.table).map(
    ([name, { default: given, min, max, unit, reason }]) =>
      `| \`${name}\` | ${shown(given)} ${unit} | ${shown(min)} … ${shown(max)} | ${reason} |`,
  );
  const at = rows.indexOf('| setting | default | bounds | reason |');
  expect(rows.slice(at + 2, at + 2 + expected.length)).toEqual(expected);
});

test('the example in the README is the one that runs', async () => {
  const example = await readFile(new URL('examples/tea.ts', folder), 'utf8');
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``);
});
