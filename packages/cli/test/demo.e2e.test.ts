import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { killNode } from '../src/cluster/control.ts';
import { runGrp, startGrp } from './support/process.ts';

const folders = (): readonly string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('grp-demo-'));

test('the demo keeps its promises and leaves nothing behind', async () => {
  const before = folders();
  const { code, documents, stderr } = await runGrp('demo');
  const { promises, ...report } = documents[0] as unknown as { readonly promises: { readonly kept: boolean }[] };
  expect(promises.filter(({ kept }) => !kept)).toEqual([]);
  expect(report).toMatchObject({ schema: 'grp.demo.report/1', ok: true });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(folders()).toEqual(before);
}, 180_000);

const isLong = process.env['GRP_LONG'] !== undefined;

test.runIf(isLong)(
  'a node dies that should not: the promises are broken (npm run soak -- long-tests)',
  async () => {
    const before = folders();
    const demo = startGrp(['demo', '--act', 'group']);
    const line = await demo.line(/^3\. The leader/);
    const [dir] = folders().filter((name) => !before.includes(name));
    const victim = ['n5', 'n4'].find((id) => !line.includes(id)) as string;
    await killNode(join(tmpdir(), dir as string), victim);
    expect({ code: await demo.ended, stderr: demo.stderr() }).toEqual({
      code: 8,
      stderr: expect.stringContaining(`nodes with another order: ${victim} (silent), promised none`),
    });
    expect(demo.stdout()).toMatch(/nodes with another order .* BROKEN/);
    expect(folders()).toEqual(before);
  },
  180_000,
);

test('an interrupted demo cleans up too', async () => {
  const before = folders();
  const demo = startGrp(['demo']);
  await demo.line(/^2\. /);
  demo.child.kill('SIGINT');
  expect(await demo.ended).toBe(0);
  expect(demo.stderr()).toContain('Interrupted');
  expect(folders()).toEqual(before);
});
