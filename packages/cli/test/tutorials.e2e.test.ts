// Every command of the tutorials is run, in order, as the page says; every program on them is that of an example.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { grp } from './support/run.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

function page(name: string): string {
  return readFileSync(join(root, 'docs/tutorials', `${name}.md`), 'utf8');
}

/** The lines of all `sh` blocks. */
function commandsOf(name: string): readonly string[] {
  const blocks = [...page(name).matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, lines]) => lines ?? '');
  return blocks.flatMap((lines) => lines.trim().split('\n'));
}

// Three clusters and forty commands take a minute: a student's page now, all of them by the long run.
const pages = process.env['GRP_LONG'] === undefined ? ['student'] : ['developer', 'operator', 'student'];

describe.each(pages)('the tutorial of the %s (all: npm run soak -- long-tests)', (name) => {
  const folder = mkdtempSync(join(tmpdir(), 'grp-tutorial-'));
  const before = process.cwd();

  beforeAll(() => {
    process.chdir(folder);
    process.env['GRP_BASE_PORT'] = '0'; // whoever else runs tests here has the usual ports
  });

  afterAll(async () => {
    await grp('cluster', 'down'); // whatever a failure has left
    process.chdir(before);
    delete process.env['GRP_BASE_PORT'];
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(commandsOf(name))('%s', async (line) => {
    const [command, ...words] = line.split(' ');
    expect(command).toBe('grp');
    const { code, stdout, stderr } = await grp(...words);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toBe('');
  });
});

test('the programs on the page of the developer are those of the examples', () => {
  const programs = [...page('developer').matchAll(/<!-- example: (\S+) -->\n\n```ts\n([\s\S]*?)```/g)];
  expect(programs.length).toBe(3);
  for (const [, file = '', code] of programs) expect(code).toBe(readFileSync(join(root, file), 'utf8'));
});
