// A log on a real disk whose system calls fail on order: a shim is preloaded into a child process.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectLog } from '../src/index.ts';
import { nodeDisk } from '../src/node/index.ts';
import { entry } from './world.ts';

const source = fileURLToPath(new URL('support/badfs.c', import.meta.url));
const child = fileURLToPath(new URL('badfs-child.ts', import.meta.url));

function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'the shim is for Linux';
  return spawnSync('gcc', ['--version']).status === 0 ? undefined : 'there is no gcc';
}

const reason = whyNot();
if (reason !== undefined) process.stderr.write(`failing disk calls are not tested: ${reason}\n`);

interface Told {
  readonly lines: readonly string[];
  readonly status: number | null;
  readonly signal: string | null;
  /** The last index that was said to be durable. */
  readonly durable: number;
}

describe.skipIf(reason !== undefined)(`failing disk calls${reason === undefined ? '' : ` (${reason})`}`, () => {
  let folder = '';
  let shim = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'grp-badfs-'));
    shim = join(folder, 'badfs.so');
    const built = spawnSync('gcc', ['-O2', '-shared', '-fPIC', '-o', shim, source, '-ldl'], { encoding: 'utf8' });
    if (built.status !== 0) throw new Error(built.stderr);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  let count = 0;
  const freshFolder = (): string => join(folder, `data-${++count}`);

  function run(data: string, entries: number, rules?: string): Told {
    const { stdout, status, signal } = spawnSync(
      process.execPath,
      ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', child, data, String(entries)],
      {
        encoding: 'utf8',
        timeout: 60_000,
        env: { ...process.env, ...(rules === undefined ? {} : { LD_PRELOAD: shim, BADFS_MATCH: data, BADFS: rules }) },
      },
    );
    const lines = stdout.trim().split('\n');
    const durable = Math.max(0, ...lines.map((line) => Number(/^durable (\d+)$/.exec(line)?.[1] ?? 0)));
    return { lines, status, signal, durable };
  }

  async function expectAll(data: string, to: number): Promise<void> {
    const disk = nodeDisk(data);
    const { entries, recovered } = await inspectLog({ disk });
    for (let index = 1; index <= to;) {
      const read = await entries.read(index, to, 1e6);
      for (const item of read) expect(item).toEqual(entry(item.index));
      index += read.length;
    }
    expect(recovered.lastIndex).toBeGreaterThanOrEqual(to);
    disk.close();
  }

  test('without rules all is well', async () => {
    const data = freshFolder();
    const told = run(data, 200, 'none:eio:1');
    expect([told.status, told.durable, told.lines.at(-1)]).toEqual([0, 200, 'closed']);
    await expectAll(data, 200);
  });

  // A part of a batch that is durable when the rest is refused: all of it is written again, or the log stops. (After a short
  // write libuv asks once more by itself, and tells of an error there as of a short write: the rest is then written anew.)
  test.each(['write:enospc:45', 'write:short:45,write:enospc:46,write:enospc:47'])(
    '%s: full once, and it goes on by itself',
    async (rules) => {
      const data = freshFolder();
      const told = run(data, 200, rules);
      expect([told.status, told.durable, told.lines.at(-1)]).toEqual([0, 200, 'closed']);
      await expectAll(data, 200);
      expect(run(data, 20).lines[0]).toBe('opened 200 null');
    },
  );

  test.each(['fsync:eio:20', 'fsync:eio:23+', 'write:eio:30', 'write:short:45,write:eio:46+', 'fsync:enospc:25'])(
    '%s: the log stops, and what was durable is there',
    async (rules) => {
      const data = freshFolder();
      const told = run(data, 400, rules);
      expect([told.status, told.lines.at(-1)]).toEqual([3, 'failed']);
      expect(told.durable).toBeGreaterThan(0);
      await expectAll(data, told.durable);
      const again = run(data, 20);
      expect(again.lines[0]).toMatch(/^opened \d+ null$/);
      await expectAll(data, told.durable + 20);
    },
  );

  test.each(['write:torn:40', 'write:torn:41', 'write:torn:47', 'write:kill:44', 'fsync:kill:33', 'write:short:40'])(
    '%s: nothing durable is lost',
    async (rules) => {
      const data = freshFolder();
      const told = run(data, 100, rules);
      expect(told.signal).toBe(rules.includes('short') ? null : 'SIGKILL');
      expect(told.durable).toBeGreaterThan(0);
      await expectAll(data, told.durable);
      // A torn batch is reported, and stays reported: nobody has settled it.
      const again = run(data, 20);
      expect(again.lines[0]).toMatch(/^opened \d+ (null|\{"corrupt":\[\],"uncertainFrom":\d+,.*\})$/);
      await expectAll(data, told.durable);
    },
  );

  test('write:enospc for good: nothing is acknowledged that is not written', async () => {
    const data = freshFolder();
    const told = run(data, 2_000, 'write:enospc:60+');
    expect(told.status).toBe(5);
    expect(told.lines).toContain('full');
    await expectAll(data, told.durable);
    expect(run(data, 10).status).toBe(0);
  });

  test('a slow disk only makes it slow', async () => {
    const data = freshFolder();
    const told = run(data, 40, 'fsync:slow:25+');
    expect([told.status, told.durable]).toEqual([0, 40]);
    await expectAll(data, 40);
  });

  test('a bit that flips while the log is read is found', () => {
    const data = freshFolder();
    expect(run(data, 500).durable).toBe(500);
    let reported = 0;
    for (let nth = 1; nth <= 10; nth++) {
      const copy = freshFolder();
      cpSync(data, copy, { recursive: true });
      const { lines } = run(copy, 0, `read:flip:${nth}`);
      const isReported = lines.some((line) => /^opened \d+ \{|^refused /.test(line));
      // Otherwise the byte was none that matters.
      expect([nth, isReported || lines[0] === 'opened 500 null', lines]).toEqual([nth, true, lines]);
      if (isReported) reported++;
    }
    expect(reported).toBeGreaterThan(0);
  });

  test.each(['open:emfile:3', 'open:eio:5', 'rename:eio:1'])(
    '%s: refused or failed, and nothing is lost',
    async (rules) => {
      const data = freshFolder();
      expect(run(data, 100).durable).toBe(100);
      run(data, 100, rules);
      const again = run(data, 10);
      expect(again.status).toBe(0);
      await expectAll(data, 110);
    },
  );
});
