// The blob store on a disk whose system calls fail on order: a shim is preloaded into a child process.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBlobStore } from '../../src/node/store/blob-store.ts';
import { isIntact, store } from './store-support.ts';

const source = fileURLToPath(new URL('../../../storage/test/support/badfs.c', import.meta.url));
const child = fileURLToPath(new URL('store-child.ts', import.meta.url));

function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'the shim is for Linux';
  return spawnSync('gcc', ['--version']).status === 0 ? undefined : 'there is no gcc';
}

const reason = whyNot();

interface Told {
  readonly lines: readonly string[];
  readonly stored: ReadonlyMap<string, number>;
  readonly removing: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
  readonly problem: string | undefined;
}

describe.skipIf(reason !== undefined)(`failing disk calls${reason === undefined ? '' : ` (${reason})`}`, () => {
  let folder = '';
  let shim = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'grp-dfs-badfs-'));
    shim = join(folder, 'badfs.so');
    const built = spawnSync('gcc', ['-O2', '-shared', '-fPIC', '-o', shim, source, '-ldl'], { encoding: 'utf8' });
    if (built.status !== 0) throw new Error(built.stderr);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function run(data: string, count: number, rules?: string): Told {
    const { stdout } = spawnSync(
      process.execPath,
      ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', child, data, String(count)],
      {
        encoding: 'utf8',
        timeout: 60_000,
        env: { ...process.env, ...(rules === undefined ? {} : { LD_PRELOAD: shim, BADFS_MATCH: data, BADFS: rules }) },
      },
    );
    const lines = stdout.trim().split('\n');
    const removed = new Set(lines.flatMap((line) => /^removed (\w+)$/.exec(line)?.[1] ?? []));
    const removing = new Set(lines.flatMap((line) => /^removing (\w+)$/.exec(line)?.[1] ?? []));
    const stored = new Map<string, number>();
    for (const line of lines) {
      const [, blob, bytes] = /^stored (\w+) (\d+)$/.exec(line) ?? [];
      if (blob !== undefined) stored.set(blob, Number(bytes));
    }
    const problem = lines.flatMap((line) => /^(?:problem|refused) (\w+)$/.exec(line)?.[1] ?? []).at(-1);
    return { lines, stored, removing, removed, problem };
  }

  /** What was acknowledged is there, what was removed is not, and nothing that is there is less than whole. */
  async function expectAll(data: string, told: Told): Promise<void> {
    const opened = await openBlobStore({ dir: data, config: { reserveBytes: 0 } });
    const wrong: string[] = [];
    for (const [blob, bytes] of told.stored) {
      const isHere = opened.find(blob) !== undefined;
      if (told.removed.has(blob) && isHere) wrong.push(`${blob} is back`);
      // Whether a removal that was not acknowledged happened is not known.
      if (!told.removing.has(blob) && !isHere) wrong.push(`${blob} of ${bytes} is gone`);
    }
    for (const { blob, bytes } of opened.list(10_000))
      if (!(await isIntact(opened, blob, bytes))) wrong.push(`${blob} is altered`);
    if (!(await isIntact(opened, await store(opened, 4_000), 4_000))) wrong.push('it takes no more');
    await opened.close();
    expect(wrong).toEqual([]);
  }

  const rulesOfFailure = ['fsync:eio:14+', 'write:eio:19'];
  test.each(rulesOfFailure)('%s: the store stops, and what was acknowledged is there', async (rules) => {
    const data = join(folder, rules.replaceAll(':', '-'));
    const told = run(data, 400, rules);
    expect([told.problem, told.lines.includes('failed')]).toEqual(['DFS_STORE_FAILED', true]);
    await expectAll(data, told);
  });

  test.each(['write:kill:22', 'write:torn:27'])('%s: nothing acknowledged is lost', async (rules) => {
    const data = join(folder, rules.replaceAll(':', '-'));
    const told = run(data, 24, rules);
    expect(told.stored.size).toBeGreaterThan(0);
    await expectAll(data, told);
  });

  test('write:enospc for good: it is told, and removals still go on', async () => {
    const data = join(folder, 'full');
    const told = run(data, 400, 'write:enospc:30+');
    expect([told.problem, told.lines.includes('failed')]).toEqual(['DFS_DISK_FULL', false]);
    await expectAll(data, told);
  });
});
