// The scenarios run where there is no Node: in a bare JavaScript context, and in a browser when one is installed.
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { build } from 'tsup';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runSwimScenario } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'grp-lab-'));
const run = { seed: 42, nodeCount: 5, loss: 0.1, durationMs: 20_000 };
const scenarios = ['chaos', 'kill'] as const;
const wanted = scenarios.map((scenario) => runSwimScenario(scenario, run).traceHash);
const browser = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (command) => spawnSync(command, ['--version']).status === 0,
);
let bundle = '';

beforeAll(async () => {
  const source = new URL('../src/index.ts', import.meta.url).pathname;
  const entry = join(folder, 'page.ts');
  writeFileSync(
    entry,
    `import { runSwimScenario } from ${JSON.stringify(source)};
globalThis.hashes = ${JSON.stringify(scenarios)}.map((scenario) => runSwimScenario(scenario, ${JSON.stringify(run)}).traceHash);`,
  );
  await build({
    entry: { page: entry },
    outDir: folder,
    config: false,
    silent: true,
    format: 'iife',
    platform: 'browser',
    target: 'es2024',
    noExternal: [/.*/],
    esbuildOptions: (options) => {
      options.conditions = ['@grp/source', 'browser', 'import', 'default'];
    },
  });
  bundle = readFileSync(join(folder, 'page.global.js'), 'utf8');
}, 30_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('in a context with nothing but ECMAScript and text coders: the same hashes', () => {
  const context = createContext({ TextEncoder, TextDecoder });
  runInContext(bundle, context, { timeout: 30_000 });
  expect(Array.from((context as { hashes: string[] }).hashes)).toEqual(wanted);
});

test.skipIf(browser === undefined)(
  `in a browser: the same hashes${browser === undefined ? ' (skipped: no chromium on the PATH)' : ''}`,
  async () => {
    const page = join(folder, 'page.html');
    writeFileSync(
      page,
      `<!doctype html><meta charset="utf-8"><p id="out"></p><script>${bundle.replaceAll('</script', '<\\/script')}
document.getElementById('out').textContent = 'hashes:' + globalThis.hashes.join(',');</script>`,
    );
    const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', `--user-data-dir=${join(folder, 'profile')}`];
    const { stdout } = await promisify(execFile)(
      browser as string,
      [...flags, '--virtual-time-budget=20000', '--dump-dom', `file://${page}`],
      { timeout: 50_000 },
    );
    expect(/hashes:([0-9a-f,]+)/.exec(stdout)?.[1]?.split(',')).toEqual(wanted);
  },
  60_000,
);
