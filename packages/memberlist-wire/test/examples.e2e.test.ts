import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const pathOf = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));
const printed: Readonly<Record<string, string>> = {
  'say-hello.ts': 'ping\nsuspect\na stranger: label\n',
};

test.each(readdirSync(pathOf('examples')))('%s prints what its reader expects', (file) => {
  const options = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning'];
  const output = execFileSync(process.execPath, [...options, pathOf(`examples/${file}`)], { encoding: 'utf8' });
  expect(output).toBe(printed[file]);
});

test('the README shows the example as it is', () => {
  expect(readFileSync(pathOf('README.md'), 'utf8')).toContain(readFileSync(pathOf('examples/say-hello.ts'), 'utf8'));
});
