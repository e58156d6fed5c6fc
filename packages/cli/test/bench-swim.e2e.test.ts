import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { serfVersion } from '../src/bench/serf-driver.ts';
import { isAlive } from '../src/cluster/processes.ts';
import { startGrp, type GrpProcess } from './support/process.ts';

const run = {
  victims: [expect.stringMatching(/^n[2-5]$/)],
  firstMs: expect.any(Number),
  lastMs: expect.any(Number),
  wronged: [],
};

/** Where this test's benchmarks have their folders: others may run at the same time. */
const scratch = mkdtempSync(join(tmpdir(), 'bench-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function folders(): readonly string[] {
  return readdirSync(scratch).filter((name) => name.startsWith('grp-bench-'));
}

/** In the environment of the benchmark, which all its processes inherit. */
const mark = `BENCH_TEST=${randomUUID()}`;

function startBench(...argv: readonly string[]): GrpProcess {
  const [name = '', value] = mark.split('=');
  return startGrp(['bench', 'swim', '--quick', ...argv], { [name]: value, TMPDIR: scratch });
}

/** Processes of this test's benchmarks. */
function leftovers(): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark);
    } catch {
      return false; // gone, or not ours to look at
    }
  });
}

test('ours alone: keeps its promises, and leaves nothing behind', async ({ skip }) => {
  const isShort = process.env['GRP_LONG'] === undefined;
  if (isShort && serfVersion() !== undefined) skip('the one beside serf runs ours, too: npm run soak -- long-tests');
  const bench = startBench('--against', 'none', '--json');
  expect({ code: await bench.ended, stderr: bench.stderr() }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(bench.stdout())).toMatchObject({
    schema: 'grp.bench.swim/1',
    ok: true,
    theirs: null,
    interrupted: false,
    machine: { cores: expect.any(Number), loadBefore: expect.any(Number) },
    ours: { system: 'grp', sizes: [{ members: 5, kills: [run, run, run], triples: [], wronged: [], notWhole: [] }] },
  });
  expect(folders()).toEqual([]);
  await expect.poll(leftovers).toEqual([]);
});

test('beside serf: the same figures of both, and a table', async ({ skip }) => {
  if (serfVersion() === undefined) skip('there is no serf on the PATH');
  const bench = startBench('--runs', '1', '--steady', '2s', '--against', 'serf');
  expect(await bench.ended).toBe(0);
  const figure = /^ +5 {2}killed: first list, p50 +\d+\.\d\d s +\d+\.\d\d s +\d+\.\d\d$/m;
  expect(bench.stdout()).toMatch(figure);
  // Serf agents sometimes miss a leave for good: that is then what the table says of them, never of ours.
  expect(bench.stdout()).toMatch(/^ +5 {2}leave: last list, max +\d+\.\d\d s +(\d+\.\d\d s|never)/m);
  expect(bench.stdout()).toMatch(/^PROMISED +MEASURED +WANTED$/m);
  expect(bench.stderr()).toMatch(/^serf, 5 members: kill 1\/1: first list \d/m);
  await expect.poll(leftovers).toEqual([]);
});

test('interrupted, it prints the figures so far and leaves nothing behind', async () => {
  const bench = startBench('--against', 'none', '--json');
  await expect.poll(() => leftovers().length, { timeout: 20_000 }).toBeGreaterThan(4); // it, two that guard, and members
  bench.child.kill('SIGINT');
  expect(await bench.ended).toBe(0);
  expect(JSON.parse(bench.stdout())).toMatchObject({ schema: 'grp.bench.swim/1', ok: false, interrupted: true });
  expect(folders()).toEqual([]);
  await expect.poll(leftovers).toEqual([]);
});

test.runIf(process.platform === 'linux')('killed, it takes all its members along', async () => {
  const logs = join(scratch, 'logs');
  const bench = startBench('--against', 'none', '--logs', logs);
  const ready = join(logs, 'grp-5', 'nodes', 'n1', 'ready.json');
  const seed = (): number => (JSON.parse(readFileSync(ready, 'utf8')) as { pid: number }).pid;
  await expect.poll(() => isAlive({ pid: seed(), startTicks: null }), { timeout: 20_000 }).toBe(true);
  bench.child.kill('SIGKILL');
  await bench.ended;
  await expect.poll(leftovers, { timeout: 10_000 }).toEqual([]);
  expect(isAlive({ pid: seed(), startTicks: null })).toBe(false);
});
